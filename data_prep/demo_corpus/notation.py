"""Reads a song from its text file: meta lines, forms, and sections of syllables with pitches."""

import re
from functools import cache
from pathlib import Path

from data_prep.demo_corpus.song import (
    PLAYED_TAGS,
    SUNG_TAGS,
    Chord,
    Note,
    Section,
    Song,
    SongError,
    Word,
)

SONG_FOLDER = Path(__file__).parent / "songs"

_PITCH_CLASS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_CHORD_INTERVALS = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "sus4": (0, 5, 7),
}
_META_FIELDS = (
    "title",
    "language",
    "split",
    "source",
    "public_domain",
    "licence",
    "bpm",
    "meter",
)
_HEADER = re.compile(r"\[(\w+)( \d+)?\](?: pickup (\S+))?$")
_PLAY = re.compile(r"play: (\w+(?: \d+)?) bars (\d+)-(\d+)$")
_PITCH = re.compile(r"([A-G])([#b]?)(\d)$")
_CHORD = re.compile(r"([A-G])([#b]?)(m7|m|7|sus4|)$")


def parse_pitch(text: str) -> int:
    """MIDI number of a pitch such as `F#4` (C4 is 60); ValueError if it is none."""
    match = _PITCH.match(text)
    if not match:
        raise ValueError(f"{text!r} is not a pitch such as F#4")
    letter, accidental, octave = match.groups()
    shift = {"#": 1, "b": -1, "": 0}[accidental]
    return _PITCH_CLASS[letter] + shift + 12 * (int(octave) + 1)


def parse_chord(text: str) -> tuple[int, ...]:
    """Pitch classes of a chord such as `Bbm7`, root first; ValueError if it is none."""
    match = _CHORD.match(text)
    if not match:
        raise ValueError(f"{text!r} is not a chord such as G, Em or D7")
    letter, accidental, quality = match.groups()
    root = _PITCH_CLASS[letter] + {"#": 1, "b": -1, "": 0}[accidental]
    return tuple((root + interval) % 12 for interval in _CHORD_INTERVALS[quality])


def _parse_chords(text: str, meter: int) -> tuple[Chord, ...]:
    """Chords of `text`: one token a bar, `G,D7` divides the bar evenly."""
    chords = []
    for bar, token in enumerate(text.replace("|", " ").split()):
        names = token.split(",")
        length = meter / len(names)
        chords += [
            Chord(start=bar * meter + i * length, length=length, pitch_classes=parse_chord(name))
            for i, name in enumerate(names)
        ]
    return tuple(chords)


def _parse_notes(text: str, beat: float) -> tuple[tuple[Note, ...], float]:
    """Notes of one syllable, `G4/1+A4/.5`, from `beat`; returns them and the beat they end at."""
    notes = []
    for part in text.split("+"):
        pitch, slash, length = part.partition("/")
        if not slash:
            raise ValueError(f"{part!r} lacks a length: write it as G4/1")
        notes.append(Note(start=beat, length=float(length), midi=parse_pitch(pitch)))
        beat += notes[-1].length
    return tuple(notes), beat


def _parse_words(text: str, pickup: float, meter: int) -> tuple[tuple[Word, ...], float]:
    """Words of a sung section and its last beat; raises SongError naming the token."""
    beat = -pickup
    words: list[Word] = []
    joins = False
    for token in text.split():
        try:
            if token == "|":
                if beat % meter:
                    raise ValueError(f"a bar line stands at beat {beat % meter:g} of the bar")
            elif token == ".":
                last = words[-1]
                words[-1] = Word(text=last.text, syllables=last.syllables, ends_sentence=True)
            elif token.startswith("_/"):
                beat += float(token[2:])
            else:
                syllable, colon, melody = token.partition(":")
                if not colon:
                    raise ValueError("a syllable is written as A-:D4/1")
                notes, beat = _parse_notes(melody, beat)
                syllable, next_joins = syllable.removesuffix("-"), syllable.endswith("-")
                if joins:
                    last = words[-1]
                    words[-1] = Word(text=last.text + syllable, syllables=(*last.syllables, notes))
                else:
                    words.append(Word(text=syllable, syllables=(notes,)))
                joins = next_joins
        except (ValueError, IndexError) as error:
            raise SongError(f"word {len(words)}, token {token!r}: {error}") from error
    if joins:
        raise SongError(f"word {len(words)} ends with a hyphen, and no syllable follows it")
    return tuple(words), beat


def _sung_section(name: str, pickup: float, lines: list[str], meter: int) -> Section:
    chord_lines = [line[7:] for line in lines if line.startswith("chords:")]
    chords = _parse_chords(" ".join(chord_lines), meter)
    text = " ".join(line for line in lines if not line.startswith("chords:"))
    words, end = _parse_words(text, pickup, meter)
    bars, rest = divmod(end, meter)
    if rest or not words:
        raise SongError(
            f"its notes end {rest:g} beats into a bar; fill the last bar with a rest _/"
        )
    if not chords or chords[-1].start + chords[-1].length != end:
        raise SongError(f"its chords do not cover its {bars:g} bars")
    return Section(
        name=name, tag=name.split()[0], pickup=pickup, bars=int(bars), chords=chords, words=words
    )


def _played_section(
    name: str, lines: list[str], sections: dict[str, Section], meter: int
) -> Section:
    match = _PLAY.match(lines[0]) if len(lines) == 1 else None
    if not match or match.group(1) not in sections:
        raise SongError("write one line 'play: verse 1 bars 1-8' that names a section above it")
    source = sections[match.group(1)]
    first, last = int(match.group(2)) - 1, int(match.group(3))
    if not 0 <= first < last <= source.bars:
        raise SongError(f"bars {first + 1}-{last} are not in {source.name} ({source.bars} bars)")
    start, end = first * meter, last * meter
    melody = tuple(
        Note(start=n.start - start, length=min(n.length, end - n.start), midi=n.midi)
        for n in source.notes
        if start <= n.start < end
    )
    chords = tuple(
        Chord(start=c.start - start, length=c.length, pitch_classes=c.pitch_classes)
        for c in source.chords
        if start <= c.start < end
    )
    return Section(
        name=name, tag=name.split()[0], pickup=0.0, bars=last - first, chords=chords, melody=melody
    )


def parse_song(text: str, key: str) -> Song:
    """Parse one song; raises SongError with one sentence naming the song, section and token."""
    meta: dict[str, str] = {}
    respelling: dict[str, str] = {}
    forms: list[tuple[str, ...]] = []
    blocks: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        line = line.split(" # ")[0].strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            blocks.append((line, []))
        elif blocks:
            blocks[-1][1].append(line)
        else:
            field, _, value = line.partition(":")
            if field == "form":
                forms.append(tuple(name.strip() for name in value.split(",")))
            elif field == "say":
                respelling = dict(pair.split("=", 1) for pair in value.split())
            elif field in _META_FIELDS:
                meta[field] = value.strip()
            else:
                raise SongError(f"{key}: unknown meta line {line!r}.")
    missing = [field for field in _META_FIELDS if field not in meta]
    if missing:
        raise SongError(f"{key}: the meta line {missing[0]!r} is missing.")
    try:
        bpm, meter = float(meta["bpm"]), int(meta["meter"])
    except ValueError as error:
        raise SongError(f"{key}: bpm and meter must be numbers: {error}.") from error
    sections: dict[str, Section] = {}
    for header, lines in blocks:
        match = _HEADER.match(header)
        if not match or match.group(1) not in SUNG_TAGS + PLAYED_TAGS:
            raise SongError(f"{key}: {header!r} is no section header such as [verse 1] pickup 1.")
        tag, name = match.group(1), match.group(1) + (match.group(2) or "")
        try:
            if tag in SUNG_TAGS:
                sections[name] = _sung_section(name, float(match.group(3) or 0), lines, meter)
            else:
                sections[name] = _played_section(name, lines, sections, meter)
        except ValueError as error:
            raise SongError(f"{key}: [{name}]: {error}.") from error
    return Song(
        key=key,
        title=meta["title"],
        language=meta["language"],
        split=meta["split"],
        source=meta["source"],
        public_domain=meta["public_domain"],
        licence=meta["licence"],
        bpm=bpm,
        meter=meter,
        respelling=respelling,
        forms=tuple(forms),
        sections=sections,
    )


@cache
def load_song(key: str) -> Song:
    """The song of `songs/KEY.txt`; SongError if there is none or it breaks the notation."""
    path = SONG_FOLDER / f"{key}.txt"
    if not path.is_file():
        raise SongError(f"There is no song {key!r}: {path} does not exist.")
    return parse_song(path.read_text(encoding="utf-8"), key)


@cache
def load_songs() -> tuple[Song, ...]:
    """Every song of the folder, by key."""
    return tuple(load_song(path.stem) for path in sorted(SONG_FOLDER.glob("*.txt")))
