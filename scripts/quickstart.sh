#!/usr/bin/env bash
# From nothing to a sung song: set-up, demo corpus, shards, training, report, song.
#   ./scripts/quickstart.sh [FOLDER]          (default outputs/quickstart)
# Run it again and it goes on where it stopped. QUICKSTART_STEPS, QUICKSTART_RENDITIONS and
# QUICKSTART_SEED shorten or vary it.
set -euo pipefail
cd "$(dirname "$0")/.."

out="${1:-outputs/quickstart}"
steps="${QUICKSTART_STEPS:-}"
renditions="${QUICKSTART_RENDITIONS:-160}"
seed="${QUICKSTART_SEED:-0}"
workers="$(nproc)"
started=$SECONDS
mkdir -p "$out"

say() { printf '== %s (%d min %02d s since the start)\n' "$1" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)); }

source scripts/setup_env.sh demo,dev

say "rendering $renditions demo songs"
# Eight songs in short performances: many renditions of a song teach more in ten minutes than few of
# many. `python -m data_prep.demo_corpus --help` makes larger corpora.
"$PYTHON" -m data_prep.demo_corpus --output "$out/corpus" --renditions "$renditions" --seed 0 \
  --workers "$workers" --max-seconds 64 --songs amazing_grace auld_lang_syne aura_lee my_bonnie \
  red_river_valley silent_night song_bie jing_ye_si

say "encoding them to shards"
"$PYTHON" -m data_prep.encode --corpus "$out/corpus" --output "$out/shards" --workers "$workers"

say "training"
shorter=()
if [ -n "$steps" ]; then
  shorter=("trainer.max_steps=$steps" "trainer.val_check_interval=$((steps < 75 ? steps : 75))")
fi
"$PYTHON" train.py experiment=quickstart data.root="$out/shards" seed="$seed" \
  resume=last trainer.precision="$("$PYTHON" scripts/cpu_precision.py)" \
  hydra.run.dir="$out/training" "${shorter[@]}"

say "judging what was learnt"
"$PYTHON" scripts/report.py "$out/training/model.safetensors" "$out/shards" --output "$out/report.json"

say "singing"
prompt="$(ls "$out"/corpus/*.flac | head -n 1)"
"$PYTHON" infer.py --checkpoint "$out/training/model.safetensors" \
  --lyrics examples/lyrics.txt --max-seconds 90 --prompt "$prompt" --seed "$seed" \
  --output "$out/song.flac" --spectrogram "$out/song.png"

say "done"
for file in song.flac song.png training/curves.png report.json; do
  echo "  $out/$file"
done
