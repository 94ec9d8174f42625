#!/usr/bin/env bash
# Make .venv in this checkout, with the libraries that PINS names by hash and the project itself: venv.sh PINS
# PYTHON names the interpreter (3.11 or newer), else the first one found is taken. With the same pins a second run is quick.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd -- "$here/../.." && pwd -P)
pins=$(realpath -- "${1:?usage: venv.sh PINS}")
venv=$root/.venv

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

fits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

find_python() {
    local candidate
    if [[ -n ${PYTHON:-} ]]; then
        fits "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11 or newer."
        printf '%s' "$PYTHON"
        return
    fi
    for candidate in /usr/bin/python3 python3.13 python3.12 python3.11 python3; do
        if fits "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and was not found." \
        "On Debian 12, Ubuntu 24.04 and newer: apt install python3. Another one is named by PYTHON=/path/to/python3."
}

make_venv() {
    local python version
    python=$(find_python)
    version=$(version_of "$python")
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        [[ $(command -v -- "$python") == /usr/bin/* ]] || fail "$python cannot make virtual environments: it lacks ensurepip."
        "$here/packages.sh" "python$version-venv"
    fi
    printf 'Making .venv with Python %s\n' "$version"
    "$python" -m venv --clear "$venv" || fail "The virtual environment $venv could not be made."
}

progress() { # reads pip's lines; on a terminal the count moves, elsewhere nothing is said
    local line done=0 total
    total=$(grep -c '^[a-z]' "$pins")
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$log"
        [[ -t 1 ]] || continue
        case $line in
            Collecting* | Processing* | Ignoring* | 'Requirement already'*) printf '\r  %d of %d ' "$((++done))" "$total" ;;
            Installing*) printf '\r  unpacking      ' ;;
        esac
    done
    if [[ -t 1 ]]; then printf '\r                \r'; fi
}

if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    make_venv # none yet, or its Python is gone
elif [[ -n ${PYTHON:-} && $(version_of "$PYTHON") != $(version_of "$venv/bin/python") ]]; then
    make_venv
fi

stamp=$venv/.installed-$(basename -- "$pins")
wanted=$(sha256sum -- "$pins" "$root/pyproject.toml")
if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then exit 0; fi

log=$venv/install.log
: >"$log"
pip() {
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input "$@" 2>&1 | progress
}
printf 'Installing the pinned libraries (%s), about a minute\n' "$(basename -- "$pins")"
pip --require-hashes -r "$pins" ||
    fail "$(tail -n 15 -- "$log")" "The libraries could not be installed: pip's own words are above, all of them in $log"
pip --no-deps --no-build-isolation --editable "$root" ||
    fail "$(tail -n 15 -- "$log")" "The project could not be installed: pip's own words are above, all of them in $log"
printf '%s' "$wanted" >"$stamp"
