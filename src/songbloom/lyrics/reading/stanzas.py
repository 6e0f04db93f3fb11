"""Lyrics without headings of sung sections: what is sung more than once is the chorus."""

from collections import Counter
from collections.abc import Iterable

from songbloom.lyrics.reading.changes import Notes
from songbloom.lyrics.reading.headings import Heading
from songbloom.lyrics.reading.pieces import Pause, Piece, Tag, Words
from songbloom.lyrics.reading.sentences import has_words

_MOST_SHOWN = 12
_MOST_SINGLE_LINES = 8  # more stanzas of one line than this are lines with spaces between them


def lacks_tags(pieces: list[Piece], *, pasted: bool) -> bool:
    """Whether there is no tag, or in pasted text none for the words before `(Guitar Solo)`."""
    tags = [piece for piece in pieces if isinstance(piece, Tag)]
    first = next((p for p in pieces if isinstance(p, Tag) or _origin([p]) is not None), None)
    begins_with_words = pasted and isinstance(first, Words)
    return not tags or (begins_with_words and not any(tag.heading.sung for tag in tags))


def tag_stanzas(pieces: list[Piece], notes: Notes) -> list[Piece]:
    """The pieces with a tag before each stanza; blank lines, pauses and other tags part stanzas.

    A stanza whose words stand more than once is a chorus, each other one a verse.
    """
    stanzas = list(_stanzas(pieces, num_blank=1))
    if len(stanzas) > _MOST_SINGLE_LINES and all(len(run) == 1 for run in stanzas):
        stanzas = list(_stanzas(pieces, num_blank=2))
    words = [_words(stanza) for stanza in stanzas]
    counts = Counter(words)
    tagged: list[Piece] = []
    tags: list[str] = []
    for stanza, said in zip(stanzas, words, strict=True):
        origin = _origin(stanza)
        if origin is not None:
            heading = Heading(kind="chorus" if counts[said] > 1 else "verse")
            tagged.append(Tag(heading, origin))
            tags.append(heading.tag)
        tagged += stanza
    if tags:
        shown = ", ".join(tags[:_MOST_SHOWN]) + (" …" if len(tags) > _MOST_SHOWN else "")
        what = "all is one [verse]" if tags == ["[verse]"] else f"its stanzas are {shown}"
        notes.add(_origin(pieces) or 0, f"no tag of a sung section in the text; {what}")
    return tagged


def _stanzas(pieces: Iterable[Piece], num_blank: int) -> Iterable[list[Piece]]:
    """Runs of pieces between so many blank lines; each pause or tag is a run of its own."""
    run: list[Piece] = []
    blank = 0
    for piece in pieces:
        alone = isinstance(piece, Pause | Tag)
        blank = blank + 1 if isinstance(piece, Words) and not piece.text.strip() else 0
        if run and (alone or blank == num_blank):
            yield run
            run = []
        if alone:
            yield [piece]
        elif not blank:
            run.append(piece)
    if run:
        yield run


def _words(stanza: Iterable[Piece]) -> str:
    """The letters and digits of a stanza, so that punctuation and case make no difference."""
    text = "".join(piece.text for piece in stanza if isinstance(piece, Words))
    return "".join(filter(str.isalnum, text.casefold()))


def _origin(pieces: Iterable[Piece]) -> int | None:
    """Where the first words of some pieces stand, if there are any."""
    words = (piece for piece in pieces if isinstance(piece, Words) and has_words(piece.text))
    return next((piece.origin for piece in words), None)
