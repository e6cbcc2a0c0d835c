#!/usr/bin/env bash
# run.sh [--dry] [--out FOLDER] [--no-sanitizer]
#
# What a machine with an NVIDIA GPU is asked when there is one: every kernel test on the device, against float64 and against what the
# emulated machine computes; the engine's tests on the device; the speed of kernels and forward passes; compute-sanitizer; the probe
# beside PyTorch, where that is installed. Needs neither .NET nor a compiler: it stands in the bundle that bundle.sh makes, with
# the programs in app/, their runtime in dotnet/ and the emulated machine in emulation/. Results go to FOLDER (results beside this file),
# with summary.json. --dry shows on the emulated machine that the bundle works, with one schedule and a few classes of tests; it measures
# nothing.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$here/results dry= sanitizer=1
while (($#)); do
  case $1 in
    --dry) dry=1; shift ;;
    --out) out=$2; shift 2 ;;
    --no-sanitizer) sanitizer=; shift ;;
    *) echo "run.sh: unknown option $1; wants --dry, --out FOLDER or --no-sanitizer" >&2; exit 2 ;;
  esac
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
# One seed for all steps, so that both machines compute with the same numbers.
export ESC_TEST_SEED=1 ESC_CUDA_CACHE=$out/cache DOTNET_gcServer=0 DOTNET_CLI_TELEMETRY_OPTOUT=1
tests=("$here/dotnet/dotnet" "$here/app/EscNative.Tests.dll") bench=("$here/dotnet/dotnet" "$here/app/escnative.dll")

steps=() failed=0
# step NAME SECONDS COMMAND...: runs a command with its output in NAME.log, within a time, and notes how it ended.
step() {
  local name=$1 limit=$2 started=$SECONDS; shift 2
  echo "== $name"
  timeout "$limit" "$@" > "$out/$name.log" 2>&1
  local rc=$?
  ((rc == 0)) || failed=$((failed + 1))
  local counts; counts=$(grep -oE 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+' "$out/$name.log" | tail -1)
  echo "   exit $rc, $((SECONDS - started)) s${counts:+, $counts}"
  ((rc == 0)) || tail -5 "$out/$name.log" | sed 's/^/   /'
  steps+=("{\"step\":\"$name\",\"exit\":$rc,\"seconds\":$((SECONDS - started)),\"counts\":\"$counts\"}")
}

emulated=(env "ESC_CUDA_PATH=$here/emulation")
engine=(-namespace "EscNative.Tests.Engine" -namespace "EscNative.Tests.Plans" -class "EscNative.Tests.Cuda.TrainingParityTests")
device=(env ESC_TEST_GPU=1)
if [[ $dry ]]; then
  device=("${emulated[@]}" ESC_TEST_MACHINES=reverse)
  engine=(-class "EscNative.Tests.Engine.TensorTests")
fi
kernels=(-noColor -class "EscNative.Tests.Cuda.*" -class- "EscNative.Tests.Cuda.Nvrtc*" -class- "EscNative.Tests.Cuda.Emulat*"
  -class- "EscNative.Tests.Cuda.Fault*" -class- "EscNative.Tests.Cuda.SeededBug*" -class- "EscNative.Tests.Cuda.Native*" -class- "EscNative.Tests.Cuda.CudaMachine*")
[[ ! $dry ]] || kernels=(-noColor -class "EscNative.Tests.Cuda.ReduceKernelTests" -class "EscNative.Tests.Cuda.GemmKernelTests" -class "EscNative.Tests.Cuda.EscTKernelTests")

if [[ ! $dry ]]; then
  command -v nvidia-smi > /dev/null && nvidia-smi > "$out/nvidia-smi.txt" 2>&1
fi
step doctor 60 "${device[@]}" "${bench[@]}" doctor --json "$out/doctor.json" --force
step record 200 "${emulated[@]}" ESC_TEST_MACHINES=reverse ESC_TEST_RECORD="$out/emulated.record" "${tests[@]}" "${kernels[@]}"
step kernel-tests 200 "${device[@]}" ESC_TEST_COMPARE="$out/emulated.record" "${tests[@]}" "${kernels[@]}"
step engine-tests 240 "${device[@]}" ESC_TEST_DEVICE=cuda "${tests[@]}" -noColor "${engine[@]}"
step kernels 180 "${device[@]}" "${bench[@]}" kernels --device cuda --json "$out/cuda-kernels.json" --force
if [[ ! $dry ]]; then
  for own in own cublas; do
    step "products-$own" 60 "${device[@]}" ESC_CUDA_GEMM=$own ESC_TEST_DEVICE=cuda "${tests[@]}" -noColor \
      -class "EscNative.Tests.Cuda.Gemm*" -class "EscNative.Tests.Engine.OperationTests"
  done
  if [[ $sanitizer ]] && command -v compute-sanitizer > /dev/null; then
    for tool in memcheck racecheck; do
      step "sanitizer-$tool" 120 "${device[@]}" compute-sanitizer --tool "$tool" --error-exitcode 9 --target-processes all "${tests[@]}" -noColor \
        -class "EscNative.Tests.Cuda.ReduceKernelTests" -class "EscNative.Tests.Cuda.SoftmaxKernelTests" -class "EscNative.Tests.Cuda.NormKernelTests"
    done
  fi
  if command -v python3 > /dev/null && python3 -c 'import torch; assert torch.cuda.is_available()' 2> /dev/null; then
    step probe 200 python3 "$here/probe.py" "$out/probe.json"
  fi
fi

rm -f "$out/emulated.record"
rm -rf "$out/cache"
emulation=false; [[ $dry ]] && emulation=true
(IFS=,; echo "{\"emulated\":$emulation,\"steps\":[${steps[*]}]}") > "$out/summary.json"
echo "== $failed of ${#steps[@]} steps failed; results in $out"
((failed == 0))
