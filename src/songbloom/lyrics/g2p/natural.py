"""Sentences of English, Mandarin or both to phonemes, read as whole sentences."""

import re

from songbloom.lyrics.g2p.english import natural_english
from songbloom.lyrics.g2p.letters import check_spoken
from songbloom.lyrics.g2p.mandarin import natural_mandarin

_HANZI = "\u3400-\u4dbf\u4e00-\u9fff"
_RUN = re.compile(rf"(?<!\d)[,;:]|[,;:](?!\d)|[{_HANZI}]+|(?:(?![,;:](?!\d))[^{_HANZI}])+")
# Digits that touch Chinese characters are read in Mandarin, a year digit by digit.
_YEAR = re.compile(r"(?<!\d)\d{4}(?=\s*年)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MOST_DIGITS = 15
_NUMBER = re.compile(
    rf"(?<![A-Za-z\d.])\d+(?:\.\d+)?(?=\s*[{_HANZI}])|(?<=[{_HANZI}])\d+(?:\.\d+)?"
)
_PAIR = re.compile(r"(?<![\d.第])2(?=\s*[个点次天只条张片颗滴双件位种座遍句杯段首行])")


def natural_sentence(text: str) -> list[str]:
    """Phonemes of a sentence; commas stay as pauses between words, never at its ends."""
    phonemes: list[str] = []
    for run in _RUN.findall(_chinese_numbers(text)):
        if run in ",;:":
            if phonemes and phonemes[-1] != ",":
                phonemes.append(",")
        elif re.match(f"[{_HANZI}]", run):
            phonemes += natural_mandarin(run)
        else:
            spoken = natural_english(run)
            check_spoken(run, spoken)
            phonemes += spoken
    return phonemes[:-1] if phonemes and phonemes[-1] == "," else phonemes


def _chinese_numbers(text: str) -> str:
    """Numbers beside Chinese characters written in Chinese."""
    if not re.search(rf"[{_HANZI}]", text) or not re.search(r"\d", text):
        return text
    import cn2an

    def written(match: re.Match[str]) -> str:
        by_digit = match.re is _YEAR or len(match[0]) > _MOST_DIGITS
        return cn2an.an2cn(match[0], "direct" if by_digit else "low")

    text = _YEAR.sub(written, _THOUSANDS.sub("", text))
    return _NUMBER.sub(written, _PAIR.sub("两", text))
