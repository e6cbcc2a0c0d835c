#!/usr/bin/env bash
# build.sh OUT [--kernels DIR] [--sources DIR] [--coverage] [--device-rounding]
#
# Builds the emulated CUDA machine: OUT/libcuda.so.1, libnvrtc.so.12, libcublas.so.12, libcusolver.so.11 (one library under four names),
# OUT/{plain,checked,coverage}/NAME.so from each kernel file, and OUT/sources with the files that its NVRTC knows.
# With ESC_CUDA_PATH=OUT the product runs on it. What is up to date is left alone. Needs g++ and make.
#   --sources DIR   the kernel files; those of kernels/*/ when left out
#   --kernels DIR   compiles files of the same names from here in their place, while OUT/sources keeps the true ones (for seeded bugs)
#   --coverage      also the flavour that counts lines
#   --device-rounding  the plain flavour alone, which rounds as a GPU may: products fused with sums wherever the compiler likes, exp, log,
#                   tanh and erf off by the units in the last place that CUDA allows itself, products of cuBLAS summed in float32. The
#                   tests must pass on it as on the other: ESC_CUDA_PATH=OUT ESC_TEST_MACHINES=greedy
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUT [--kernels DIR] [--sources DIR] [--coverage] [--device-rounding]}; shift
# The folders that hold kernels: one for each family.
root=$(cd "$here/../.." && pwd)
mapfile -t families < <(find "$root/kernels" -mindepth 2 -maxdepth 2 -name '*.cu*' -printf '%h\n' | sort -u)
sources=${families[*]} kernels= coverage= device= flavours=
while (($#)); do
  case $1 in
    --kernels) kernels=$(cd "$2" && pwd); shift 2 ;;
    --sources) sources=$(cd "$2" && pwd); shift 2 ;;
    --coverage) coverage=1; shift ;;
    --device-rounding) device=1 flavours=plain; shift ;;
    *) echo "build.sh: unknown option $1" >&2; exit 2 ;;
  esac
done
mkdir -p "$out/sources"
out=$(cd "$out" && pwd)
find "$out/sources" -type f -delete
find "${families[@]}" -maxdepth 1 -name '*.cuh' -exec cp -p {} "$out/sources/" \;
find $sources -maxdepth 1 -name '*.cu*' -exec cp -p {} "$out/sources/" \;
# The makefile takes what it can get of two cores; each kernel file is one job a flavour.
make --no-print-directory --silent -j "$(nproc)" -f "$here/Makefile" \
  OUT="$out" SOURCES="$sources" KERNELS="$kernels" HEADERS="${families[*]}" COVERAGE="$coverage" DEVICE="$device" FLAVOURS="$flavours"
