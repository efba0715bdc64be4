#!/usr/bin/env bash
# Times gpu-cnn and the installed frameworks in turn, ROUNDS times; each prints one line of JSON per run.
#
#   benches/peers/compare.sh FOLDER [MODEL] [BATCH_SIZE]
#
# FOLDER is the one given to `setup.sh`; a framework that is not installed there is skipped.
set -euo pipefail
folder=$(realpath "$1") model=${2:-cnn} batch=${3:-32} rounds=${ROUNDS:-3}
cd "$(dirname "$0")/../.."
ours=target/release/gpu-cnn
[ -x $ours ] || cargo build --release
[ -d "$folder/data" ] || $ours synthetic "$folder/data" --train 6400 --test 100

for ((round = 1; round <= rounds; round++)); do
    $ours bench --model "$model" --batch-size "$batch" --rounds 1 --steps 40 --export-json "$folder/ours.json" >/dev/null 2>&1
    python3 - "$folder/ours.json" <<'PYTHON'
import json, sys
report = json.load(open(sys.argv[1]))
for result in report["results"]:
    line = {"peer": "gpu-cnn, " + result["adapter"], "model": report["model"], "batch_size": report["batch_size"]}
    print(json.dumps(line | {"ms_per_step": round(result["ms_per_step"]["median"], 3)}), flush=True)
PYTHON
    for peer in keras pytorch jax; do
        python=$folder/$peer/bin/python
        [ -x "$python" ] || continue
        "$python" benches/peers/train_$peer.py "$folder/data" --model "$model" --batch-size "$batch" 2>"$folder/$peer.log" ||
            echo "$peer failed: see $folder/$peer.log" >&2
    done
    burn=$folder/burn/release/burn-peer
    if [ -x "$burn" ] && [ "$model $batch" = "cnn 32" ]; then "$burn" 2>"$folder/burn.log" || echo "burn failed" >&2; fi
done
