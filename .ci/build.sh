# build.sh: what run.sh and test.sh share; source it. Needs root or sudo only when a Debian package is missing.

latentflow_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
latentflow_packages=(
  g++ cmake ninja-build ccache python3
  libtbb-dev libdnnl-dev libopencv-dev libyaml-cpp-dev libonnx-dev libprotobuf-dev protobuf-compiler libssl-dev zlib1g-dev libjpeg-dev libpng-dev libtiff-dev
  libzip-dev libcli11-dev libfmt-dev libhwy-dev nlohmann-json3-dev libeigen3-dev gnuplot-nox)
latentflow_test_packages=(libgtest-dev libgmock-dev libbenchmark-dev)

# install_packages NAME...: installs the missing ones through apt and says so; silent and offline when none is missing.
install_packages() {
  local missing=() name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "missing Debian packages: ${missing[*]}; install them as root" >&2; return 1; }
    sudo=(sudo)
  fi
  echo "installing Debian packages: ${missing[*]}" >&2
  "${sudo[@]}" apt-get update -qq >&2
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# build_preset PRESET [TARGET...]: configures once, then builds what changed; shows the compiler's output only on failure.
build_preset() {
  local preset=$1 folder="$latentflow_root/build/$1" log
  shift
  if [ ! -f "$folder/build.ninja" ]; then
    echo "configuring build/$preset" >&2
    mkdir -p "$latentflow_root/build"
    (cd "$latentflow_root" && cmake --preset "$preset") >"$folder.log" 2>&1 ||
      { cat "$folder.log" >&2; return 1; }
  fi
  [ -x "$folder/bin/latentflow" ] || echo "building build/$preset (the first time takes some minutes)" >&2
  ninja -C "$folder" "$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; return 1; }
}
