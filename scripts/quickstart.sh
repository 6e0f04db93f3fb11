#!/usr/bin/env bash
# From nothing to a sung song: set-up, demo corpus, shards, training, report, song.
#   ./scripts/quickstart.sh [FOLDER]          (default outputs/quickstart)
# Run it again and it goes on where it stopped. QUICKSTART_STEPS, QUICKSTART_RENDITIONS and
# QUICKSTART_SEED shorten or vary it.
set -euo pipefail
cd "$(dirname "$0")/.."

out="${1:-outputs/quickstart}"
steps="${QUICKSTART_STEPS:-}"
renditions="${QUICKSTART_RENDITIONS:-294}"
seed="${QUICKSTART_SEED:-0}"
workers="$(nproc)"
started=$SECONDS
mkdir -p "$out"

say() { printf '== %s (%d min %02d s since the start)\n' "$1" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)); }

source scripts/setup_env.sh demo,dev

say "rendering $renditions demo songs"
# Few songs in brisk, short performances near one tempo each teach most in ten minutes; a third of
# them with exchanged words and in freer performances, so that the model does not know everything by
# heart (docs/quickstart.md). `python -m data_prep.demo_corpus --help` makes other corpora.
"$PYTHON" -m data_prep.demo_corpus --output "$out/corpus" --renditions "$renditions" --seed 0 \
  --val-renditions 14 --workers "$workers" --tempo 1.8 --tempo-spread 0.01 --num-forms 1 \
  --min-seconds 24 --max-seconds 40 --exchange-words 0.31 \
  --songs jingle_bells liang_zhi_lao_hu my_bonnie oh_susanna red_river_valley song_bie yankee_doodle

say "encoding them to shards"
"$PYTHON" -m data_prep.encode --corpus "$out/corpus" --output "$out/shards" --workers "$workers"

say "training"
# Two processes on this machine, which meet over the loopback device whatever its network is.
if [ -d /sys/class/net/lo ]; then export GLOO_SOCKET_IFNAME="${GLOO_SOCKET_IFNAME:-lo}"; fi
shorter=()
if [ -n "$steps" ]; then
  shorter=("trainer.max_steps=$steps" "trainer.val_check_interval=$((steps < 120 ? steps : 120))")
fi
"$PYTHON" train.py experiment=quickstart data.root="$out/shards" seed="$seed" \
  resume=last trainer.precision="$("$PYTHON" scripts/cpu_precision.py)" \
  hydra.run.dir="$out/training" "${shorter[@]}"

say "judging what was learnt"
"$PYTHON" scripts/report.py "$out/training/model.safetensors" "$out/shards" --output "$out/report.json"

say "singing"
# The words of a training song, in the style of a rendition that was not trained on.
"$PYTHON" infer.py --checkpoint "$out/training/model.safetensors" \
  --lyrics examples/lyrics.txt --prompt "$out/corpus/red_river_valley_8000.flac" \
  --max-duration 40 --seed "$seed" --output "$out/song.flac" --spectrogram

say "done"
for file in song.flac song.png training/curves.png report.json; do
  echo "  $out/$file"
done
