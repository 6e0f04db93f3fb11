"""Lengths as people write them: `10s`, `1m30s`, `1分10秒`, `0:12`, `00:30 - 00:45`."""

import re
from dataclasses import dataclass

_LONGEST = 40  # characters of a length that stands alone
_LONGEST_CLOCK = 60.0  # beyond, 3:45 is rather the time at which a section begins
_SIGNS = " ()-:,;.=~"

_PLAIN = r"\d+(?:[.,]\d+)?"
_CHINESE = "[零一二两兩三四五六七八九十]{1,3}"
_MINUTES = rf"(?:{_PLAIN}\s*(?:minutes?|mins?|m|分[钟鐘]?)|(?:{_CHINESE}|半)\s*分[钟鐘])(?![a-z])"
_SECONDS = rf"(?:{_PLAIN}|{_CHINESE})\s*(?:seconds?|secs?|s|秒[钟鐘]?)(?![a-z])"
_BOTH = (
    rf"(?:{_PLAIN}\s*(?:minutes?|mins?|m|分[钟鐘]?)|{_CHINESE}\s*分[钟鐘]?)\s*(?:and|,|&|零)?\s*"
    rf"(?:{_SECONDS}|(?<=[mn])\d\d(?![\d:.,a-z])|(?<=[m分ns] )\d\d(?![\d:.,a-z])"
    r"|(?<=分)\d\d?(?![\d:.,a-z])|(?<=分)半)"
)
_THOUSANDTHS = rf"{_PLAIN}\s*(?:milliseconds?|msecs?|ms|毫秒)(?![a-z])"
_CLOCK = r"\d{1,2}:[0-5]\d(?:[.,]\d+)?(?![\d:])"
_ONE = rf"(?:{_CLOCK}|{_BOTH}|{_THOUSANDTHS}|{_MINUTES}|{_SECONDS})"
_LENGTH = re.compile(
    r"(?<!\d)(?<!\d[.,:])(?:"
    rf"(?P<first>{_ONE}|\d+(?=-\d+\s*(?:s|秒)))\s*(?:-|~|to|至|到)\s*(?P<last>{_ONE})"
    rf"|(?P<clock>{_CLOCK})(?!\s*(?:min|分))"
    rf"|(?P<timed>{_CLOCK})\s*(?:minutes?|mins?|分[钟鐘]?)(?![a-z])"
    rf"|(?P<one>{_ONE})"
    r"|(?P<unread>\d+(?::\d+)+(?:[.,]\d+)?))"
)
_PART = re.compile(rf"(?P<number>{_PLAIN}|{_CHINESE}|半)\s*(?P<unit>[a-z]+|毫秒|[分秒][钟鐘]?)?")
_CHINESE_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "兩": 2}


@dataclass(frozen=True)
class Length:
    """The length that a text gives.

    Attributes:
        seconds: the length, or nothing.
        unread: what looks like a length or a time, but was not taken as one.
        rest: the text without both.
    """

    seconds: float | None
    unread: tuple[str, ...]
    rest: str


def take_length(text: str) -> Length:
    """The first length in a lower-case text; a range, as `0:30 - 0:45`, is as long as it spans.

    A lone `m:ss` beyond a minute is no length, since it mostly says when a section begins.
    """
    seconds: float | None = None
    unread: list[str] = []
    kept: list[str] = []
    place = 0
    for match in _LENGTH.finditer(text):
        found = _seconds(match)
        if found is None or seconds is not None:
            unread.append(match[0].strip())
        else:
            seconds = found
        kept.append(text[place : match.start()])
        place = match.end()
    return Length(seconds, tuple(unread), " ".join([*kept, text[place:]]))


def bare_length(text: str) -> Length | None:
    """The length that a text is, or the times that it is; nothing if it says something else."""
    if len(text) > _LONGEST:
        return None
    length = take_length(text.lower())
    said = length.seconds is not None or length.unread
    return length if said and not length.rest.strip(_SIGNS) else None


def _seconds(match: re.Match[str]) -> float | None:
    if match["last"]:
        length = round(_read(match["last"]) - _read(match["first"]), 3)
        return length if length > 0 else None
    if match["clock"]:
        length = _read(match["clock"])
        return length if length <= _LONGEST_CLOCK else None
    if match["unread"]:
        return None
    return _read(match["timed"] or match["one"])


def _read(text: str) -> float:
    """Seconds of one length: a clock's, or the sum of its parts."""
    if ":" in text:
        minutes, rest = text.split(":")
        return round(60.0 * int(minutes) + float(rest.replace(",", ".")), 3)
    total, scale = 0.0, 1.0
    for part in _PART.finditer(text):
        unit = part["unit"] or ""
        if unit.startswith(("ms", "milli", "毫")):
            scale = 1e-3
        elif unit.startswith(("m", "分")):
            scale = 60.0
        elif not (part["number"] == "半" and scale == 60.0):  # the half of 一分半 is a minute's
            scale = 1.0
        total += _number(part["number"]) * scale
    return round(total, 3)


def _number(text: str) -> float:
    """A number with a decimal comma or period, one with thousands parted, or a Chinese one."""
    if text == "半":
        return 0.5
    if text[0].isdecimal():
        thousands = re.fullmatch(r"\d{1,3},\d{3}", text)
        return float(text.replace(",", "" if thousands else "."))
    total, digit = 0, 0
    for character in text:
        if character == "十":
            total, digit = total + 10 * (digit or 1), 0
        else:
            digit = _CHINESE_DIGITS[character]
    return float(total + digit)
