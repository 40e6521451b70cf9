#!/usr/bin/env bash
# run.sh: installs what is missing, builds, and runs latentflow; without arguments it runs the demo.
#   ./run.sh                         denoises pictures that the program draws and prints a table
#   ./run.sh denoise photos/ clean/  any latentflow command
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/.ci/build.sh"

install_packages "${latentflow_packages[@]}"
build_preset release
program="$latentflow_root/build/release/bin/latentflow"
if [ $# -eq 0 ]; then
  exec "$program" run demo
fi
exec "$program" "$@"
