"""Tone changes of connected Mandarin: 不, 一, neutral tones and runs of third tones.

The rules and their order are those of the front end that the released models were trained on,
a word-by-word scheme (PaddleSpeech's), stated anew. A token is a word with its part of speech
(jieba's tags); finals are pinyin finals that end in the tone's digit.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate

from songbloom.lyrics.g2p.assets import asset

Token = tuple[str, str]
Finals = list[str]

_PARTICLES = "吧呢哈啊呐噻嘛吖嗨哦哒额滴哩哟喽啰耶喔诶的地得"
_BEFORE_GE = "几有两半多各整每做是"
_BEFORE_DIRECTION = "上下进出回过起开"
# Compounds whose second syllable keeps its tone though the rules would weaken it.
_FULL_TONE = frozenset(
    ["男子", "女子", "分子", "原子", "量子", "莲子", "石子", "瓜子", "电子", "人人", "虎虎"]
)


@lru_cache(maxsize=1)
def _neutral_tone_words() -> frozenset[str]:
    """Words whose last syllable is always neutral."""
    return frozenset(asset("neutral_tone_words.txt").read_text(encoding="utf-8").split())


def merge_tokens(
    tokens: Sequence[Token], finals_of: Callable[[int, str], Sequence[str]]
) -> list[Token]:
    """Join tokens across which a tone changes, so that each change happens inside one token.

    `finals_of(start, word)` gives the finals of a word that starts at a position of the text.
    """
    merged = _merge_yi(_merge_bu(tokens))
    merged = _merge_pairs(merged, lambda left, right: left == right)
    for both_whole in (True, False):
        merged = _merge_third_tones(merged, finals_of, both_whole)
    return _merge_pairs(merged, lambda _, right: right == "儿")


def change_tones(
    token: Token, finals: Sequence[str], split: Callable[[str], tuple[str, str]]
) -> Finals:
    """The finals of a token as they are spoken; `split` parts a word into its two main pieces."""
    word, part_of_speech = token
    finals = _neutralise(word, part_of_speech, _yi(word, _bu(word, list(finals))), split)
    return _third_tones(word, finals, split)


def _tone(final: str, tone: str) -> str:
    return final[:-1] + tone


def _all_third(finals: Sequence[str]) -> bool:
    return all(final[-1] == "3" for final in finals)


def _bu(word: str, finals: Finals) -> Finals:
    """不 is neutral inside 看不懂, second before a fourth tone."""
    if len(word) == 3 and word[1] == "不":
        finals[1] = _tone(finals[1], "5")
        return finals
    for i, letter in enumerate(word[:-1]):
        if letter == "不" and finals[i + 1][-1] == "4":
            finals[i] = _tone(finals[i], "2")
    return finals


def _yi(word: str, finals: Finals) -> Finals:
    """一 is neutral inside 看一看, first in numbers and ordinals, else second or fourth."""
    if "一" not in word or all(letter.isnumeric() for letter in word):
        return finals
    if len(word) == 3 and word[1] == "一" and word[0] == word[2]:
        finals[1] = _tone(finals[1], "5")
    elif word.startswith("第一"):
        finals[1] = _tone(finals[1], "1")
    else:
        for i, letter in enumerate(word[:-1]):
            if letter == "一":
                finals[i] = _tone(finals[i], "2" if finals[i + 1][-1] == "4" else "4")
    return finals


def _neutralise(
    word: str, part_of_speech: str, finals: Finals, split: Callable[[str], tuple[str, str]]
) -> Finals:
    """Neutral tones of reduplications, particles, suffixes, 个 and the listed words."""
    if part_of_speech[0] in "nva" and word not in _FULL_TONE:
        for i in range(1, len(word)):
            if word[i] == word[i - 1]:
                finals[i] = _tone(finals[i], "5")
    last = word[-1]
    ge = word.find("个")
    if (
        last in _PARTICLES
        or (word in ("了", "着", "过") and part_of_speech in ("ul", "uz", "ug"))
        or (
            len(word) > 1
            and (
                (last in "们子" and part_of_speech in ("r", "n") and word not in _FULL_TONE)
                or (last in "上下里" and part_of_speech in ("s", "l", "f"))
                or (last in "来去" and word[-2] in _BEFORE_DIRECTION)
            )
        )
    ):
        finals[-1] = _tone(finals[-1], "5")
    elif word == "个" or (ge >= 1 and (word[ge - 1].isnumeric() or word[ge - 1] in _BEFORE_GE)):
        finals[ge] = _tone(finals[ge], "5")
    elif word[-2:] in _neutral_tone_words():
        finals[-1] = _tone(finals[-1], "5")
    end = 0
    for piece in split(word):
        end += len(piece)
        if piece[-2:] in _neutral_tone_words():
            finals[end - 1] = _tone(finals[end - 1], "5")
    return finals


def _third_tones(word: str, finals: Finals, split: Callable[[str], tuple[str, str]]) -> Finals:
    """A third tone before another becomes second, grouped as the word is built."""
    if len(word) == 2 and _all_third(finals):
        finals[0] = _tone(finals[0], "2")
    elif len(word) == 3:
        cut = len(split(word)[0])
        if _all_third(finals):
            if cut == 2:
                finals[0] = _tone(finals[0], "2")
            if cut in (1, 2):
                finals[1] = _tone(finals[1], "2")
        else:
            for start, piece in ((0, finals[:cut]), (cut, finals[cut:])):
                if len(piece) == 2 and _all_third(piece):
                    finals[start] = _tone(finals[start], "2")
                elif (
                    start
                    and not _all_third(piece)
                    and finals[start][-1] == finals[start - 1][-1] == "3"
                ):
                    finals[start - 1] = _tone(finals[start - 1], "2")
    elif len(word) == 4:
        for start in (0, 2):
            if _all_third(finals[start : start + 2]):
                finals[start] = _tone(finals[start], "2")
    return finals


def _merge_bu(tokens: Sequence[Token]) -> list[Token]:
    """不 joins the word behind it."""
    merged: list[Token] = []
    pending = ""
    for word, part_of_speech in tokens:
        word, pending = pending + word, ""
        if word == "不":
            pending = word
        else:
            merged.append((word, part_of_speech))
    return [*merged, ("不", "d")] if pending else merged


def _merge_yi(tokens: Sequence[Token]) -> list[Token]:
    """听 一 听 becomes one token; any other lone 一 joins the word behind it."""
    merged: list[Token] = []
    i = 0
    while i < len(tokens):
        word, part_of_speech = tokens[i]
        following = tokens[i + 1][0] if i + 1 < len(tokens) else ""
        if word == "一" and merged and tokens[i - 1] == (following, "v"):
            merged[-1] = (merged[-1][0] + "一" + following, merged[-1][1])
            i += 2
            continue
        merged.append((word, part_of_speech))
        i += 1
    return _merge_pairs(merged, lambda left, _: left == "一")


def _merge_third_tones(
    tokens: list[Token], finals_of: Callable[[int, str], Sequence[str]], both_whole: bool
) -> list[Token]:
    """Join two short words that are third-tone throughout, or (not both_whole) where they meet."""
    starts = accumulate((len(word) for word, _ in tokens), initial=0)
    finals = [finals_of(start, word) for start, (word, _) in zip(starts, tokens, strict=False)]
    merged: list[Token] = []
    joined = False
    for i, (word, part_of_speech) in enumerate(tokens):
        meets = i > 0 and (
            _all_third(finals[i - 1]) and _all_third(finals[i])
            if both_whole
            else finals[i - 1][-1][-1] == "3" and finals[i][0][-1] == "3"
        )
        before = tokens[i - 1][0] if i else ""
        reduplicated = len(before) == 2 and before[0] == before[1]
        joined = meets and not joined and not reduplicated and len(before) + len(word) <= 3
        if joined:
            merged[-1] = (merged[-1][0] + word, merged[-1][1])
        else:
            merged.append((word, part_of_speech))
    return merged


def _merge_pairs(tokens: list[Token], belongs: Callable[[str, str], bool]) -> list[Token]:
    """Join each token to the one before it, as joined so far, where the two belong together."""
    merged: list[Token] = []
    for word, part_of_speech in tokens:
        if merged and belongs(merged[-1][0], word):
            merged[-1] = (merged[-1][0] + word, merged[-1][1])
        else:
            merged.append((word, part_of_speech))
    return merged
