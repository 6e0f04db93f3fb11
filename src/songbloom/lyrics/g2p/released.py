"""Text to phonemes as the published inference of the released models converts it."""

import re

from songbloom.lyrics.g2p.letters import check_spoken
from songbloom.lyrics.g2p.mandarin import released_mandarin
from songbloom.lyrics.g2p.released_english import released_english

_PUNCTUATION = {
    "...": "…",
    **dict.fromkeys("：；，·、/", ","),
    **dict.fromkeys("。\n$", "."),
    **dict.fromkeys("~～", "…"),
    "！": "!",
    "？": "?",
    "—": "-",
}
_MARK = re.compile("|".join(map(re.escape, _PUNCTUATION)))
_RUN = re.compile(r"[,.!?…\-]|[一-龥]+|[^,.!?…\-一-龥]+")


def released_text(text: str) -> list[str]:
    """Phonemes of a text, each run of one script converted by itself; punctuation stays."""
    phonemes: list[str] = []
    for run in _RUN.findall(_MARK.sub(lambda match: _PUNCTUATION[match[0]], text)):
        if run in ",.!?…-":
            phonemes.append(run)
        elif "一" <= run[0] <= "龥":
            phonemes += released_mandarin(run)
        else:
            spoken = released_english(run)
            check_spoken(run, spoken)
            phonemes += spoken
    return phonemes


def released_lyrics(text: str, symbols: frozenset[str]) -> str:
    """A canonical lyric as phoneme text: split on spaces, each piece converted alone.

    A piece that is among `symbols` (tags and phonemes) stays as it is, so the words `a`, `I`,
    `by` and `my` become the phoneme symbols that are spelt like them.
    """
    return " ".join(
        piece if not piece or piece in symbols else " ".join(released_text(piece))
        for piece in text.split(" ")
    )
