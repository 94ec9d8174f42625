#!/usr/bin/env bash
# The first command on a fresh Debian or Ubuntu: puts what the demo needs into .venv of this checkout, then starts it.
# Needs Python 3.11 or newer (PYTHON=... names another); arguments go to `rpmhub demo`.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
"$root/config/deploy/venv.sh" "$root/config/deploy/demo.txt"
exec "$root/.venv/bin/rpmhub" demo "$@"
