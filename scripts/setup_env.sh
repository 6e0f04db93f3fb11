#!/usr/bin/env bash
# Make .venv with everything pinned in constraints.txt, once: `source scripts/setup_env.sh EXTRAS`.
# Sets PYTHON to its interpreter. A Python of your own choice: `PYTHON_BASE=python3.12`.
set -euo pipefail

extras="$1"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PYTHON="$root/.venv/bin/python"
stamp="$root/.venv/.installed-$extras"

find_python() {
  local candidate
  for candidate in ${PYTHON_BASE:-} python3.11 python3.12 python3.13 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "error: Python 3.11 or newer is needed; install it, or set PYTHON_BASE." >&2
  return 1
}

if [ ! -e "$stamp" ] || [ "$root/constraints.txt" -nt "$stamp" ] || [ "$root/pyproject.toml" -nt "$stamp" ]; then
  echo "== setting up .venv (a few minutes, once)"
  [ -x "$PYTHON" ] || "$(find_python)" -m venv "$root/.venv"
  "$PYTHON" -m pip install --quiet --disable-pip-version-check \
    --constraint "$root/constraints.txt" --editable "$root[$extras]"
  touch "$stamp"
fi
