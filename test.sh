#!/usr/bin/env bash
# test.sh: installs what is missing, builds, and runs every test; arguments go to ctest (./test.sh -L unit).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/.ci/build.sh"

install_packages "${latentflow_packages[@]}" "${latentflow_test_packages[@]}"
build_preset dev
cd "$latentflow_root/build/dev"
exec ctest --output-on-failure --parallel "$(nproc)" "$@"
