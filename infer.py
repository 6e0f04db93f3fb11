"""Make songs: `python infer.py --checkpoint CKPT --lyrics song.txt --prompt style.wav`."""

import sys

from songbloom.cli.infer import main

if __name__ == "__main__":
    sys.exit(main())
