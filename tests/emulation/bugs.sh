#!/usr/bin/env bash
# bugs.sh FOLDER [PATTERN]: puts one bug at a time into the kernels and shows that the tests of the family notice it. Fails when one is
# not noticed, or when there is nothing left to change. The tests must be built; FOLDER keeps the builds; PATTERN picks bugs by name.
# The run without a bug keeps to ESC_TEST_MACHINES where it is set; bugs meet every schedule.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=${1:?usage: bugs.sh FOLDER [PATTERN]} pattern=${2:-}
mkdir -p "$folder"; folder=$(cd "$folder" && pwd)
jobs=${JOBS:-$(nproc)}

# each VISITOR: NAME, the file to change, the kernel file to build, the tests, and the change for sed.
each() {
  "$1" "barrier missing in a block's sum" prelude.cuh softmax SoftmaxKernelTests \
    '/DEV A block_sum/,/^}/{/scratch32\[warp\] = v;/{n;d}}'
  "$1" "barrier in one lane only" prelude.cuh softmax SoftmaxKernelTests \
    '/DEV A block_max/,/^}/{/scratch32\[warp\] = v;/{N;s/if (lane == 0) \(.*;\)\n.*/if (lane == 0) { \1 __syncthreads(); }/}}'
  "$1" "shared memory read that no warp wrote" prelude.cuh softmax SoftmaxKernelTests \
    '/DEV A block_sum/,/^}/s/lane < warps ? scratch32\[lane\] : (A)0/scratch32[lane]/'
  "$1" "half of a warp left out of its sum" prelude.cuh reduce ReduceKernelTests \
    '/DEV A warp_sum/,/^}/s/o = 16/o = 8/'
  "$1" "last values of a row left out" reduce.cu reduce ReduceKernelTests \
    '/void reduce_rows/,/^}/s/end = min(extent, begin + chunk)/end = min(extent - 1, begin + chunk)/'
  "$1" "barrier missing between merged rows" batchnorm.cu batchnorm NormKernelTests \
    '/void merge_rows/,/^}/{/threadIdx.x\] = m.root;/{n;n;d}}'
  "$1" "shared array one value short" batchnorm.cu batchnorm NormKernelTests \
    's/SMEM(A, shared, \[4 \* kThreads\])/SMEM(A, shared, [4 * kThreads - 1])/'
  "$1" "gamma and beta swapped" layernorm.cu layernorm NormKernelTests \
    's/gamma\[i - begin\], beta\[i - begin\])/beta[i - begin], gamma[i - begin])/'
  "$1" "window reaches past the image" pool.cu pool PoolKernelTests \
    's/min(begin + kernel, extent)}/begin + kernel}/'
  "$1" "16 bytes at once without asking for alignment" elementwise.cu elementwise ElementwiseKernelTests \
    '/DEV void unary(/,/^}/s/n, aligned16(x) \&\& aligned16(y)/n, true/'
  "$1" "values after the last pack left out" elementwise.cu elementwise ElementwiseKernelTests \
    's/for (i64 i = done + thread_index(); i < n; /for (i64 i = done + thread_index(); i < (packs ? done : n); /'
  "$1" "bad index not reported" rows.cu rows RowsKernelTests \
    '/DEV void gather_rows/,/^}/s/report_fault(.*);/;/'
  "$1" "negative index let through" rows.cu rows RowsKernelTests \
    's/if (from >= 0 \&\& from < rows)/if (from < rows)/'
  "$1" "update past the end of a tensor" optimizer.cu optimizer TrainingKernelTests \
    's/end = min(t.size\[k\], begin + kChunk)/end = begin + kChunk/'
  "$1" "wait for cp.async missing" tile.cuh gemm GemmKernelTests \
    '/cp_async_wait<0>();/d'
  "$1" "barrier missing before a tile is loaded anew" tile.cuh gemm GemmKernelTests \
    '/DEV void accumulate/,/^}/{/^    __syncthreads();/d}'
  "$1" "wrong rows of a tile" tile.cuh gemm GemmKernelTests \
    '/DEV int thread_row/s/>> 3) & 3/>> 2) \& 3/'
  "$1" "last part of a split product dropped" gemm.cu gemm GemmKernelTests \
    's/split < g.splits;/split < g.splits - 1;/'
  "$1" "halo one pixel too wide" window.cuh conv_forward ConvKernelTests \
    's/(place.x + right) < (u32)width/(place.x + right) <= (u32)width/'
  "$1" "last part of a split weight gradient dropped" conv_gradient.cu conv_gradient ConvKernelTests \
    's/split < splits;/split < splits - 1;/'
  "$1" "atomic minimum without the atomic" gram.cu gram GramKernelTests \
    's/atomicMin(bad, \(.*\));/{ u64 at = \1; if (at < *bad) *bad = at; }/'
  "$1" "+= by several blocks for an atomic sum" esct.cu esct EscTKernelTests \
    's/atomicAdd(a.result, hits)/*a.result += hits/'
  "$1" "grid barrier missing" esct.cu esct EscTKernelTests \
    '/^DEV void step/,/^}/{0,/grid_sync(a.barrier);/{/grid_sync(a.barrier);/d}}'
  "$1" "grid-stride loop goes on by its block" elementwise.cu elementwise ElementwiseKernelTests \
    's/i < n \/ N; i += thread_count()) many(i)/i < n \/ N; i += (i64)gridDim.x * gridDim.x * blockDim.x) many(i)/'
  "$1" "rows of a grid-stride loop skipped" softmax.cu softmax SoftmaxKernelTests \
    's/first < rows; first += (i64)gridDim.x \* groups)/first < rows; first += (i64)gridDim.x * groups + groups)/'
  "$1" "grid-stride loop done once" batchnorm.cu batchnorm NormKernelTests \
    '/void track_statistics/,/^}/s/c < channels; c += thread_count()/c < channels; c += channels/'
  "$1" "index of an elementwise loop in 32 bits" elementwise.cu elementwise LargeOffsetTests \
    's/for (i64 i = done + thread_index(); i < n; i += thread_count()) one(i)/for (i64 i = done + thread_index(); i < n; i += thread_count()) one((int)i)/'
  "$1" "offset of a picked row in 32 bits" rows.cu rows LargeOffsetTests \
    's/y\[i\] = x\[from \* units + unit\]/y[i] = x[(u32)(from * units + unit)]/'
  "$1" "place of a row in 32 bits" reduce.cu reduce LargeOffsetTests \
    's/x\[row \* extent + i\]/x[(int)(row * extent) + i]/'
  "$1" "offset of a pooled pixel in 32 bits" pool.cu pool LargeOffsetTests \
    's/widen(x\[((p.image \* s.height + r) \* s.width + c) \* s.channels + p.channel\])/widen(x[(int)(((p.image * s.height + r) * s.width + c) * s.channels) + p.channel])/'
  "$1" "offset of a window in 32 bits" window.cuh conv_gradient LargeOffsetTests \
    's/(((i64)image \* height + y) \* width + x) \* channels, y, x/(int)((((i64)image * height + y) * width + x) * channels), y, x/'
  "$1" "pivots compared with memory that nobody wrote" subspace.cu subspace SubspaceKernelTests \
    's/first\[j\] = h\[(i64)j \* b + j\];/if (j > 0) first[j] = h[(i64)j * b + j];/'
}

run_tests() { # run_tests MACHINE CLASS...
  local machine=$1; shift
  local classes=(); for class in "$@"; do classes+=(-class "EscNative.Tests.Cuda.$class"); done
  ESC_CUDA_PATH=$machine ESC_TEST_SEED=1 timeout 600 dotnet "$root/tests/bin/Release/net10.0/EscNative.Tests.dll" -noColor -stopOnFail "${classes[@]}" 2>&1
}

# One bug: a line of the table in FOLDER/NUMBER.result.
try() { # try NUMBER NAME FILE KERNEL CLASS SED
  local number=$1 name=$2 file=$3 kernel=$4 class=$5 change=$6 machine=$folder/$1 how=
  rm -rf "$machine" "$machine.kernels"
  # With their times: what did not change is up to date.
  mkdir "$machine.kernels"
  cp -p "$root"/kernels/*/*.cu "$root"/kernels/*/*.cuh "$machine.kernels/"
  sed -i "$change" "$machine.kernels/$file"
  if cmp -s "$root"/kernels/*/"$file" "$machine.kernels/$file"; then
    how="NOTHING TO CHANGE in $file"
  else
    # Only the kernel file that the bug is meant for is compiled again.
    cp -a "$folder/true" "$machine"
    rm -f "$machine"/objects/{plain,checked}/"$kernel".* "$machine"/{plain,checked}/"$kernel".so
    if ! "$here/build.sh" "$machine" --kernels "$machine.kernels" > "$machine.log" 2>&1; then
      how="DOES NOT COMPILE: $(grep -m1 error "$machine.log" || true)"
    elif (unset ESC_TEST_MACHINES; run_tests "$machine" "$class") > "$machine.log"; then
      how="SURVIVED $(grep -o 'Total: [0-9]*' "$machine.log" || true)"
    else
      # What the machine reported, or how the test failed.
      how="caught: $( (grep -m1 -oE '(reports, the first|(reverse|greedy|random[^:]*|checked)): .*' "$machine.log" || grep -m1 -E '^      [A-Za-z]' "$machine.log" || tail -n 1 "$machine.log") | sed 's/^ *//' | cut -c1-110)"
    fi
  fi
  printf '%-52s %s\n' "$name" "$how" > "$folder/$number.result"
  rm -rf "$machine" "$machine.kernels"
}

# What the tests themselves have built is a start.
workshop=$root/tests/bin/emulation/workshop
[[ -d $folder/true || ! -d $workshop ]] || { mkdir -p "$folder/true" && cp -a "$workshop/." "$folder/true"; }
"$here/build.sh" "$folder/true"
rm -f "$folder"/*.result
number=0 classes=()
note() { [[ $1 == *"$pattern"* ]] && classes+=("$4"); true; }
each note
echo "bugs.sh: the tests on the true kernels"
if ! run_tests "$folder/true" $(printf '%s\n' "${classes[@]}" | sort -u) > "$folder/true.log" || ! grep -q 'Total: [1-9]' "$folder/true.log"; then
  tail -n 30 "$folder/true.log"
  echo "bugs.sh: the tests fail without any bug"
  exit 1
fi
start() {
  [[ $1 == *"$pattern"* ]] || return 0
  while (($(jobs -rp | wc -l) >= jobs)); do wait -n; done
  number=$((number + 1))
  try "$(printf '%02d' "$number")" "$@" &
}
each start
wait
cat "$folder"/*.result
caught=$(cat "$folder"/*.result | grep -c ' caught: ' || true)
echo "$caught of $number bugs caught"
((number > 0 && caught == number))
