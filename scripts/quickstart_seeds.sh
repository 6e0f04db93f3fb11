#!/usr/bin/env bash
# Three seeds of the quickstart's training, compared: `./scripts/quickstart_seeds.sh [FOLDER]`.
# FOLDER is that of a finished ./scripts/quickstart.sh: its run is seed 0, its shards serve the others.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup_env.sh demo,dev
if [ -d /sys/class/net/lo ]; then export GLOO_SOCKET_IFNAME="${GLOO_SOCKET_IFNAME:-lo}"; fi

out="${1:-outputs/quickstart}"
mkdir -p "$out/seeds/seed_0"
cp "$out/report.json" "$out/seeds/seed_0/report.json"
reports=("$out/seeds/seed_0/report.json")
for seed in 1 2; do
  run="$out/seeds/seed_$seed"
  "$PYTHON" train.py experiment=quickstart data.root="$out/shards" seed="$seed" resume=last \
    trainer.precision="$("$PYTHON" scripts/cpu_precision.py)" hydra.run.dir="$run"
  "$PYTHON" scripts/report.py "$run/model.safetensors" "$out/shards" --output "$run/report.json"
  reports+=("$run/report.json")
done
"$PYTHON" scripts/compare_reports.py "${reports[@]}" | tee "$out/seeds/table.md"
