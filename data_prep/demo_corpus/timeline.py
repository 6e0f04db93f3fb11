"""Puts the sections of a form on one beat grid and the sung words on the clock."""

from dataclasses import dataclass

from data_prep.demo_corpus.song import Section, Song
from data_prep.demo_corpus.variant import LEAD_IN_SECONDS, TAIL_SECONDS, Variant
from data_prep.demo_corpus.voice import SungNote, SungWord

_BREATH_SECONDS = 0.15
_MAX_BREATH_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class PlacedSection:
    """A section whose first downbeat is song beat `downbeat`, sounding from `start` to `end`.

    The pickup of the next section takes its beats from the end of this one.
    """

    section: Section
    downbeat: float
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The placed sections of one performance; beats are counted from the song's first sound."""

    song: Song
    variant: Variant
    placed: tuple[PlacedSection, ...]

    @property
    def beat_seconds(self) -> float:
        """Length of a beat."""
        return 60 / self.variant.bpm

    @property
    def duration(self) -> float:
        """Seconds of the whole rendition, lead-in and tail included."""
        return self.seconds(self.placed[-1].end) + TAIL_SECONDS

    def seconds(self, beat: float) -> float:
        """When a song beat sounds."""
        return LEAD_IN_SECONDS + beat * self.beat_seconds


def build_timeline(song: Song, variant: Variant) -> Timeline:
    """Place the sections of the variant's form one after another."""
    sections = [song.sections[name] for name in variant.form]
    downbeat = sections[0].pickup
    placed = []
    for section, following in zip(sections, [*sections[1:], None], strict=True):
        after = downbeat + section.bars * song.meter
        placed.append(
            PlacedSection(
                section=section,
                downbeat=downbeat,
                start=downbeat - section.pickup,
                end=after - (following.pickup if following else 0.0),
            )
        )
        downbeat = after
    return Timeline(song=song, variant=variant, placed=tuple(placed))


def sung_words(timeline: Timeline) -> list[tuple[int, SungWord]]:
    """Every sung word, transposed and in seconds, with the index of its placed section.

    The words are spelt as the synthesiser speaks them.
    A sentence's last note gives up a little of its length for a breath.
    """
    words = []
    for index, placed in enumerate(timeline.placed):
        for word in placed.section.words:
            syllables = []
            for notes in word.syllables:
                sung = []
                for note in notes:
                    start = placed.downbeat + note.start
                    length = (min(start + note.length, placed.end) - start) * timeline.beat_seconds
                    if word.ends_sentence and note == word.syllables[-1][-1]:
                        length -= min(_BREATH_SECONDS, _MAX_BREATH_SHARE * length)
                    midi = note.midi + timeline.variant.transposition
                    sung.append(SungNote(start=timeline.seconds(start), length=length, midi=midi))
                syllables.append(tuple(sung))
            spoken = timeline.song.spoken(word.text)
            words.append((index, SungWord(text=spoken, syllables=tuple(syllables))))
    return words
