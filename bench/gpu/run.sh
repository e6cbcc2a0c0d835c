#!/usr/bin/env bash
# run.sh [--dry] [--out FOLDER] [--seconds N] [--no-sanitizer] [--no-record]
#
# What a machine with an NVIDIA GPU is asked when there is one: every kernel test on the device, against float64 and against what the
# emulated machine computes; the engine's tests on the device; the speed of kernels and forward passes; compute-sanitizer; the probe
# beside PyTorch, where that is installed. Needs neither .NET nor a compiler: it stands in the bundle that bundle.sh makes, with
# the programs in app/, their runtime in dotnet/ and the emulated machine in emulation/. --dry shows on the emulated machine that the
# bundle works: every step that needs no GPU, with one schedule and fewer classes of tests; it measures nothing.
#
# FOLDER (results beside this file) gets two files, written anew after each step, so that a run that is cut short leaves what it had:
# summary.json, and results.tar.gz with the logs. After N seconds (480) nothing new begins: what is left is listed as not run.
# A step of tests passes if tests ran, not all of them were skipped, and none failed. Ends with 0 if every step passed or needs
# what is not installed, 1 if one failed, 3 if time ran out before some, 4 if doctor finds no GPU to test, 143 when told to end.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$here/results dry= sanitizer=1 record=1 seconds=480
usage() { echo "run.sh: $1; wants --dry, --out FOLDER, --seconds N, --no-sanitizer or --no-record" >&2; exit 2; }
while (($#)); do
  case $1 in
    --dry) dry=1; shift ;;
    --out) [[ -n ${2:-} ]] || usage "--out without a folder"; out=$2; shift 2 ;;
    --seconds) [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || usage "--seconds without a number"; seconds=$2; shift 2 ;;
    --no-sanitizer) sanitizer=; shift ;;
    --no-record) record=; shift ;;
    *) usage "unknown option $1" ;;
  esac
done
mkdir -p "$out" && out=$(cd "$out" && pwd) && work=$(mktemp -d) && mkdir "$work/results" || exit 2
logs=$work/results
# One seed for all steps, so that both machines compute with the same numbers.
export ESC_TEST_SEED=1 ESC_CUDA_CACHE=$work/cache DOTNET_gcServer=0 DOTNET_CLI_TELEMETRY_OPTOUT=1
tests=("$here/dotnet/dotnet" "$here/app/EscNative.Tests.dll" -noColor) bench=("$here/dotnet/dotnet" "$here/app/escnative.dll")

# What the end of a run needs: a step is told to end, given ten seconds, and killed; packing takes a few more.
readonly grace=10 reserve=15
steps=() passed=0 failed=0 absent=0 late=0 running=

quoted() { printf '%s' "$1" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g'; }

# publish ENDED: the summary and the archive as they are now, each whole or not at all.
publish() {
  local emulated=false; [[ $dry ]] && emulated=true
  (IFS=,; echo "{\"emulated\":$emulated,\"ended\":\"$1\",\"seconds\":$SECONDS,\"passed\":$passed,\"failed\":$failed,\"notRun\":$((absent + late)),\"steps\":[${steps[*]}]}") > "$work/summary.json"
  cp "$work/summary.json" "$logs/summary.json"
  cp "$work/summary.json" "$out/.summary.json" && mv "$out/.summary.json" "$out/summary.json"
  # A log that a fault has made endless is kept from both its ends.
  local file
  while IFS= read -r file; do
    { head -c 262144 "$file"; printf '\n[cut out: the middle]\n'; tail -c 262144 "$file"; } > "$work/cut" && mv "$work/cut" "$file"
  done < <(find "$logs" -type f -size +1024k)
  tar -C "$work" -czf "$out/.results.tar.gz" results && mv "$out/.results.tar.gz" "$out/results.tar.gz"
}

# end CODE ENDED: the last words, whatever ends the run.
end() {
  trap - TERM INT HUP
  if [[ $running ]]; then
    kill -TERM "$running" 2> /dev/null
    wait "$running" 2> /dev/null
    note_step "$name" failed 143 "$((SECONDS - started))" "" "cut short"
  fi
  publish "$2"
  rm -rf "$work"
  echo "== $passed passed, $failed failed, $((absent + late)) not run, $SECONDS s; $out/summary.json and results.tar.gz"
  exit "$1"
}
trap 'end 143 "cut short"' TERM INT HUP

# note_step NAME RESULT EXIT SECONDS COUNTS NOTE
note_step() {
  case $2 in passed) passed=$((passed + 1)) ;; failed) failed=$((failed + 1)) ;; esac
  echo "   $2${3:+, exit $3, $4 s}${5:+, $5}${6:+: $6}"
  steps+=("{\"step\":\"$1\",\"result\":\"$2\",\"exit\":${3:-null},\"seconds\":${4:-0},\"counts\":\"$(quoted "$5")\",\"note\":\"$(quoted "$6")\"}")
}

# skip NAME REASON: a step that this machine cannot run.
skip() {
  echo "== $1"
  absent=$((absent + 1))
  note_step "$1" "not run" "" "" "" "$2"
  publish running
}

# step NAME SECONDS COMMAND...: runs a command with its output in NAME.log, within a time, and notes how it ended.
# The name 'tests NAME ...' wants a count of tests that ran; $remark is added to the note.
name='' started=0 remark=''
step() {
  local wants_count=; [[ $1 == tests ]] && { wants_count=1; shift; }
  name=$1 started=$SECONDS
  local limit=$2 left=$((seconds - SECONDS - reserve)); shift 2
  echo "== $name"
  if ((left < 1)); then
    late=$((late + 1))
    note_step "$name" "not run" "" "" "" "no time left of $seconds s"
    publish running
    return 1
  fi
  ((limit <= left)) || limit=$left
  # In the background: the shell answers signals while it waits.
  timeout -k $grace "$limit" "$@" > "$logs/$name.log" 2>&1 < /dev/null &
  running=$!
  wait "$running"
  local rc=$? counts='' total='' bad='' skipped='' result=passed note=$remark
  running=
  [[ $rc -eq 124 || $rc -eq 137 ]] && note="stopped after $limit s${note:+; $note}"
  if [[ $wants_count ]]; then
    counts=$(grep -oE 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+' "$logs/$name.log" | tail -1)
    if [[ $counts =~ ^Total:\ ([0-9]+),\ Errors:\ ([0-9]+),\ Failed:\ ([0-9]+),\ Skipped:\ ([0-9]+)$ ]]; then
      total=${BASH_REMATCH[1]} bad=$((BASH_REMATCH[2] + BASH_REMATCH[3])) skipped=${BASH_REMATCH[4]}
      ((bad == 0)) || result=failed
      if ((total == 0)); then result=failed note="no test ran${note:+; $note}"
      elif ((total == skipped)); then result=failed note="every test was skipped${note:+; $note}"; fi
    else
      result=failed note="no count of tests${note:+; $note}"
    fi
  fi
  ((rc == 0)) || result=failed
  note_step "$name" "$result" "$rc" "$((SECONDS - started))" "$counts" "$note"
  [[ $result == passed ]] || tail -5 "$logs/$name.log" | sed 's/^/   /'
  publish running
  [[ $result == passed ]]
}

emulated=(env "ESC_CUDA_PATH=$here/emulation" ESC_TEST_MACHINES=reverse)
device=(env ESC_TEST_GPU=1)
kernels=(-class "EscNative.Tests.Cuda.*" -class- "EscNative.Tests.Cuda.Nvrtc*" -class- "EscNative.Tests.Cuda.Emulat*"
  -class- "EscNative.Tests.Cuda.Fault*" -class- "EscNative.Tests.Cuda.Native*" -class- "EscNative.Tests.Cuda.CudaMachine*"
  -class- "EscNative.Tests.Cuda.CusolverMissing*" -class- "EscNative.Tests.Cuda.CudaHeader*" -class- "EscNative.Tests.Cuda.GpuBundle*")
# Filters of one kind are alternatives; of two kinds both must hold.
engine=(-class "EscNative.Tests.Engine.*" -class "EscNative.Tests.Plans.*" -class "EscNative.Tests.Unlearning.EscTests"
  -class "EscNative.Tests.Unlearning.MethodsOnDeviceTests")
products=(-class "EscNative.Tests.Cuda.GemmKernelTests" -class "EscNative.Tests.Engine.OperationTests")
# Every kernel that waits at barriers or copies asynchronously, in its smallest cases. No initcheck: the tests fill what they allocate.
careful=(-method "EscNative.Tests.Cuda.GramKernelTests.*" -method "EscNative.Tests.Cuda.SubspaceKernelTests.*"
  -method "EscNative.Tests.Cuda.GemmKernelTests.Factors_bias_and_rectifier_come_last"
  -method "EscNative.Tests.Cuda.GemmKernelTests.A_long_thin_product_is_split_and_gives_the_same_bits_again"
  -method "EscNative.Tests.Cuda.ConvKernelTests.Residual_and_rectifier_come_last_and_the_residual_may_be_the_result"
  -method "EscNative.Tests.Cuda.ConvKernelTests.The_gradients_as_chosen_are_right_and_give_the_same_bits_again"
  -method "EscNative.Tests.Cuda.EscTKernelTests.One_step_follows_the_definition")
sanitizers=(memcheck racecheck synccheck)
if [[ $dry ]]; then
  device=("${emulated[@]}")
  kernels=(-class "EscNative.Tests.Cuda.ReduceKernelTests" -class "EscNative.Tests.Cuda.SubspaceKernelTests" -class "EscNative.Tests.Cuda.GramKernelTests")
  engine=(-class "EscNative.Tests.Engine.TensorTests")
  products=(-class "EscNative.Tests.Cuda.GemmKernelTests")
elif command -v nvidia-smi > /dev/null; then
  timeout -k 2 20 nvidia-smi > "$logs/nvidia-smi.txt" 2>&1
fi

# The gate: without a device that computes rightly nothing below means anything.
gate() {
  sed 's/^/   /' "$logs/doctor.log"
  echo "== $1"
  end 4 "$1"
}
step doctor 60 "${device[@]}" "${bench[@]}" doctor --device cuda --json "$logs/doctor.json" --force || gate "doctor failed"
grep -q 'their result is right' "$logs/doctor.log" || gate "doctor did not see a kernel give the right result"
if grep -q EMULATED "$logs/doctor.log"; then
  [[ $dry ]] || gate "doctor sees the emulated device, not a GPU"
elif [[ $dry ]]; then
  gate "doctor sees a GPU, where the emulated device was asked for"
fi

# What the emulated machine computes, to compare with. It is not needed for the tests against float64.
compare=() remark="not compared: no record of the emulated machine"
if [[ ! $record ]]; then
  skip record "--no-record"
elif [[ ! -e $here/emulation/libcuda.so.1 ]]; then
  skip record "there is no emulated machine in the bundle"
else
  remark=
  if step tests record 120 "${emulated[@]}" "ESC_TEST_RECORD=$work/emulated.record" "${tests[@]}" "${kernels[@]}" && [[ -s $work/emulated.record ]]; then
    compare=("ESC_TEST_COMPARE=$work/emulated.record")
  else
    remark="not compared: no record of the emulated machine"
  fi
fi
step tests kernel-tests 150 "${device[@]}" "${compare[@]}" "${tests[@]}" "${kernels[@]}"
remark=
[[ ! -e $work/emulated.record.txt ]] || cp "$work/emulated.record.txt" "$logs/differences.txt"
step tests engine-tests 150 "${device[@]}" ESC_TEST_DEVICE=cuda "${tests[@]}" "${engine[@]}"
step kernels 90 "${device[@]}" "${bench[@]}" kernels --device cuda --json "$logs/cuda-kernels.json" --force
for who in own cublas; do
  step tests "products-$who" 60 "${device[@]}" ESC_CUDA_GEMM=$who ESC_TEST_DEVICE=cuda "${tests[@]}" "${products[@]}"
done
if [[ $dry ]]; then
  # The emulated machine has a build that checks what the sanitizers look for.
  step tests sanitizer-cases 150 "${emulated[@]}" ESC_TEST_MACHINES=checked "${tests[@]}" "${careful[@]}"
  skip probe "needs a GPU"
else
  for tool in "${sanitizers[@]}"; do
    if [[ ! $sanitizer ]]; then skip "sanitizer-$tool" "--no-sanitizer"
    elif ! command -v compute-sanitizer > /dev/null; then skip "sanitizer-$tool" "compute-sanitizer is not installed"
    else
      step tests "sanitizer-$tool" 75 "${device[@]}" compute-sanitizer --tool "$tool" --error-exitcode 9 --target-processes all "${tests[@]}" "${careful[@]}"
    fi
  done
  if ((SECONDS + 32 + reserve > seconds)); then
    skip probe "no time left of $seconds s"
  elif command -v python3 > /dev/null && timeout -k 2 30 python3 -c 'import torch; assert torch.cuda.is_available()' 2> /dev/null; then
    step probe 120 python3 "$here/probe.py" "$logs/probe.json"
  else
    skip probe "there is no PyTorch that sees a GPU"
  fi
fi

code=0
((late == 0)) || code=3
((failed == 0)) || code=1
end $code "whole"
