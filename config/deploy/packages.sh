#!/usr/bin/env bash
# Install those of the named Debian packages that are absent, by apt, as root or by sudo: packages.sh NAME ...
# It says which one could not be had, and exits 1.
set -euo pipefail

absent=()
for name in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null || true)
    [[ $status == installed ]] || absent+=("$name")
done
((${#absent[@]})) || exit 0

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}
by_hand="Install by hand, then run again: ${absent[*]}"
command -v apt-get >/dev/null || fail "This system has no apt-get. $by_hand"
sudo=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "Installing packages needs root or sudo. $by_hand"
    sudo=(sudo)
fi

apt() {
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null
}
printf 'Installing Debian packages: %s\n' "${absent[*]}"
apt update || printf 'apt-get update failed; going on with the package lists that are there.\n' >&2
failed=()
for name in "${absent[@]}"; do
    apt install -y --no-install-recommends "$name" >/dev/null || failed+=("$name")
done
((${#failed[@]} == 0)) || fail "apt could not install: ${failed[*]}"
