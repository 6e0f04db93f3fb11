"""Mandarin text to initials and finals with tone, in the symbols of the released vocabulary."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from songbloom.lyrics.g2p.chinese_words import cut_with_tags, split_word
from songbloom.lyrics.g2p.tone_sandhi import change_tones, merge_tokens
from songbloom.lyrics.sections import LyricsError

Syllable = tuple[str, str]

_LONGEST_RUN = 2000  # a character takes up to a millisecond, as parts of speech go

_TONES = frozenset("12345")
# Spelling after a consonant, and after none (where y or w stands for the glide).
_CONTRACTED = {"uei": "ui", "iou": "iu", "uen": "un"}
_WITH_GLIDE = {"ie": "y E", "ian": "y En", "i": "y i", "in": "y in", "ing": "y ing", "u": "w u"}
_SIBILANTS = {"zh": "ir", "ch": "ir", "sh": "ir", "r": "ir", "z": "i0", "c": "i0", "s": "i0"}
# Interjections that pypinyin reads without a vowel, or with one that the symbols lack.
_SUBSTITUTES = str.maketrans("嗯呣诶欸", "恩母唉唉")


def released_mandarin(text: str) -> list[str]:
    """Phonemes of a run of Chinese characters, each word read without its sentence."""
    return _phonemes(_simplified(text), lambda _, word: _syllables(word))


def natural_mandarin(text: str) -> list[str]:
    """Phonemes of a run of Chinese characters, with readings chosen in the whole run."""
    text = _simplified(text)
    syllables = _syllables(text)
    return _phonemes(text, lambda start, word: syllables[start : start + len(word)])


def _simplified(text: str) -> str:
    """Traditional characters as simplified ones, which the dictionaries know better.

    Raises LyricsError for a run too long to be a line.
    """
    if len(text) > _LONGEST_RUN:
        raise LyricsError(
            f"The lyrics hold {len(text)} characters without a break, {text[:10]}…; part them into "
            f"lines of at most {_LONGEST_RUN}."
        )
    return _converter().convert(text.translate(_SUBSTITUTES))


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def _phonemes(text: str, syllables_of: Callable[[int, str], tuple[Syllable, ...]]) -> list[str]:
    """Phonemes with tones changed as in speech; `syllables_of(start, word)` reads a word."""

    def finals_of(start: int, word: str) -> list[str]:
        return [final for _, final in syllables_of(start, word)]

    phonemes: list[str] = []
    start = 0
    for token in merge_tokens(cut_with_tags(text), finals_of):
        word = token[0]
        finals = change_tones(token, finals_of(start, word), split_word)
        for (initial, _), final in zip(syllables_of(start, word), finals, strict=True):
            phonemes += _symbols(initial, final)
        start += len(word)
    return phonemes


@lru_cache(maxsize=16384)
def _syllables(text: str) -> tuple[Syllable, ...]:
    """Initial and final with tone of each character, as pypinyin reads the text.

    Raises LyricsError for a character without a known reading.
    """
    from pypinyin import Style, lazy_pinyin

    initials = lazy_pinyin(text, style=Style.INITIALS, neutral_tone_with_five=True)
    finals = lazy_pinyin(text, style=Style.FINALS_TONE3, neutral_tone_with_five=True)
    unread = [c for c, final in zip(text, finals, strict=False) if final[-1:] not in _TONES]
    if unread or len(finals) != len(text):
        raise LyricsError(
            f"No Mandarin reading is known for {''.join(unread) or text!r}; "
            "write another character with the same sound."
        )
    return tuple(zip(initials, finals, strict=True))


def _symbols(initial: str, final_with_tone: str) -> tuple[str, str]:
    """The two symbols of a syllable, given by pypinyin's initial and final with tone."""
    final, tone = final_with_tone[:-1], final_with_tone[-1]
    if initial:
        if final == "i":
            final = _SIBILANTS.get(initial, "i")
        return initial, _CONTRACTED.get(final, final) + tone
    if final in _WITH_GLIDE:
        onset, rest = _WITH_GLIDE[final].split()
    elif final[0] == "v":
        onset, rest = "y", final
    elif final[0] in "iu":
        onset, rest = ("y" if final[0] == "i" else "w"), final[1:]
    else:  # a bare vowel: the released symbols double its letter as the onset
        onset, rest = final[0].upper() * 2, final
    return onset, rest + tone
