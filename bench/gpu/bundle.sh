#!/usr/bin/env bash
# bundle.sh FILE.tar.xz: packs what run.sh needs on a machine that has a GPU and neither .NET nor a compiler: the tests and the command
# line as they were built (Release), this machine's .NET runtime, untrimmed, and the emulated device. Needs g++, make and xz.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
file=${1:?usage: bundle.sh FILE.tar.xz}
built=$root/tests/bin/Release/net10.0
[[ -f $built/EscNative.Tests.dll ]] || { echo "bundle.sh: $built is missing; build first: dotnet build -c Release" >&2; exit 2; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
gpu=$folder/gpu
mkdir -p "$gpu/app" "$gpu/dotnet/shared/Microsoft.NETCore.App" "$(dirname "$file")"

# The runtime that the tests ask for, and what starts it.
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
version=$(dotnet --list-runtimes | sed -n 's/^Microsoft\.NETCore\.App \(10\.[0-9.]*\) .*/\1/p' | sort -V | tail -1)
cp -r "$dotnet/shared/Microsoft.NETCore.App/$version" "$gpu/dotnet/shared/Microsoft.NETCore.App/"
cp "$dotnet/dotnet" "$gpu/dotnet/"
mkdir -p "$gpu/dotnet/host/fxr"
cp -r "$dotnet/host/fxr/$version" "$gpu/dotnet/host/fxr/"

# Without what only the verb micro needs (BenchmarkDotNet), translations, test platforms, debug symbols. With no .deps.json the runtime
# takes the assemblies that are there.
tar -C "$built" -c \
  --exclude='*.pdb' --exclude='*.xml' --exclude='*.deps.json' --exclude='./runtimes' --exclude='./amd64' --exclude='./arm64' --exclude='./x86' \
  --exclude='./??' --exclude='./??-*' --exclude='BenchmarkDotNet*' --exclude='Microsoft.CodeAnalysis*' --exclude='Microsoft.Diagnostics*' \
  --exclude='Iced.dll' --exclude='Gee.*' --exclude='Dia2Lib.dll' --exclude='TraceReloggerLib.dll' --exclude='Perfolizer.dll' --exclude='System.Management.dll' \
  --exclude='xunit.runner.visualstudio*' --exclude='Microsoft.VisualStudio*' --exclude='Microsoft.TestPlatform*' --exclude='testhost*' . | tar -C "$gpu/app" -x
# What the tests themselves have built is a start.
workshop=$root/tests/bin/emulation/workshop
[[ ! -d $workshop ]] || { mkdir -p "$gpu/emulation" && cp -a "$workshop/." "$gpu/emulation"; }
"$root/tests/emulation/build.sh" "$gpu/emulation"
rm -rf "$gpu/emulation/objects"
cp "$here/run.sh" "$here/probe.py" "$gpu/"

# Level 1 is a tenth larger than level 6 and takes a quarter of the time.
tar -C "$folder" -c gpu | xz -T0 -1 > "$file.tmp"
mv "$file.tmp" "$file"
echo "$file: $(($(stat -c %s "$file") / 1000000)) MB packed, $(du -sm "$gpu" | cut -f1) MiB unpacked"
