"""The section tags of a lyric and the error that every fault of a lyric raises."""

from songbloom.errors import SongBloomError

SECTION_TAGS = (
    "[intro]",
    "[outro]",
    "[bridge]",
    "[inst]",
    "[verse]",
    "[chorus]",
    "[silence]",
)
"""Every known tag, in the order of the released vocabulary."""

SUNG_TAGS = ("[verse]", "[chorus]", "[bridge]")
"""The tags that stand once before words, so that no length can be given for them."""

SECTION_SEPARATOR = ","
SENTENCE_END = "."

MAX_SECONDS = 600
"""The longest section without words that can be asked for."""

MIN_TAG_SECONDS = 0.01
"""The shortest time that one tag can stand for."""

MAX_CHARACTERS = 100_000
"""The longest lyrics, as pasted and with their repeats written out."""


class LyricsError(SongBloomError):
    """A lyric that cannot be read; the sentence says where and how to mend it."""
