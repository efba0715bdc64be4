#!/usr/bin/env bash
# Installs TensorFlow.js and its backends into FOLDER, outside the repository: benches/browser/setup.sh FOLDER
set -euo pipefail
folder=$1
version=4.22.0
mkdir -p "$folder"
[ -e "$folder/package.json" ] || echo '{ "private": true }' >"$folder/package.json"
npm install --silent --no-audit --no-fund --save-exact --prefix "$folder" \
    "@tensorflow/tfjs@$version" "@tensorflow/tfjs-backend-wasm@$version" "@tensorflow/tfjs-backend-webgpu@$version"
