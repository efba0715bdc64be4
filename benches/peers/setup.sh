#!/usr/bin/env bash
# Installs the frameworks to compare with into FOLDER, each in its own environment:
#
#   benches/peers/setup.sh FOLDER [keras] [pytorch] [jax] [burn] [meganeura]
set -euo pipefail
folder=$1
shift
[ $# -gt 0 ] || set -- keras pytorch jax burn meganeura
mkdir -p "$folder"
here=$(cd "$(dirname "$0")" && pwd)
environment() {
    python3 -m venv "$folder/$1"
    "$folder/$1/bin/pip" install --quiet "${@:2}"
}
for peer; do
    case $peer in
        keras) environment keras tensorflow-cpu==2.21.0 keras==3.15.1 numpy ;;
        pytorch) environment pytorch torch==2.15.0 numpy ;; # includes CUDA, several GB
        jax) environment jax jax==0.10.2 jaxlib==0.10.2 numpy ;;
        burn) CARGO_TARGET_DIR="$folder/burn" cargo build --release --manifest-path "$here/burn/Cargo.toml" ;; # slow to build
        meganeura) CARGO_TARGET_DIR="$folder/meganeura" cargo build --release --manifest-path "$here/meganeura/Cargo.toml" ;;
        *) echo "unknown framework $peer" >&2 && exit 2 ;;
    esac
done
