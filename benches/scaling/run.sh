#!/usr/bin/env bash
# Times training on several ranks and prints a line of JSON for each run: milliseconds of a step, of them in exchanges, bytes sent.
#
#   benches/scaling/run.sh RANKS OPTIONS...                                all ranks on this host
#   LINK="MICROSECONDS GBIT" benches/scaling/run.sh RANKS OPTIONS...       each on a host of its own (as root; see hosts.py)
#
# OPTIONS are those of `gpu-cnn train`. The program has to be built with MPI: cargo build --release --features mpi. STEPS steps (100) are timed,
# the median of ROUNDS runs (3).
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=$PWD/target/release/gpu-cnn hosts=$PWD/benches/scaling/hosts.py
ranks=$1 steps=${STEPS:-100} rounds=${ROUNDS:-3}
shift
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export XDG_RUNTIME_DIR=$place OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
"$binary" synthetic "$place/data" --train 30000 --test 10 -q
train=("$binary" train --data "$place/data" --epochs 1 --steps-per-epoch "$steps" -q --overwrite --out "$place/run" "$@")
for ((round = 0; round < rounds; round++)); do
    if [ -n "${LINK:-}" ]; then
        # shellcheck disable=SC2086,SC2016
        python3 "$hosts" "$ranks" $LINK sh -c 'mpirun --host $HOSTS --mca plm_rsh_agent $AGENT --mca btl tcp,self \
            --mca btl_tcp_if_include 10.99.0.0/24 --mca oob_tcp_if_include 10.99.0.0/24 --bind-to none -n "$@"' mpirun "$ranks" "${train[@]}" >/dev/null
    else
        mpirun --oversubscribe --bind-to none -n "$ranks" "${train[@]}" >/dev/null
    fi
    mv "$place/run" "$place/$round"
done
python3 - "$ranks" "${LINK:-}" "$*" "$place"/[0-9]* <<'PYTHON'
import json, statistics, sys
ranks, link, options, *folders = sys.argv[1:]
def figures(folder):
    exchange = json.load(open(folder + "/run.json"))["final"].get("exchange", {"exchange_ms_per_step": 0, "bytes_sent_per_step": 0})
    return exchange | {"ms_per_step": json.loads(open(folder + "/timing.jsonl").readline())["ms_per_step"]}
runs = [figures(folder) for folder in folders]
median = {name: round(statistics.median(run[name] for run in runs), 3) for name in ["ms_per_step", "exchange_ms_per_step", "bytes_sent_per_step"]}
print(json.dumps({"ranks": int(ranks), "link": link, "options": options} | median), flush=True)
PYTHON
