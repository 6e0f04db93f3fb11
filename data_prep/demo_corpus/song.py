"""What a song is: its sections of sung words or played melody, its chords, and its forms."""

from dataclasses import dataclass
from itertools import pairwise

from songbloom.errors import SongBloomError

SUNG_TAGS = ("verse", "chorus", "bridge")
PLAYED_TAGS = ("intro", "inst", "outro")
LANGUAGES = ("en", "zh")
SPLITS = ("train", "test")


class SongError(SongBloomError):
    """A song file that does not follow the notation; names the file and the token."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """A pitch (MIDI number, untransposed) from `start` for `length`, in beats of its section."""

    start: float
    length: float
    midi: int

    def __post_init__(self) -> None:
        """A note has a length."""
        if self.length <= 0:
            raise SongError(f"a note's length must be positive, not {self.length:g}")

    @property
    def end(self) -> float:
        """The beat at which the note stops."""
        return self.start + self.length


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word of the lyric (in Mandarin a character); one tuple of notes per syllable."""

    text: str
    syllables: tuple[tuple[Note, ...], ...]
    ends_sentence: bool = False


@dataclass(frozen=True, kw_only=True)
class Chord:
    """Pitch classes of one harmony, root first, from `start` for `length` beats."""

    start: float
    length: float
    pitch_classes: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a song; beats count from its first downbeat, so a pickup has negative beats.

    Sung sections have words and no melody, played ones a melody and no words.
    """

    name: str
    tag: str
    pickup: float
    bars: int
    chords: tuple[Chord, ...]
    words: tuple[Word, ...] = ()
    melody: tuple[Note, ...] = ()

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of the words, or else of the melody."""
        sung = (note for word in self.words for syllable in word.syllables for note in syllable)
        return tuple(sung) or self.melody

    @property
    def sentences(self) -> tuple[tuple[str, ...], ...]:
        """The words, sentence by sentence."""
        sentences: list[list[str]] = [[]]
        for word in self.words:
            sentences[-1].append(word.text)
            if word.ends_sentence:
                sentences.append([])
        return tuple(tuple(sentence) for sentence in sentences if sentence)


@dataclass(frozen=True, kw_only=True)
class Song:
    """One song file: what it is, its sections by name, and the orders they may be sung in."""

    key: str
    title: str
    language: str
    split: str
    source: str
    public_domain: str
    licence: str
    bpm: float
    meter: int
    respelling: dict[str, str]
    forms: tuple[tuple[str, ...], ...]
    sections: dict[str, Section]

    def __post_init__(self) -> None:
        """Check the fields that are choices or numbers."""
        if self.language not in LANGUAGES:
            raise SongError(f"{self.key}: language must be one of {LANGUAGES}: {self.language!r}.")
        if self.split not in SPLITS:
            raise SongError(f"{self.key}: split must be one of {SPLITS}, not {self.split!r}.")
        if not 40 <= self.bpm <= 220:
            raise SongError(f"{self.key}: bpm must lie between 40 and 220, not {self.bpm}.")
        if self.meter not in (2, 3, 4):
            raise SongError(f"{self.key}: meter must be 2, 3 or 4 beats a bar, not {self.meter}.")
        if not self.forms:
            raise SongError(f"{self.key}: add at least one line 'form: ...' naming its sections.")
        for form in self.forms:
            self._check_form(form)

    def _check_form(self, form: tuple[str, ...]) -> None:
        """Every section exists, and leaves room for the pickup of the one that follows it."""
        for name in form:
            if name not in self.sections:
                raise SongError(f"{self.key}: the form names {name!r}, which is no section.")
        for name, following in pairwise(form):
            section = self.sections[name]
            room = section.bars * self.meter - self.sections[following].pickup
            if section.words and section.notes[-1].start >= room:
                raise SongError(
                    f"{self.key}: the last note of [{name}] is lost in the pickup of [{following}]."
                )

    def spoken(self, word: str) -> str:
        """How a word is spelt for the speech synthesiser, which may misread it when alone."""
        return self.respelling.get(word, word)
