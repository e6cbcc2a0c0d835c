#!/usr/bin/env bash
# run.sh: builds every example, runs it, and checks what it prints. Needs the .NET SDK and nothing else.
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
checked=0

# example FOLDER PATTERN...: the output must have a line for each pattern (extended, the whole line).
example() {
  local folder=$1 output; shift
  dotnet build "$folder" -c Release -nr:false -p:RunAnalyzers=false -v:q -clp:ErrorsOnly -nologo
  output=$(dotnet run --project "$folder" -c Release --no-build)
  printf '%s:\n%s\n' "$folder" "$output"
  local pattern
  for pattern in "$@"; do
    if ! grep -qxE -- "$pattern" <<< "$output"; then echo "$folder: no line of its output is '$pattern'" >&2; exit 1; fi
    checked=$((checked + 1))
  done
}

example embed-the-engine 'loss after 200 steps: 0\.[0-2].*' 'plan of [2-6] steps: (9[0-9]\.[0-9]|100\.0) % right' 'largest difference to Forward: 0\.0000[0-9]'
example erase-a-class "erased 'ankle boot' in [0-9]+ ms: 1 of 24 directions" 'the file was made to forget .*ankle boot.*' \
  'accuracy D_f: [6-9][0-9]\.[0-9] % before, [0-9]?[0-9]\.[0-9] % after' 'KR-strong D_ft: .*'
example own-architecture 'small-cnn with filters 24: [3-9][0-9]\.[0-9] % of the test images' 'loaded: small-cnn with filters 24, 1 erasure' 'plan: .+'
echo "examples: $checked checks hold"
