#!/usr/bin/env bash
# Everything that must hold: environment, linters, types, import rules, tests. `./scripts/test.sh`
# Arguments go to pytest: `./scripts/test.sh tests/models -k cache`.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup_env.sh demo,dev

bin=.venv/bin
echo "== ruff"
"$bin/ruff" check .
"$bin/ruff" format --check .
echo "== import rules"
"$bin/lint-imports" --no-logo
echo "== types"
"$bin/basedpyright"
echo "== tests"
# One torch thread a process: two processes on two cores beat one with two threads.
export OMP_NUM_THREADS=1
"$bin/python" -m pytest --numprocesses 2 --dist loadfile "$@"
