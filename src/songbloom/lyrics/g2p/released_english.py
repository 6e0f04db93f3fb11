"""English text to ARPAbet as the front end of the released models reads it, faults included."""

import re
import unicodedata
from functools import lru_cache

from songbloom.lyrics.g2p.english_numbers import expand_numbers
from songbloom.lyrics.g2p.homographs import released_reading
from songbloom.lyrics.g2p.letters import check_latin, check_spoken
from songbloom.lyrics.g2p.pronunciation import cmu_dictionary, spell
from songbloom.lyrics.g2p.word_parts import compound_parts, letter_names, with_s

# A word of three or more letters may hold apostrophes and hyphens; shorter ones stand without.
_TOKEN = re.compile(r"[A-Za-z][A-Za-z'\-]+[A-Za-z]|[A-Za-z]+|\S")
_FOREIGN = re.compile(r"[^ A-Za-z'.,?!\-]")
_QUOTES = str.maketrans({";": ",", ":": ",", '"': "'", "’": "'"})
# Abbreviations whose dictionary reading as a word is discarded: they are spelt out.
_SPELT_OUT = frozenset({"ae", "ai", "ar", "ios", "hud", "os"})


def released_english(text: str) -> list[str]:
    """Phonemes of text without `, . ! ? … -`.

    An apostrophe outside a word becomes the symbol `-`, a capital A alone reads as the letter,
    unknown words of up to three letters are spelt out, longer ones are cut into known words.
    Raises LyricsError for a letter that is neither A to Z nor such a letter with an accent.
    """
    text = unicodedata.normalize("NFD", expand_numbers(text.translate(_QUOTES)))
    check_latin(text)
    words = _TOKEN.findall(_FOREIGN.sub("", text))
    phonemes: list[str] = []
    for position, word in enumerate(words):
        if not word[0].isalpha():
            phonemes.append("-" if word == "'" else word)
        elif word == "A":
            phonemes.append("EY1")
        elif len(word) == 1:
            phonemes += cmu_dictionary()[word.lower()].split()
        else:
            chosen = released_reading(words, position)
            spoken = chosen.split() if chosen else _word(word.lower())
            check_spoken(word, spoken)
            phonemes += spoken
    return phonemes


@lru_cache(maxsize=16384)
def _word(word: str) -> tuple[str, ...]:
    if len(word) > 1 and word in cmu_dictionary() and word not in _SPELT_OUT:
        return tuple(cmu_dictionary()[word].split())
    if len(word) <= 3:
        return letter_names(word)
    if re.fullmatch(r"[a-z]+'s", word):
        return with_s(_word(word[:-2]))
    parts = compound_parts(word)
    if len(parts) == 1:
        return spell(word)
    return tuple(phoneme for part in parts for phoneme in _word(part))
