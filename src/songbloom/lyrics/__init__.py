"""Lyrics: section tags, structure, grapheme to phoneme, the phoneme vocabulary. No torch."""

from songbloom.lyrics.phonemes import Mode, phonemize, phonemize_line
from songbloom.lyrics.reading.changes import Change, Position
from songbloom.lyrics.reading.reader import LyricsReading, parse_lyrics, read_lyrics
from songbloom.lyrics.reading.sentences import split_sentences
from songbloom.lyrics.sections import SECTION_TAGS, LyricsError
from songbloom.lyrics.structure import Lyrics, Section
from songbloom.lyrics.vocabulary import LyricIds, UnknownPhonemeError, Vocabulary, VocabularyError

__all__ = [
    "SECTION_TAGS",
    "Change",
    "LyricIds",
    "Lyrics",
    "LyricsError",
    "LyricsReading",
    "Mode",
    "Position",
    "Section",
    "UnknownPhonemeError",
    "Vocabulary",
    "VocabularyError",
    "parse_lyrics",
    "phonemize",
    "phonemize_line",
    "read_lyrics",
    "split_sentences",
]
