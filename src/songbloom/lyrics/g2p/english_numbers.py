"""Digits in English text as words."""

import re

_COMMAS = re.compile(r"(?<=\d),(?=\d)")
_POUNDS = re.compile(r"£(\d+)")
_DOLLARS = re.compile(r"\$(\d+)(?:\.(\d\d))?")
_DECIMAL = re.compile(r"(\d+)\.(\d+)")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_LONG = re.compile(r"\d{16,}")  # beyond trillions: digit by digit


def number_words(number: int) -> str:
    """A cardinal in words; 1001 to 2999 are read in pairs, as years are."""
    from num2words import num2words

    if not 1000 < number < 3000 or number == 2000:
        return num2words(number).replace(" and ", " ")
    if 2000 < number < 2010:
        return f"two thousand {num2words(number % 100)}"
    if number % 100 == 0:
        return f"{num2words(number // 100)} hundred"
    high, low = divmod(number, 100)
    return f"{num2words(high)} {'oh ' if low < 10 else ''}{num2words(low)}"


def expand_numbers(text: str) -> str:
    """Every number of a text in words: cardinals, ordinals, decimals, dollars and pounds."""
    from num2words import num2words

    text = _COMMAS.sub("", text)
    text = _LONG.sub(lambda m: " ".join(m[0]), text)
    text = _POUNDS.sub(r"\1 pounds", text)
    text = _DOLLARS.sub(_dollars, text)
    text = _DECIMAL.sub(lambda m: f"{m[1]} point {' '.join(m[2])}", text)
    text = _ORDINAL.sub(lambda m: str(num2words(int(m[1]), to="ordinal")), text)
    return _NUMBER.sub(lambda m: number_words(int(m[0])), text)


def _dollars(match: re.Match[str]) -> str:
    dollars, cents = int(match[1]), int(match[2] or 0)
    parts = [
        f"{amount} {unit}{'' if amount == 1 else 's'}"
        for amount, unit in ((dollars, "dollar"), (cents, "cent"))
        if amount or (unit == "dollar" and not cents)
    ]
    return " ".join(parts)
