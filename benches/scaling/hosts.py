#!/usr/bin/env python3
"""Runs a command of MPI on hosts that are network namespaces of this machine, joined by links of a given delay and rate.

    hosts.py HOSTS MICROSECONDS GBIT COMMAND...

needs root, `ip` and /dev/net/tun. COMMAND runs on the first host; `$HOSTS` names all, separated by commas, and `$AGENT` starts a process
on one of them: mpirun --host $HOSTS --mca plm_rsh_agent $AGENT --mca btl tcp,self ... Each packet waits for those before it on its
sender's and its receiver's link, and arrives after the delay. tc's netem would do the same; not every kernel has it.
"""

import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import sys
import tempfile
import time

CLONE_NEWNET, TUNSETIFF, IFF_TUN, IFF_NO_PI, PR_SET_TIMERSLACK = 0x40000000, 0x400454CA, 1, 0x1000, 29
MTU = 16000
libc = ctypes.CDLL(None, use_errno=True)
AGENT = """#!/bin/sh
host=$1
shift
exec ip netns exec "scaling-${host##*.}" unshare --uts sh -c "hostname host-${host##*.}; $*"
"""


def address(host):
    return f"10.99.0.{host + 1}"


def enter(namespace):
    if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
        sys.exit(f"cannot enter {namespace.name}: {os.strerror(ctypes.get_errno())}")


def create(host):
    """Creates the namespace of a host and returns the file of its only network interface."""
    name = f"scaling-{host + 1}"
    subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)
    subprocess.run(["ip", "netns", "add", name], check=True)
    with open("/proc/self/ns/net") as own, open(f"/run/netns/{name}") as namespace:
        enter(namespace)
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"tun0", IFF_TUN | IFF_NO_PI))
        enter(own)
    for command in [f"addr add {address(host)}/24 dev tun0", f"link set tun0 mtu {MTU} txqueuelen 4000 up", "link set lo up"]:
        subprocess.run(["ip", "-n", name, *command.split()], check=True)
    return tun


def relay(tuns, delay, bytes_per_second):
    """Carries packets between the hosts until it is ended; before other processes, which wait by asking again and again."""
    libc.prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0)
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    free = {tun: [0.0, 0.0] for tun in tuns}  # when its link is free to send, and to receive
    by_address = {tun_address: tun for tun_address, tun in zip((bytes([10, 99, 0, i + 1]) for i in range(len(tuns))), tuns)}
    under_way, count = [], 0
    while True:
        wait = None if not under_way else max(0.0, under_way[0][0] - time.monotonic())
        for tun in select.select(tuns, [], [], wait)[0]:
            try:
                packet = os.read(tun, MTU + 100)
            except BlockingIOError:
                continue
            to = by_address.get(packet[16:20])
            if packet[0] >> 4 != 4 or to is None:
                continue
            seconds = len(packet) / bytes_per_second
            free[tun][0] = sent = max(time.monotonic(), free[tun][0]) + seconds
            # The receiver's link carries it while the sender's does, unless it is busy with others.
            free[to][1] = received = max(sent, free[to][1] + seconds)
            count += 1
            heapq.heappush(under_way, (received + delay, count, to, packet))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, to, packet = heapq.heappop(under_way)
            os.write(to, packet)


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    hosts, delay, rate = int(sys.argv[1]), float(sys.argv[2]) * 1e-6, float(sys.argv[3]) * 1e9 / 8
    tuns = [create(host) for host in range(hosts)]
    child = os.fork()
    if child == 0:
        relay(tuns, delay, rate)
    with tempfile.NamedTemporaryFile("w", delete=False) as agent:
        agent.write(AGENT)
    os.chmod(agent.name, 0o755)
    environment = os.environ | {"HOSTS": ",".join(map(address, range(hosts))), "AGENT": agent.name}
    code = 1
    try:
        code = subprocess.run(["ip", "netns", "exec", "scaling-1", *sys.argv[4:]], env=environment, check=False).returncode
    finally:
        os.kill(child, 15)
        os.unlink(agent.name)
        for host in range(hosts):
            subprocess.run(["ip", "netns", "delete", f"scaling-{host + 1}"], check=False)
    sys.exit(code)


main()
