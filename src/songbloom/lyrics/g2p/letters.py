"""No letter vanishes silently: what a front end cannot read is named and refused."""

import unicodedata
from collections.abc import Sequence

from songbloom.lyrics.sections import LyricsError

_LONGEST_SHOWN = 40


def check_latin(text: str) -> None:
    """LyricsError for a letter of decomposed (NFD) text that is no A to Z, and so would be lost."""
    if text.isascii():
        return
    for word in text.split():
        for letter in word:
            if not letter.isascii() and unicodedata.category(letter)[0] == "L":
                raise LyricsError(
                    f"No reading is known for {letter!r} ({unicodedata.name(letter, 'unnamed')}) "
                    f"in {_shown(word)!r}; write it with letters or characters that are known."
                )


def check_spoken(text: str, phonemes: Sequence[str]) -> None:
    """LyricsError for a text with letters or digits that gave no phonemes."""
    if not phonemes and any(map(str.isalnum, text)):
        raise LyricsError(
            f"No phonemes are known for {_shown(text.strip())!r}; write it as it sounds."
        )


def _shown(text: str) -> str:
    return unicodedata.normalize("NFC", text)[:_LONGEST_SHOWN]
