"""Lyrics: section tags, structure, grapheme to phoneme, the phoneme vocabulary. No torch."""

from songbloom.lyrics.phonemes import Mode, phonemize, phonemize_line
from songbloom.lyrics.sections import SECTION_TAGS, LyricsError
from songbloom.lyrics.structure import Lyrics, Section, parse_lyrics
from songbloom.lyrics.vocabulary import LyricIds, UnknownPhonemeError, Vocabulary, VocabularyError

__all__ = [
    "SECTION_TAGS",
    "LyricIds",
    "Lyrics",
    "LyricsError",
    "Mode",
    "Section",
    "UnknownPhonemeError",
    "Vocabulary",
    "VocabularyError",
    "parse_lyrics",
    "phonemize",
    "phonemize_line",
]
