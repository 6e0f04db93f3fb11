"""One kind of line end, space, quote, bracket, comma and digit for each that is pasted."""

import unicodedata
from functools import lru_cache

from songbloom.lyrics.reading.changes import Notes
from songbloom.lyrics.reading.traced import Traced

_FULL_WIDTH = "full-width punctuation replaced"
_LETTERS = "letters and digits of another width or style replaced"
_QUOTES = "typographic quotes replaced"
_DASHES = "typographic dashes replaced"
_ELLIPSES = "ellipses read as the end of a sentence"
_SYMBOL = "symbol"
_SHOWN_SYMBOLS = 8

# What stands for a character, and how a change is told; "" for those that nobody misses.
_REPLACED: dict[str, tuple[str, str]] = {
    **{sign: (plain, _FULL_WIDTH) for sign, plain in zip("。｡、【】〔〕", "..,[][]", strict=True)},
    **dict.fromkeys("‘’‚‛ʼʻ`´′", ("'", _QUOTES)),
    **dict.fromkeys("“”„‟″«»「」『』｢｣《》〈〉", ('"', _QUOTES)),
    **dict.fromkeys("‐‑‒–−", ("-", _DASHES)),
    **dict.fromkeys("—―", (" ", _DASHES)),
    **dict.fromkeys("…⋯", (".", _ELLIPSES)),
    **dict.fromkeys("\r\v\f\x85\u2028\u2029", ("\n", "")),
    "〇": ("零", ""),
    "×": ("×", ""),  # read as "times" behind a heading or a line
}


def normalise(text: str, notes: Notes) -> Traced:
    """The text with plain punctuation; what was replaced or removed is noted, kind by kind."""
    parts: list[str] = []
    origins: list[int] = []
    symbols: dict[str, None] = {}
    first_symbol, num_symbols = 0, 0
    for index, character in enumerate(text):
        if character == "\r" and text[index + 1 : index + 2] == "\n":
            continue
        plain, kind = _plain(character)
        if kind == _SYMBOL:
            first_symbol = index if not symbols else first_symbol
            num_symbols += 1
            symbols[character] = None
        elif kind:
            notes.count(index, kind)
        parts.append(plain)
        origins += [index] * len(plain)
    if symbols:
        shown = " ".join(list(symbols)[:_SHOWN_SYMBOLS])
        more = " …" if len(symbols) > _SHOWN_SYMBOLS else ""
        notes.add(first_symbol, f"symbols removed, {num_symbols} in all: {shown}{more}")
    return Traced("".join(parts), [*origins, len(text)])


@lru_cache(maxsize=8192)
def _plain(character: str) -> tuple[str, str]:
    """What stands for a character, and the kind of change that this is, if one is told."""
    if character in _REPLACED:
        return _REPLACED[character]
    if character == "\n" or " " <= character <= "~":
        return character, ""
    if "！" <= character <= "～":
        plain = chr(ord(character) - 0xFEE0)
        return plain, _LETTERS if plain.isalnum() else _FULL_WIDTH
    category = unicodedata.category(character)
    if category == "Zs" or character == "\t":
        return " ", ""
    if category in ("Cc", "Cf") or "\ufe00" <= character <= "\ufe0f":  # nothing to be seen
        return "", ""
    if category in ("So", "Sk", "Sm", "Co", "Cn", "Cs"):
        return " ", _SYMBOL  # a space, for words may stand close on both sides
    compatible = unicodedata.normalize("NFKC", character)
    if compatible.isascii() and compatible.isalnum():  # ligatures, letters in circles
        return compatible, _LETTERS
    return character, ""
