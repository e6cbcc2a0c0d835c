# Sourced by get-nvrtc.sh, get-headers.sh and tests/Photos/get-turbojpeg.sh: packages of any Debian suite from the mirror that this system's apt uses, apt's signatures
# checked, with nothing installed or written but a temporary folder. Wants 'fail' to be defined.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
temporary=
trap '[[ -z $temporary ]] || rm -rf "$temporary"' EXIT

# The mirror, from the list of what 'apt-get update' would read; that needs no earlier update.
mirror() {
  local release; release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  apt-get update --print-uris 2>/dev/null | sed -n "s|^'\(.*\)/dists/$release/InRelease'.*|\1|p" | sed -n 1p
}

# open_suite SUITE [COMPONENT]: makes $temporary anew, and ${apt[@]} the apt-get that knows the suite.
open_suite() {
  local uri; uri=$(mirror)
  [[ -n $uri ]] || fail "apt has no source for this Debian release"
  [[ -r $keyring ]] || fail "$keyring is missing"
  [[ -z $temporary ]] || rm -rf "$temporary"
  temporary=$(mktemp -d)
  mkdir -p "$temporary"/{lists/partial,cache/archives/partial,packages,files,ready}
  echo "deb [arch=amd64 signed-by=$keyring] $uri $1 ${2:-non-free}" > "$temporary/sources.list"
  apt=(apt-get -q -o Dir::Etc::SourceList="$temporary/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o Dir::State::Lists="$temporary/lists" -o Dir::Cache="$temporary/cache" -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root)
  "${apt[@]}" update > "$temporary/log" 2>&1 || { tail -n 5 "$temporary/log" >&2; fail "the list of $1 cannot be fetched"; }
}
