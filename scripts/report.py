"""Say what a checkpoint has learnt: `python scripts/report.py CHECKPOINT SHARDS`."""

import argparse
import json
import sys
from pathlib import Path

from songbloom.checkpoint import load_checkpoint
from songbloom.data.index import DatasetIndex
from songbloom.errors import SongBloomError
from songbloom.evaluation.report import learning_report
from songbloom.whole_file import whole_file


def main() -> None:
    """Evaluate, print the figures, write them as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("shards", type=Path, help="dataset folder with splits train, val, test")
    parser.add_argument("--output", type=Path, default=Path("report.json"))
    arguments = parser.parse_args()
    checkpoint = load_checkpoint(arguments.checkpoint)
    index = DatasetIndex.load(arguments.shards)
    index.require(
        codec_fingerprint=checkpoint.card.codec.fingerprint,
        sketch_fingerprint=checkpoint.card.sketch.fingerprint,
        vocabulary=checkpoint.card.vocabulary,
    )
    report = learning_report(checkpoint, index)
    with whole_file(arguments.output) as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print_figures(report)


def print_figures(report: dict) -> None:
    """A table of the two held-out sets, then the criteria."""
    columns = ("held_out_renditions", "held_out_songs")
    print(f"{'nats a token':28s}" + "".join(f"{c.replace('_', ' '):>22s}" for c in columns))
    rows = {
        "unigram entropy": lambda r: r["unigram_entropy"],
        "smoothed bigram": lambda r: r["bigram_cross_entropy"],
        "model, right lyrics": lambda r: r["right"]["sketch"],
        "model, wrong lyrics": lambda r: r["wrong_lyrics"]["sketch"],
        "model, foreign prompt": lambda r: r["foreign_prompt"]["sketch"],
        "flow: mean velocity": lambda r: r["mean_velocity_flow"],
        "flow: model": lambda r: r["right"]["flow"],
        "flow: foreign prompt": lambda r: r["foreign_prompt"]["flow"],
    }
    for title, figure in rows.items():
        print(f"{title:28s}" + "".join(f"{figure(report[c]):22.3f}" for c in columns))
    for name, met in report["criteria"].items():
        print(f"{'yes' if met else 'NO ':4s}{name.replace('_', ' ')}")


if __name__ == "__main__":
    try:
        main()
    except SongBloomError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
