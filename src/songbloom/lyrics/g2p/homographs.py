"""Words that are written alike and read apart, told by their part of speech."""

from collections.abc import Sequence
from functools import lru_cache

from songbloom.lyrics.g2p.assets import asset
from songbloom.lyrics.g2p.pos_tagger import tag_words

# As in the asset: the reading where the tag begins so, the other reading, the tag.
_SUNG_HOMOGRAPHS = {
    "bass": ("B EY1 S", "B EY1 S", "N"),
    "dove": ("D OW1 V", "D AH1 V", "VBD"),
    "lead": ("L IY1 D", "L IY1 D", "V"),
    "live": ("L IH1 V", "L AY1 V", "V"),
    "tear": ("T EH1 R", "T IH1 R", "V"),
    "tears": ("T EH1 R Z", "T IH1 R Z", "V"),
    "wind": ("W AY1 N D", "W IH1 N D", "V"),
    "winds": ("W AY1 N D Z", "W IH1 N D Z", "V"),
    "wound": ("W AW1 N D", "W UW1 N D", "V"),
}


@lru_cache(maxsize=1)
def _homographs() -> dict[str, tuple[str, str, str]]:
    lines = asset("homographs.txt").read_text(encoding="utf-8").splitlines()
    rows = (line.split("|") for line in lines if not line.startswith("#"))
    return {word: (first, second, tag) for word, first, second, tag in rows}


def released_reading(words: Sequence[str], position: int) -> str | None:
    """How the released front end reads a homograph in its words; None for any other word."""
    word = words[position].lower()
    if word not in _homographs():
        return None
    first, second, tag = _homographs()[word]
    if word == "read" and len(words) == 1:
        return second
    found = tag_words(tuple(words))[position]
    return first if found.startswith(tag) or tag.startswith(found) else second


def natural_reading(words: Sequence[str], position: int) -> str | None:
    """The likely reading of a homograph in a sung sentence; None for any other word."""
    word = words[position].lower()
    if word == "read":
        found = tag_words(tuple(words))[position]
        return "R EH1 D" if found in ("VBD", "VBN") else "R IY1 D"
    if word in _SUNG_HOMOGRAPHS:
        first, second, tag = _SUNG_HOMOGRAPHS[word]
        return first if tag_words(tuple(words))[position].startswith(tag) else second
    return released_reading(words, position)
