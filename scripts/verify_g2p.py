"""Compare the released G2P mode with reference lines: `python scripts/verify_g2p.py FILE.jsonl`.

A row holds `language` with `text` and `phonemes` (a line, converted as one piece) or with
`lyrics` and `processed` (a whole lyric, converted as the published inference does it). Every row
that differs is printed with the tokens expected and found; the last line is JSON, the share of
tokens that agree per language. Exit status 1 where a language stays below 0.98.
"""

import argparse
import json
import sys
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from tqdm import tqdm

from songbloom.errors import SongBloomError
from songbloom.lyrics import phonemize, phonemize_line

REQUIRED = 0.98


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON lines file; SongBloomError names the row that cannot be read."""
    if not path.is_file():
        raise SongBloomError(f"{path} is missing; name a JSON lines file of reference rows.")
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise SongBloomError(f"{path}, line {number} is not JSON: {error}.") from error
        if not isinstance(row, dict) or not (
            {"text", "phonemes"} <= row.keys() or {"lyrics", "processed"} <= row.keys()
        ):
            raise SongBloomError(
                f"{path}, line {number} needs text and phonemes, or lyrics and processed."
            )
        rows.append(row)
    return rows


def convert(row: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Expected and found tokens of a row."""
    if "lyrics" in row:
        return row["processed"].split(" "), phonemize(row["lyrics"], "released").split(" ")
    return row["phonemes"].split(" "), phonemize_line(row["text"], "released").split(" ")


def main() -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(
        description="Compare the released G2P mode with reference lines."
    )
    parser.add_argument("file", type=Path)
    path = parser.parse_args().file
    same: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for row in tqdm(read_rows(path), unit="row", disable=None):
        expected, found = convert(row)
        language = str(row.get("language", "unknown"))
        matcher = SequenceMatcher(None, expected, found, autojunk=False)
        same[language] += sum(block.size for block in matcher.get_matching_blocks())
        total[language] += max(len(expected), len(found))
        if expected != found:
            print(f"{language}: {row.get('text', row.get('lyrics'))}")
            for tag, i, j, k, n in matcher.get_opcodes():
                if tag != "equal":
                    context = " ".join(expected[max(0, i - 4) : i])
                    print(f"  after '{context}': expected {expected[i:j]}, found {found[k:n]}")
    agreement = {language: same[language] / total[language] for language in sorted(total)}
    print(json.dumps(agreement))
    return 0 if all(share >= REQUIRED for share in agreement.values()) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SongBloomError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
