#!/usr/bin/env python3
"""Compares two builds of gpu-cnn by their own `bench`, in both orders, each beside itself (A/A):

    benches/builds.py OLD NEW [--rounds N] [--export-json FILE] [-- OPTIONS OF BENCH]

OLD and NEW are programs. A round is OLD, NEW, NEW, OLD. Prints for each device the median milliseconds a step of both, their
ratio, and for each build the median of its first runs by that of its second: differences smaller than these are noise.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile


def bench(program, options):
    """Median milliseconds a step on each device, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        export = os.path.join(folder, "bench.json")
        command = [program, "-q", "bench", "--rounds", "1", *options, "--export-json", export]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"builds.py: {' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
        with open(export) as file:
            return {r["adapter"]: r["ms_per_step"]["median"] for r in json.load(file)["results"]}


def main():
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--export-json")
    args = parser.parse_args(sys.argv[1:split])
    samples = {}
    for round_number in range(args.rounds):
        print(f"round {round_number + 1} of {args.rounds}", file=sys.stderr)
        for build, time in [("old", 0), ("new", 0), ("new", 1), ("old", 1)]:
            for adapter, ms in bench(getattr(args, build), sys.argv[split + 1 :]).items():
                samples.setdefault(adapter, {"old": [[], []], "new": [[], []]})[build][time].append(ms)
    print(f"{'adapter':52} {'old, ms':>8} {'new, ms':>8} {'new/old':>8} {'A/A old':>8} {'A/A new':>8}")
    for adapter, builds in samples.items():
        middle = {build: statistics.median(times[0] + times[1]) for build, times in builds.items()}
        control = [statistics.median(builds[b][0]) / statistics.median(builds[b][1]) for b in ("old", "new")]
        ratio = middle["new"] / middle["old"]
        floor = max(max(c, 1 / c) for c in control)
        verdict = "" if max(ratio, 1 / ratio) > floor else "  within the noise"
        figures = [middle["old"], middle["new"], ratio, *control]
        print(f"{adapter:52} " + " ".join(f"{f:8.3f}" for f in figures) + verdict)
    if args.export_json:
        with open(args.export_json, "w") as file:
            json.dump(samples, file, indent=1)


main()
