#!/usr/bin/env bash
# run.sh: installs what is missing, builds, and runs latentflow; without arguments it runs the demo.
#   ./run.sh                         denoises pictures that the program draws and prints a table
#   ./run.sh denoise photos/ clean/  any latentflow command
#   ./run.sh bench peers             latentflow against ONNX Runtime, OpenCV DNN and PyTorch; --help lists the options
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/.ci/build.sh"

install_packages "${latentflow_packages[@]}"
if [ "${1:-}" = bench ]; then
  [ "${2:-}" = peers ] || { echo "run.sh bench: there is one bench: ./run.sh bench peers" >&2; exit 1; }
  install_packages "${latentflow_test_packages[@]}"
  build_preset bench peers
  exec python3 -B "$latentflow_root/tests/bench/peers/peers.py" "${@:3}"
fi
build_preset release
program="$latentflow_root/build/release/bin/latentflow"
if [ $# -eq 0 ]; then
  exec "$program" run demo
fi
exec "$program" "$@"
