#!/usr/bin/env bash
# Every network beside PyTorch and ONNX Runtime: bench/peers/networks.sh FOLDER --peer "..." --peer "..." [--rounds N --seconds X]
# FOLDER gets a JSON file of each network and table.md. ESCNATIVE is the tool's command, PYTHON a Python 3 for the table; with five rounds
# of 0.3 seconds, the default here, it takes a quarter of an hour on two cores that do nothing else. NETWORKS="resnet50 vit-ti16" takes only those.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?"wants a folder for the results, then --peer \"COMMAND\" for each peer"}
shift
read -ra tool <<< "${ESCNATIVE:-dotnet run -c Release --project $here/.. --}"
names=(resnet18-cifar resnet18-32 resnet18-224 resnet50 vit-ti16 vit-b16 resnet18-training)
for name in ${NETWORKS:-}; do
  if [[ " ${names[*]} " != *" $name "* ]]; then
    echo "networks.sh: NETWORKS: got '$name', wants some of: ${names[*]}" >&2
    exit 2
  fi
done
mkdir -p "$folder"

# An option that is given twice is refused: the defaults stand in the environment, where the command line wins over them.
export ESC_ROUNDS=${ESC_ROUNDS:-5} ESC_SECONDS=${ESC_SECONDS:-0.3} ESC_THREADS=${ESC_THREADS:-2}
given=("$@")
# compare NAME OPTIONS...
compare() {
  local name=$1; shift
  [[ -z ${NETWORKS:-} || " ${NETWORKS//[[:space:]]/ } " == *" $name "* ]] || return 0
  echo "== $name"
  "${tool[@]}" peers "$@" "${given[@]}" --quiet --json "$folder/$name.json" --force > /dev/null
}

compare resnet18-cifar --arch resnet18 --stem cifar --image-size 32 --batch 64 --filter forward
compare resnet18-32 --arch resnet18 --stem imagenet --image-size 32 --batch 64 --filter forward
compare resnet18-224 --arch resnet18 --stem imagenet --image-size 224 --batch 64 --filter forward
compare resnet50 --arch resnet50 --image-size 224 --batch 8 --filter forward
compare vit-ti16 --arch vit-ti16 --image-size 224 --batch 8 --filter forward-8
compare vit-b16 --arch vit-b16 --image-size 224 --batch 8 --filter forward-8
compare resnet18-training --arch resnet18 --stem cifar --image-size 32 --batch 64 --filter train

"${PYTHON:-python3}" "$here/table.py" "$folder" | tee "$folder/table.md"
