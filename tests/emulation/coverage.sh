#!/usr/bin/env bash
# coverage.sh FOLDER [PERCENT]: runs the kernel tests on the build that counts, prints the line coverage of each kernel file, and fails
# below PERCENT (95) in total. The tests must be built. FOLDER keeps the build for the next time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=${1:?usage: coverage.sh FOLDER [PERCENT]} least=${2:-95}

# What the tests themselves have built is a start.
workshop=$root/tests/bin/emulation/workshop
[[ -d $folder || ! -d $workshop ]] || { mkdir -p "$folder" && cp -a "$workshop/." "$folder"; }
"$here/build.sh" "$folder" --coverage
folder=$(cd "$folder" && pwd)
find "$folder/objects/coverage" -name '*.gcda' -delete
# One schedule counts as well as four.
env ESC_CUDA_PATH="$folder" ESC_TEST_COVERAGE=1 ESC_TEST_MACHINES=reverse \
  dotnet "$root/tests/bin/Release/net10.0/EscNative.Tests.dll" -noColor -class "EscNative.Tests.Cuda.*" -class- "EscNative.Tests.Cuda.Nvrtc*" -class- "EscNative.Tests.Cuda.Emulator*"

# gcov lists a header under every file that includes it, and a template once for each of its instances: what counts is that a line of a
# file ran at all.
listing=$(mktemp -d)
trap 'rm -rf "$listing"' EXIT
(cd "$listing" && gcov --preserve-paths --demangled-names "$folder"/objects/coverage/*.gcda > /dev/null)
cat "$listing"/*.gcov | awk -F: -v least="$least" '
  $3 == "Source" || ($2 ~ /^ *0$/ && $3 == "Source") { file = $4; sub(/.*\//, "", file); next }
  $2 + 0 > 0 && file ~ /\.cuh?$/ {
    count = $1; gsub(/[ *]/, "", count)
    if (count == "-") next
    line = file ":" ($2 + 0)
    if (!(line in seen)) { seen[line] = 1; lines[file]++ }
    if (count !~ /^[#=]+$/ && !(line in ran)) { ran[line] = 1; hits[file]++ }
  }
  END {
    for (file in lines) {
      printf "%-24s %5d of %5d lines  %5.1f %%\n", file, hits[file], lines[file], 100 * hits[file] / lines[file] | "sort"
      all += lines[file]; hit += hits[file]
    }
    close("sort")
    for (line in seen) if (!(line in ran)) print "  never ran: " line | "sort -t: -k1,2 -k3n"
    close("sort -t: -k1,2 -k3n")
    if (all == 0) { print "no line was counted"; exit 1 }
    printf "%-24s %5d of %5d lines  %5.1f %%\n", "total", hit, all, 100 * hit / all
    exit 100 * hit / all < least
  }'
