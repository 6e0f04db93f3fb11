"""English sentences to ARPAbet, read as a singer would: contractions, slang, homographs."""

import re
import unicodedata
from functools import lru_cache

from songbloom.lyrics.g2p.english_numbers import expand_numbers
from songbloom.lyrics.g2p.homographs import natural_reading
from songbloom.lyrics.g2p.letters import check_latin, check_spoken
from songbloom.lyrics.g2p.pronunciation import cmu_dictionary, spell
from songbloom.lyrics.g2p.word_parts import compound_parts, letter_names, with_s

_WORD = re.compile(r"[A-Za-z']*[A-Za-z][A-Za-z']*")
_SIGNS = str.maketrans(
    {"&": " and ", "%": " percent ", "@": " at ", "+": " plus "}
    # Latin letters that are no letter with an accent.
    | {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ð": "th"}
    | {"þ": "th", "Þ": "Th", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ı": "i"}
)
_CLITICS = {
    "n't": ("AH0", "N", "T"),
    "'ve": ("AH0", "V"),
    "'ll": ("AH0", "L"),
    "'re": ("ER0",),
    "'d": ("D",),
    "'m": ("M",),
    "'em": ("AH0", "M"),
}
# Spoken forms that the dictionary lacks or reads as letters.
_SUNG = {
    "gonna": "G AA1 N AH0",
    "wanna": "W AA1 N AH0",
    "gotta": "G AA1 T AH0",
    "imma": "AY1 M AH0",
    "i'mma": "AY1 M AH0",
    "ya": "Y AH0",
    "yah": "Y AA1",
    "'til": "T IH1 L",
    "'tis": "T IH1 Z",
    "'twas": "T W AH1 Z",
    "o'er": "AO1 R",
    "e'er": "EH1 R",
    "ne'er": "N EH1 R",
    "e'en": "IY1 N",
    "mm": "M",
    "hmm": "HH M",
    "ooo": "UW1",
    "whoa": "W OW1",
    "woah": "W OW1",
    "'n'": "AH0 N",
    "'n": "AH0 N",
    "n'": "AH0 N",
}
_SHORTEST_PART = 3
_GLUED_DIGITS = re.compile(r"(?<=[A-Za-z])(?=\d)")
_FOREIGN = re.compile(r"[^ A-Za-z'\-]")
_STRETCHED = re.compile(r"([a-z])\1{2,}")


def natural_english(text: str) -> list[str]:
    """Phonemes of English text without pauses; signs that are no words stay silent.

    Raises LyricsError for a letter that is no Latin one.
    """
    text = expand_numbers(_GLUED_DIGITS.sub(" ", text.translate(_SIGNS)))
    text = unicodedata.normalize("NFD", text).translate(_SIGNS)  # once more: ǿ is ø and an accent
    check_latin(text)
    text = _FOREIGN.sub("", text)
    words = _WORD.findall(text)
    phonemes: list[str] = []
    after_the = False
    for position, word in enumerate(words):
        chosen = natural_reading(words, position)
        spoken = chosen.split() if chosen else _word(word)
        check_spoken(word, spoken)
        if after_the and spoken and spoken[0][-1].isdigit():  # `the` before a vowel
            phonemes[-1] = "IY0"
        phonemes += spoken
        after_the = word.lower() == "the"
    return phonemes


@lru_cache(maxsize=16384)
def _word(word: str) -> tuple[str, ...]:
    """A word's phonemes: listed, contracted, stretched, compound, spelt out or by the network."""
    lower = word.lower()
    if known := _known(lower):
        return known
    if lower.endswith("in'") and (known := _known(lower[:-1] + "g")):  # lovin'
        return (*known[:-1], "N")
    lower = lower.strip("'")
    if known := _known(lower):
        return known
    for clitic, phonemes in _CLITICS.items():
        if lower.endswith(clitic) and len(lower) > len(clitic):
            return (*_word(lower[: -len(clitic)]), *phonemes)
    if lower.endswith("'s"):
        return with_s(_word(lower[:-2]))
    for kept in (r"\1\1", r"\1"):  # looove, yeeeah
        short = _STRETCHED.sub(kept, lower)
        if short != lower and (known := _known(short)):
            return known
    bare = lower.replace("'", "")
    if len(bare) <= 3 and (word.isupper() or not set(bare) & set("aeiouy")):
        return letter_names(bare)
    parts = compound_parts(bare)
    if len(parts) > 1 and all(len(p) >= _SHORTEST_PART and p in cmu_dictionary() for p in parts):
        return tuple(phoneme for part in parts for phoneme in _word(part))
    return spell(bare)


def _known(word: str) -> tuple[str, ...]:
    """The dictionary's reading, or nothing."""
    return tuple((_SUNG.get(word) or cmu_dictionary().get(word, "")).split())
