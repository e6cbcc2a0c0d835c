#!/usr/bin/env bash
# widths.sh [FOLDER...]: looks with clang-tidy for products and counters of 32 bits where an offset of 64 is wanted, in the kernel files of
# the folders (kernels/*/): products that are widened when they are done, 64-bit values cut to 32 bits, loop variables narrower than their
# bound. Fails where there is one. What a cast hides from it, LargeOffsetTests look for.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folders=("$@")
((${#folders[@]})) || folders=("$here"/../../kernels/*/)
if ! command -v clang-tidy > /dev/null; then
  apt-get update -q > /dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends clang-tidy > /dev/null ||
    { echo "widths.sh: needs clang-tidy" >&2; exit 1; }
fi
checks='-*,bugprone-implicit-widening-of-multiplication-result,bugprone-too-small-loop-variable,clang-diagnostic-shorten-64-to-32'
check() {
  clang-tidy --quiet --checks="$checks" --warnings-as-errors='*' --header-filter='.*\.cuh$' "$1" -- \
    -x c++ -std=c++17 -mavx2 -mfma $includes -I"$here/host" -Wshorten-64-to-32 -Wno-unknown-attributes -Wno-ignored-attributes 2>&1 |
    sed -E '/^[0-9]+ warnings? .*generated|^Suppressed |^Use -header-filter/d'
  local status=("${PIPESTATUS[@]}")
  return "${status[0]}"
}
export -f check
includes=$(printf -- '-I%s ' "${folders[@]}")
export checks here includes
mapfile -t files < <(find "${folders[@]}" -maxdepth 1 -name '*.cu')
((${#files[@]})) || { echo "widths.sh: no kernel file in ${folders[*]}" >&2; exit 1; }
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -I{} bash -c 'check {}'
echo "${#files[@]} kernel files keep their offsets in 64 bits"
