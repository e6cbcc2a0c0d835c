#!/usr/bin/env bash
# get-headers.sh FOLDER: NVIDIA's headers of the driver, NVRTC, cuBLAS and cuSOLVER, for the tests that hold our declarations
# against them (CudaHeaderTests):
#   FOLDER/12.4   from Debian trixie
#   FOLDER/11.8   from Debian bookworm, the oldest CUDA that is supported
# The package has 900 MB of libraries, but its headers stand at its beginning: the first 16 MiB of it are fetched from the mirror that this
# system's apt uses, and each header's SHA-256 is compared with get-headers.sha256. Nothing is written but FOLDER. What is there is left alone.
set -euo pipefail
folder=${1:?usage: get-headers.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "get-headers: $*" >&2; exit 1; }
for tool in curl dpkg-deb tar sha256sum; do command -v "$tool" > /dev/null || fail "needs $tool"; done

. "$here/debian.sh"

# get VERSION SUITE: the headers of the suite's CUDA, all or nothing.
get() {
  local version=$1 suite=$2
  [[ -d $folder/$version ]] && return
  open_suite "$suite"
  local uri; uri=$("${apt[@]}" download --print-uris nvidia-cuda-dev | sed -n "s/^'\([^']*\)'.*/\1/p")
  [[ -n $uri ]] || fail "$suite has no nvidia-cuda-dev"
  curl -sSf --retry 3 --range 0-16777215 "$uri" -o "$temporary/package.deb" || fail "$uri cannot be fetched"
  # Of a package that is cut off what came before the cut is unpacked; whether that is all of it the sums tell.
  dpkg-deb --fsys-tarfile "$temporary/package.deb" 2> /dev/null |
    tar -C "$temporary/files" -x --strip-components=3 --wildcards './usr/include/*.h' 2> /dev/null || true
  sed -n "s|  $version/|  |p" "$here/get-headers.sha256" > "$temporary/sums"
  [[ -s $temporary/sums ]] || fail "get-headers.sha256 has no sums for $version"
  (cd "$temporary/files" && sha256sum --quiet --strict -c "$temporary/sums") || fail "$uri does not have the headers that were expected"
  (cd "$temporary/files" && sed 's/^[0-9a-f]*  //' "$temporary/sums" | xargs cp --parents -t "$temporary/ready")
  mkdir -p "$folder"
  # Another process may have been quicker; either result is whole.
  mv -T "$temporary/ready" "$folder/$version" 2> /dev/null || [[ -d $folder/$version ]] || fail "cannot write $folder/$version"
  echo "get-headers: $folder/$version"
}

get 12.4 trixie
get 11.8 bookworm
