#!/usr/bin/env bash
# Three seeds of the quickstart's training, compared: `./scripts/quickstart_seeds.sh [FOLDER]`.
# FOLDER is that of a finished ./scripts/quickstart.sh, whose shards are used again.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup_env.sh demo,dev

out="${1:-outputs/quickstart}"
reports=()
for seed in 0 1 2; do
  run="$out/seeds/seed_$seed"
  "$PYTHON" train.py experiment=quickstart data.root="$out/shards" seed="$seed" resume=last \
    trainer.precision="$("$PYTHON" scripts/cpu_precision.py)" hydra.run.dir="$run"
  "$PYTHON" scripts/report.py "$run/model.safetensors" "$out/shards" --output "$run/report.json"
  reports+=("$run/report.json")
done
"$PYTHON" scripts/compare_reports.py "${reports[@]}" | tee "$out/seeds/table.md"
