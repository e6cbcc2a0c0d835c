#!/usr/bin/env bash
# get-nvrtc.sh FOLDER: NVIDIA's run-time compiler without a GPU, a driver or an installation, for the tests that compile every kernel:
#   FOLDER/12.4/libnvrtc.so.12     from Debian trixie
#   FOLDER/11.8/libnvrtc.so.11.2   from Debian bookworm, the oldest CUDA that is supported
# About 35 MB are fetched from the mirror that this system's apt uses, apt's signatures are checked, and nothing is written but FOLDER.
# What is there is left alone. Then: ESC_NVRTC_PATH=FOLDER/12.4:FOLDER/11.8
set -euo pipefail
folder=${1:?usage: get-nvrtc.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "get-nvrtc: $*" >&2; exit 1; }
. "$here/debian.sh"

# get VERSION SUITE PACKAGE...: unpacks the libraries of the packages into FOLDER/VERSION, all or nothing.
get() {
  local version=$1 suite=$2; shift 2
  [[ -d $folder/$version ]] && return
  open_suite "$suite"
  (cd "$temporary/packages" && "${apt[@]}" download "$@") >> "$temporary/log" 2>&1 ||
    { tail -n 5 "$temporary/log" >&2; fail "the packages of $suite cannot be fetched"; }
  for package in "$temporary"/packages/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -C "$temporary/files" -x --wildcards './usr/lib/x86_64-linux-gnu/libnvrtc*.so.*'
  done
  cp -a "$temporary"/files/usr/lib/x86_64-linux-gnu/libnvrtc*.so.* "$temporary/ready/"
  mkdir -p "$folder"
  # Another process may have been quicker; either result is whole.
  mv -T "$temporary/ready" "$folder/$version" 2>/dev/null || [[ -d $folder/$version ]] || fail "cannot write $folder/$version"
  echo "get-nvrtc: $folder/$version"
}

get 12.4 trixie libnvrtc12 libnvrtc-builtins12.4
get 11.8 bookworm libnvrtc11.2 libnvrtc-builtins11.8
