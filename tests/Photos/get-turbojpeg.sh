#!/usr/bin/env bash
# get-turbojpeg.sh FOLDER: libturbojpeg.so.0 of Debian bookworm, for the tests that hold its pixels against SkiaSharp's.
# 200 KB are fetched from the mirror that this system's apt uses, apt's signatures are checked, and nothing is written but FOLDER.
# What is there is left alone. Then: ESC_TURBOJPEG_PATH=FOLDER
set -euo pipefail
folder=${1:?usage: get-turbojpeg.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "get-turbojpeg: $*" >&2; exit 1; }
. "$here/../emulation/debian.sh"

[[ ! -d $folder ]] || exit 0
open_suite bookworm main
(cd "$temporary/packages" && "${apt[@]}" download libturbojpeg0) >> "$temporary/log" 2>&1 ||
  { tail -n 5 "$temporary/log" >&2; fail "the package libturbojpeg0 cannot be fetched"; }
dpkg-deb --fsys-tarfile "$temporary"/packages/*.deb | tar -C "$temporary/files" -x --wildcards './usr/lib/x86_64-linux-gnu/libturbojpeg.so.*'
cp -a "$temporary"/files/usr/lib/x86_64-linux-gnu/libturbojpeg.so.* "$temporary/ready/"
mkdir -p "$(dirname "$folder")"
# Another process may have been quicker; either result is whole.
mv -T "$temporary/ready" "$folder" 2>/dev/null || [[ -d $folder ]] || fail "cannot write $folder"
echo "get-turbojpeg: $folder"
