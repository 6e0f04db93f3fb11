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

SECTION_SEPARATOR = ","
SENTENCE_END = "."


class LyricsError(SongBloomError):
    """A lyric that cannot be read; the sentence says where and how to mend it."""
