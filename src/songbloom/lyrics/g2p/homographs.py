"""Words that are written alike and read apart, told by their part of speech."""

from collections.abc import Sequence
from functools import lru_cache

from songbloom.lyrics.g2p.assets import asset
from songbloom.lyrics.g2p.pos_tagger import tag_words

# As in the asset: the reading where a tag begins so, the other reading, the beginnings.
_SUNG_HOMOGRAPHS = {
    "bass": ("B EY1 S", "B EY1 S", "N"),
    "read": ("R EH1 D", "R IY1 D", "VBD VBN"),
    "dove": ("D OW1 V", "D AH1 V", "VBD"),
    "lead": ("L IY1 D", "L IY1 D", "V"),
    "live": ("L IH1 V", "L AY1 V", "V"),
    "tear": ("T EH1 R", "T IH1 R", "V"),
    "tears": ("T EH1 R Z", "T IH1 R Z", "V"),
    "wind": ("W AY1 N D", "W IH1 N D", "V"),
    "winds": ("W AY1 N D Z", "W IH1 N D Z", "V"),
    "wound": ("W AW1 N D", "W UW1 N D", "V"),
}
# Words that open an object, so that a clause's first word before them is a command.
_OBJECTS = frozenset(
    (
        *("a", "all", "an", "every", "her", "him", "his", "it", "its", "me", "my", "our"),
        *("that", "the", "their", "them", "these", "this", "those", "us", "you", "your"),
    )
)


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
    """The likely reading of a homograph in a sung clause; None for any other word."""
    word = words[position].lower()
    following = words[position + 1].lower() if position + 1 < len(words) else ""
    if word == "used":
        return "Y UW1 S T" if following == "to" else "Y UW1 Z D"
    entry = _SUNG_HOMOGRAPHS.get(word) or _homographs().get(word)
    if entry is None:
        return None
    first, second, tag = entry
    if position == 0 and tag == "V" and following in _OBJECTS:  # close your eyes, record it
        return first
    found = tag_words(tuple(words))[position]
    return first if any(found.startswith(start) for start in tag.split()) else second
