"""The sentences of a lyric's words."""

import re

from songbloom.lyrics.reading.changes import Notes
from songbloom.lyrics.reading.punctuation import normalise

_ABBREVIATIONS = r"\b(mr|mrs|ms|dr|st|jr|sr|vs)"
_ABBREVIATION = re.compile(_ABBREVIATIONS + r"\.(?=\s)", re.IGNORECASE)
_ENDS_IN_ABBREVIATION = re.compile(_ABBREVIATIONS + "$", re.IGNORECASE)
_INITIALISM = re.compile(r"\b(?:[A-Za-z]\.){2,}")
_COMMA = re.compile(r"\s*,(?!\d)[\s,]*")
# A period ends a sentence, save between two digits (3.14).
_SENTENCE_END = re.compile(r"[!?\n]|\.(?!(?<=\d\.)\d)")

# Letters and digits, and the signs that are read as words.
_SPOKEN = re.compile(r"[^\W_]|[&%@+]")


def has_words(text: str) -> bool:
    """Whether anything in a text is read aloud."""
    return _SPOKEN.search(text) is not None


def split_sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text without tags, without their ends and stray commas."""
    return plain_sentences(normalise(text, Notes(text)).text)


def plain_sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text whose punctuation is plain already."""
    text = _ABBREVIATION.sub(r"\1", text)
    text = _INITIALISM.sub(lambda match: match.group().replace(".", ""), text)
    pieces = (" ".join(piece.split()).strip(" ,;:") for piece in _SENTENCE_END.split(text))
    return tuple(_COMMA.sub(", ", piece) for piece in pieces if has_words(piece))


def join_sentences(sentences: tuple[str, ...]) -> str:
    """One text, which `plain_sentences` parts again: `Main St . Go on`, for `St.` ends none."""
    ended = [
        f"{sentence} " if _ENDS_IN_ABBREVIATION.search(sentence) else sentence
        for sentence in sentences[:-1]
    ]
    return ". ".join([*ended, *sentences[-1:]])
