"""Renders the demo corpus: python -m data_prep.demo_corpus --output DIR --renditions 200."""

import argparse
import os
import sys
from pathlib import Path

from data_prep.demo_corpus.corpus import write_corpus
from data_prep.demo_corpus.plan import SPLITS, plan
from data_prep.demo_corpus.variant import FULL_FREEDOM, Freedom
from songbloom.errors import SongBloomError


def main() -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m data_prep.demo_corpus", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for FLAC and JSON files")
    parser.add_argument(
        "--renditions", type=int, default=150, help="of training songs, to train on"
    )
    parser.add_argument("--val-renditions", type=int, help="default: one of each training song")
    parser.add_argument("--test-renditions", type=int, help="default: two of each held-out song")
    parser.add_argument(
        "--songs", nargs="+", metavar="SONG", help="training songs; default: all of them"
    )
    parser.add_argument(
        "--min-seconds",
        type=float,
        default=FULL_FREEDOM.min_seconds,
        help="leave out shorter performances",
    )
    parser.add_argument(
        "--max-seconds",
        type=float,
        default=FULL_FREEDOM.max_seconds,
        help="leave out longer performances",
    )
    parser.add_argument(
        "--tempo", type=float, default=FULL_FREEDOM.tempo, help="1.2: a fifth faster than noted"
    )
    parser.add_argument(
        "--tempo-spread",
        type=float,
        default=FULL_FREEDOM.tempo_spread,
        metavar="SHARE",
        help="how far a rendition's tempo may lie from that",
    )
    parser.add_argument("--num-forms", type=int, help="forms of each song; default: all that fit")
    parser.add_argument(
        "--exchange-words",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of the renditions to train on, those whose words change places (0 to 1)",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=[*SPLITS, "all"], default="all")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--vocals", action="store_true", help="also write the voice alone")
    arguments = parser.parse_args()
    try:
        renditions = plan(
            arguments.seed,
            arguments.renditions,
            arguments.val_renditions,
            arguments.test_renditions,
            training_songs=arguments.songs,
            freedom=Freedom(
                tempo=arguments.tempo,
                tempo_spread=arguments.tempo_spread,
                num_forms=arguments.num_forms,
                min_seconds=arguments.min_seconds,
                max_seconds=arguments.max_seconds,
            ),
            exchanged_share=arguments.exchange_words,
        )
        chosen = [r for r in renditions if arguments.split in ("all", r.split)]
        made = write_corpus(arguments.output, chosen, arguments.workers, arguments.vocals)
    except SongBloomError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{made} renditions made, {len(chosen) - made} were there: {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
