"""The pieces of a lyric put together as sections."""

from dataclasses import dataclass, field, replace

from songbloom.lyrics.reading.changes import Notes, Position
from songbloom.lyrics.reading.headings import Heading
from songbloom.lyrics.reading.lengths import take_length
from songbloom.lyrics.reading.pieces import (
    Again,
    Pause,
    Piece,
    Tag,
    Words,
    not_understood,
    shortened,
)
from songbloom.lyrics.reading.sentences import has_words, plain_sentences
from songbloom.lyrics.sections import MAX_CHARACTERS, MAX_SECONDS, SECTION_TAGS, LyricsError
from songbloom.lyrics.structure import Section, is_length


@dataclass
class _Draft:
    """A section in the making; its parts hold its words, sentence ends and commas included."""

    heading: Heading
    origin: int
    repeats: int = 1
    implied: bool = False  # it stands for a pause, not for a heading
    over: bool = False  # its length is known to end before the next words
    resumed: bool = False  # it goes on with a section that a pause interrupted
    parts: list[str] = field(default_factory=list)
    has_words: bool = False

    def goes_on(self, heading: Heading) -> bool:
        """Whether a tag only prolongs this section: the same, with nothing in between."""
        between = "".join(self.parts)
        parted = between.strip(" \n") or "\n\n" in between or (heading.sung and "\n" in between)
        prolongs = (
            (one.kind, one.number, one.times, one.seconds)
            == (heading.kind, heading.number, 1, None)
            for one in (self.heading, heading)
        )
        return not parted and all(prolongs)


def assemble(pieces: list[Piece], notes: Notes, *, fill: bool) -> list[Section]:
    """The sections that pieces make.

    Args:
        pieces: the pieces, of which words come behind a tag.
        notes: takes the changes.
        fill: whether a sung section without words takes those of the last one of its kind, as in
            pasted text.

    Raises:
        LyricsError: words before the first tag, or repeats that make the lyrics too long.
    """
    sections: list[Section] = []
    known: dict[tuple[str, str | None], tuple[tuple[str, ...], int]] = {}
    length = 0
    for draft in _drafts(pieces, notes):
        heading, position = draft.heading, notes.position(draft.origin)
        if draft.implied:
            notes.add(draft.origin, f"{heading.seconds:g} s without words become {heading.tag}")
        sentences = plain_sentences("".join(draft.parts))
        if is_length(heading.tag, sentences):
            heading = _with_length(draft, sentences, notes)
            sentences = ()
        numbered, any_number = (heading.kind, heading.number), (heading.kind, None)
        if sentences:
            start = known.get(numbered) if draft.resumed else None
            earlier, line = start or ((), position.line)
            known[numbered] = known[any_number] = (*earlier, *sentences), line
        elif fill and heading.sung:
            sentences, line = known.get(numbered) or known.get(any_number) or ((), 0)
            if sentences:
                notes.add(draft.origin, f"{heading.tag} without words takes those of line {line}")
        times = heading.times if sentences else 1
        repeats = draft.repeats if times > 1 else draft.repeats * heading.times
        if heading.seconds is not None:
            repeats = draft.repeats * heading.times
            _check_seconds(heading, repeats, position)
        length += times * sum(map(len, sentences)) + repeats * len(heading.tag)
        _check_length(length)
        sections.append(
            Section(
                tag=heading.tag,
                sentences=sentences * times,
                repeats=repeats,
                seconds=heading.seconds,
                position=position,
            )
        )
    return sections


def _with_length(draft: _Draft, sentences: tuple[str, ...], notes: Notes) -> Heading:
    """The heading with the length that stands behind it in place of words: `[Intro] 10s`."""
    length = take_length(sentences[0].lower())
    heading, unread = draft.heading, length.unread
    if heading.seconds is None and length.seconds is not None:
        seconds = length.seconds * len(sentences)
        heading = replace(heading, seconds=seconds)
        draft.repeats = 1
        notes.add(draft.origin, f"{sentences[0]!r} read as the length of {heading.tag}")
    else:
        unread = (sentences[0],)
    if unread:
        notes.add(draft.origin, f"{not_understood(unread)} of {heading.tag}")
    return heading


def _check_seconds(heading: Heading, repeats: int, position: Position) -> None:
    whole = (heading.seconds or 0) * repeats
    if not 0 < whole <= MAX_SECONDS:
        raise LyricsError(
            f"By its length, timestamps or repeats the {heading.tag} at {position} lasts {whole:g}"
            f" s; more than 0 and at most {MAX_SECONDS} s can be asked for, so mend them."
        )


def _drafts(pieces: list[Piece], notes: Notes) -> list[_Draft]:
    drafts: list[_Draft] = []
    for piece in pieces:
        if isinstance(piece, Tag):
            _add_tag(drafts, piece, notes)
        elif isinstance(piece, Words):
            _add_words(drafts, piece, notes)
        elif isinstance(piece, Pause):
            _add_pause(drafts, piece, notes)
        elif drafts:
            _repeat(drafts[-1], piece)
    if len(drafts) > 1 and drafts[-1].implied:
        drafts[-1].heading = replace(drafts[-1].heading, kind="outro")
    return drafts


def _add_tag(drafts: list[_Draft], tag: Tag, notes: Notes) -> None:
    last = drafts[-1] if drafts else None
    if last and last.implied and not tag.heading.sung:  # the pause is what the heading means
        drafts[-1] = _Draft(tag.heading, tag.origin, over=True)
        _lengthen(drafts[-1], last.heading.seconds or 0, notes)
    elif last and last.goes_on(tag.heading):
        last.repeats += 1
        last.parts.clear()
    else:
        drafts.append(_Draft(tag.heading, tag.origin, over=tag.timed))


def _lengthen(draft: _Draft, seconds: float, notes: Notes) -> None:
    """Give a section the length of the pause at its place, unless its heading has one."""
    if draft.heading.seconds is None:
        draft.heading = replace(draft.heading, seconds=seconds, times=1)
        draft.repeats = 1  # the pause lasts as long as all of them
        draft.over = True
        notes.add(draft.origin, f"{draft.heading.tag} takes the {seconds:g} s without words")


def _add_words(drafts: list[_Draft], words: Words, notes: Notes) -> None:
    spoken = has_words(words.text)
    if spoken and drafts and drafts[-1].over:
        before = next((draft for draft in reversed(drafts[:-1]) if draft.has_words), None)
        if before:
            heading = replace(before.heading, times=1, seconds=None)
            drafts.append(_Draft(heading, words.origin, resumed=True))
    if spoken and (not drafts or drafts[-1].implied):
        raise LyricsError(
            f"The lyrics begin with {shortened(words.text)!r} before any section tag, at "
            f"{notes.position(words.origin)}; put one of {', '.join(SECTION_TAGS)} before it, or "
            "remove it if it is a title."
        )
    if drafts:
        drafts[-1].parts.append(words.text)
        drafts[-1].has_words |= spoken


def _add_pause(drafts: list[_Draft], pause: Pause, notes: Notes) -> None:
    kind = "inst" if drafts else "intro"
    draft = _Draft(Heading(kind=kind, seconds=pause.seconds), pause.origin, implied=True, over=True)
    if not drafts or drafts[-1].has_words:
        drafts.append(draft)
    elif drafts[-1].heading.sung:  # its words follow
        drafts.insert(-1, draft)
    elif drafts[-1].implied:
        whole = pause.seconds + (drafts[-1].heading.seconds or 0)
        drafts[-1].heading = replace(drafts[-1].heading, seconds=whole)
    else:
        _lengthen(drafts[-1], pause.seconds, notes)


def _repeat(draft: _Draft, again: Again) -> None:
    if not draft.has_words:
        draft.heading = replace(draft.heading, times=draft.heading.times * again.times)
        return
    _check_length(again.times * sum(map(len, draft.parts)))
    draft.parts *= again.times


def _check_length(length: int) -> None:
    if length > MAX_CHARACTERS:
        raise LyricsError(
            f"The lyrics have {length} characters once all repeats are written out; at most "
            f"{MAX_CHARACTERS} are read, so repeat less."
        )
