"""Reading lyrics as people paste them: canonical, plain, with headings of any kind, or LRC."""

from dataclasses import dataclass

from songbloom.lyrics.reading.assembly import assemble
from songbloom.lyrics.reading.changes import Change, Notes
from songbloom.lyrics.reading.pieces import read_pieces
from songbloom.lyrics.reading.punctuation import normalise
from songbloom.lyrics.reading.stamps import read_lines
from songbloom.lyrics.reading.stanzas import lacks_tags, tag_stanzas
from songbloom.lyrics.sections import MAX_CHARACTERS, LyricsError
from songbloom.lyrics.structure import Lyrics


@dataclass(frozen=True, kw_only=True)
class LyricsReading:
    """Lyrics as they were read, and what was changed for it, in the order of the pasted text."""

    lyrics: Lyrics
    changes: tuple[Change, ...]


def read_lyrics(text: str) -> LyricsReading:
    """Read lyrics in the canonical form or in one of those that people paste.

    A line break, `!` and `?` end a sentence as `.` does. Canonical text gives no changes; all
    places are those of the pasted text.

    Raises:
        LyricsError: nothing to read, too much of it, an unknown tag, a bracket without its
            partner, text before the first tag, or a length out of range.
    """
    if len(text) > MAX_CHARACTERS:
        raise LyricsError(
            f"The lyrics have {len(text)} characters; at most {MAX_CHARACTERS} are read, so paste "
            "one song at a time."
        )
    notes = Notes(text)
    plain = normalise(text, notes)
    lines = read_lines(plain.lines(), notes)
    # Canonical text is one line, in which a repeat mark and a section without words are meant so.
    pasted = "\n" in plain.text.strip()
    pieces = list(read_pieces(lines, notes, repeats=pasted))
    if lacks_tags(pieces, pasted=pasted):
        pieces = tag_stanzas(pieces, notes)
    sections = assemble(pieces, notes, fill=pasted)
    if not sections:
        raise LyricsError("The lyrics are empty; write at least one section, such as [verse] la.")
    return LyricsReading(lyrics=Lyrics(sections=tuple(sections)), changes=notes.changes())


def parse_lyrics(text: str) -> Lyrics:
    """The lyrics that `read_lyrics` reads, without the changes; it raises the same errors."""
    return read_lyrics(text).lyrics
