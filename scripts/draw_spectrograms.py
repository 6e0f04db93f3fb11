"""Draw recordings one above the other: `python scripts/draw_spectrograms.py A.flac B.flac`."""

import argparse
import sys
from pathlib import Path

from songbloom.audio import read_audio
from songbloom.audio_format import SAMPLE_RATE
from songbloom.errors import SongBloomError
from songbloom.plots import save_spectrograms


def main() -> None:
    """Read, cut, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, default=Path("spectrograms.png"))
    parser.add_argument("--seconds", type=float, default=30, help="length drawn of each")
    arguments = parser.parse_args()
    length = int(arguments.seconds * SAMPLE_RATE)
    songs = {path.name: read_audio(path)[:, :length] for path in arguments.recordings}
    save_spectrograms(arguments.output, songs)
    print(arguments.output)


if __name__ == "__main__":
    try:
        main()
    except SongBloomError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
