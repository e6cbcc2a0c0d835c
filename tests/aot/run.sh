#!/usr/bin/env bash
# run.sh: the Native AOT compiler takes the four libraries without a warning, and what it makes computes the same bits as the JIT:
# training, plans, erasure, model files. Prints the size of the program and the time of a trivial run. Needs gcc and NuGet's feed.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

# A warning of trimming or compiling is an error (Directory.Build.props); those are also counted, lest a setting changes.
dotnet publish EscNative.Aot.csproj -c Release -nr:false -p:RunAnalyzers=false -p:CppCompilerAndLinker=gcc -p:LinkerFlavor=bfd \
  -o "$work/aot" 2>&1 | tee "$work/log"
if grep -qE 'warning|error' "$work/log"; then echo "native AOT: the compiler has something to say" >&2; exit 1; fi
aot=$work/aot/EscNative.Aot
# The assemblies that it was made from, compiled as they run, by the same version of the runtime.
dll=$(sed -nE 's/^ *EscNative\.Aot -> (.*EscNative\.Aot\.dll)$/\1/p' "$work/log")
if [[ ! -x $aot || ! -f $dll ]]; then echo "native AOT: the compiler left no program, or does not say where its assemblies are" >&2; exit 1; fi
export dll
# Both with the instruction sets of the project file (x86-64-v3): what is computed with wider vectors has other bits.
jit() { DOTNET_EnableAVX512=0 dotnet "$dll" "$@"; }

checked=0
expect() { # expect WHAT COMMAND...: counts a check that holds, and ends at one that does not.
  local what=$1; shift
  if ! "$@"; then echo "native AOT: $what" >&2; exit 1; fi
  checked=$((checked + 1))
}

for side in aot jit; do
  mkdir "$work/$side.files"
  code=0
  # What never ends must not stop the one who waits for it.
  if [[ $side == aot ]]; then timeout -k 5 60 "$aot" "$work/aot.files" > "$work/aot.txt" || code=$?
  else export -f jit; export work; timeout -k 5 120 bash -c 'jit "$work/jit.files"' > "$work/jit.txt" || code=$?; fi
  if [[ $code != 0 ]]; then cat "$work/$side.txt"; echo "native AOT: the program ended with $code under $side (124: it did not end)" >&2; exit 1; fi
done

expect "the program printed too little: $(wc -l < "$work/aot.txt") lines" test "$(wc -l < "$work/aot.txt")" -ge 30
expect "the two printed a different number of lines" test "$(wc -l < "$work/aot.txt")" = "$(wc -l < "$work/jit.txt")"
while IFS=$'\t' read -r got wanted; do
  expect "bits differ: '$got', the JIT has '$wanted'" test "$got" = "$wanted"
done < <(paste "$work/aot.txt" "$work/jit.txt")
for file in esc esc-t; do
  expect "$file.safetensors differs" cmp "$work/aot.files/$file.safetensors" "$work/jit.files/$file.safetensors"
done

# From start to end of a run that makes one tensor: the median of eleven, in turns.
start_aot=() start_jit=()
begin() { # begin LIST COMMAND...: appends the microseconds that the command takes.
  local -n times=$1; shift
  local started; started=$(date +%s%N)
  timeout -k 5 20 "$@" > "$work/hello.txt"
  times+=($((($(date +%s%N) - started) / 1000)))
}
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p" | sed -E 's/^(.*)(...)$/\1.\2/'; }
expect "the trivial run does not print 1" test "$(timeout -k 5 20 "$aot" --hello)" = 1
expect "the JIT's trivial run does not print 1" test "$(timeout -k 5 20 env DOTNET_EnableAVX512=0 dotnet "$dll" --hello)" = 1
for _ in {1..11}; do begin start_aot "$aot" --hello; begin start_jit env DOTNET_EnableAVX512=0 dotnet "$dll" --hello; done
echo "native AOT: $(stat -c %s "$aot") bytes, a trivial run takes $(median "${start_aot[@]}") ms"
echo "JIT: $(du -bc "${dll%/*}"/EscNative.*.dll | tail -1 | cut -f1) bytes of assemblies beside the runtime, a trivial run takes $(median "${start_jit[@]}") ms"
echo "native AOT: $checked checks hold, $(head -1 "$work/aot.txt")"
