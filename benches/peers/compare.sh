#!/usr/bin/env bash
# Times gpu-cnn and the installed frameworks in turn, ROUNDS times (3) for each model; each prints one line of JSON per run.
#
#   [ROUNDS=N] [BATCH_SIZE=N] [ADAPTER=NAME] benches/peers/compare.sh FOLDER [MODEL...]
#
# FOLDER is the one given to `setup.sh`; a framework that is not installed there is skipped. A MODEL is a preset or a TOML
# file (cnn if there is none). ADAPTER is one of gpu-cnn's; without it, all of them are timed.
set -euo pipefail
folder=$(realpath "$1") rounds=${ROUNDS:-3} batch=${BATCH_SIZE:-32}
shift
[ $# -gt 0 ] || set -- cnn
for model; do # paths of files, as seen from the root of the repository
    case $model in *.toml) set -- "$@" "$(realpath "$model")" ;; *) set -- "$@" "$model" ;; esac
    shift
done
cd "$(dirname "$0")/../.."
ours=target/release/gpu-cnn
[ -x $ours ] || cargo build --release
[ -d "$folder/data" ] || $ours synthetic "$folder/data" --train 6400 --test 100

time_ours() {
    $ours bench --model "$1" --batch-size "$batch" --rounds 1 --warmup 30 --steps 100 ${ADAPTER:+--adapter "$ADAPTER"} \
        --export-json "$folder/ours.json" >"$folder/ours.log" 2>&1 || return
    python3 - "$folder/ours.json" <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
for result in report["results"]:
    line = {"peer": "gpu-cnn, " + result["adapter"], "model": report["model"], "batch_size": report["batch_size"]}
    print(json.dumps(line | {"ms_per_step": round(result["ms_per_step"]["median"], 3)}), flush=True)
PYTHON
}

for ((round = 1; round <= rounds; round++)); do
    for model; do
        time_ours "$model" || echo "gpu-cnn failed: see $folder/ours.log" >&2
        for peer in keras pytorch jax; do
            python=$folder/$peer/bin/python
            [ -x "$python" ] || continue
            "$python" benches/peers/train_$peer.py "$folder/data" --model "$model" --batch-size "$batch" 2>"$folder/$peer.log" ||
                echo "$peer failed: see $folder/$peer.log" >&2
        done
        for peer in burn meganeura; do # both know only this model and batch size
            program=$folder/$peer/release/$peer-peer
            [ -x "$program" ] && [ "$model $batch" = "cnn 32" ] || continue
            "$program" 2>"$folder/$peer.log" || echo "$peer failed: see $folder/$peer.log" >&2
        done
    done
done
