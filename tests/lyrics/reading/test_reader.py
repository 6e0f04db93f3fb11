"""Whole lyrics as people paste them: what they become, what is told about it, and where."""

import json
import random
import time
from pathlib import Path

import pytest

from songbloom.lyrics import (
    SECTION_TAGS,
    Change,
    Lyrics,
    LyricsError,
    Position,
    Section,
    parse_lyrics,
    phonemize,
    read_lyrics,
)
from songbloom.lyrics.structure import is_length


def read(text: str) -> tuple[str, list[str]]:
    reading = read_lyrics(text)
    return reading.lyrics.canonical(), [str(change) for change in reading.changes]


GENIUS = """[Verse 1: Anna & Ben]
I’m walkin’ down the road

[Pre-Chorus]
And I know, I know

[Chorus]
Hey! Hold me
(Ooh, ooh)
La la (x2)

[Verse 2]
Another day ♪

[Pre-Chorus]

[Chorus]

[Guitar Solo]
[Chorus x2]
"""

COLONS = """Verse 1:
From this valley

(Chorus)
Come and sit

Verse 2
I've been thinking

**Chorus**

Bridge: one line only
Outro 0:03
"""

PLAIN = """Amazing Grace, how sweet
That saved a wretch

Praise God,
praise God!

’Twas grace that taught

Praise God
Praise God...
"""

CHINESE = """【前奏 2 秒】
【主歌一】
红豆生南国，春来发几枝。
愿君多采撷……

副歌：
「你好」世界！
（啊啊）

［间奏：3秒］
主歌2
床前明月光

副歌"""


@pytest.mark.parametrize(
    ("text", "canonical", "changes"),
    [
        (
            GENIUS,
            "[verse] I'm walkin' down the road , [verse] And I know, I know , "
            "[chorus] Hey. Hold me. Ooh, ooh. La la. La la , [verse] Another day , "
            "[verse] And I know, I know , [chorus] Hey. Hold me. Ooh, ooh. La la. La la , [inst] , "
            "[chorus] Hey. Hold me. Ooh, ooh. La la. La la. Hey. Hold me. Ooh, ooh. La la. La la",
            [
                "line 1: heading 'Verse 1: Anna & Ben' read as [verse]",
                "line 2: typographic quotes replaced (2 times)",
                "line 4: heading 'Pre-Chorus' read as [verse]",
                "line 9: line in parentheses read as words",
                "line 10: 'La la' sung 2 times",
                "line 12: heading 'Verse 2' read as [verse]",
                "line 13: symbols removed, 1 in all: ♪",
                "line 15: heading 'Pre-Chorus' read as [verse]",
                "line 15: [verse] without words takes those of line 4",
                "line 17: [chorus] without words takes those of line 7",
                "line 19: heading 'Guitar Solo' read as [inst]",
                "line 20: heading 'Chorus x2' read as [chorus], 2 times",
                "line 20: [chorus] without words takes those of line 7",
            ],
        ),
        (
            COLONS,
            "[verse] From this valley , [chorus] Come and sit , [verse] I've been thinking , "
            "[chorus] Come and sit , [bridge] one line only , [outro] [outro] [outro]",
            [
                "line 1: heading 'Verse 1' read as [verse]",
                "line 4: heading 'Chorus' read as [chorus]",
                "line 7: heading 'Verse 2' read as [verse]",
                "line 10: heading 'Chorus' read as [chorus]",
                "line 10: [chorus] without words takes those of line 4",
                "line 12: heading 'Bridge' read as [bridge]",
                "line 13: heading 'Outro 0:03' read as [outro] of 3 s",
            ],
        ),
        (
            PLAIN,
            "[verse] Amazing Grace, how sweet. That saved a wretch , "
            "[chorus] Praise God. praise God , [verse] 'Twas grace that taught , "
            "[chorus] Praise God. Praise God",
            [
                "line 1: no tag of a sung section in the text; its stanzas are "
                "[verse], [chorus], [verse], [chorus]",
                "line 7: typographic quotes replaced",
            ],
        ),
        (
            CHINESE,
            "[intro] [intro] , [verse] 红豆生南国, 春来发几枝. 愿君多采撷 , "
            '[chorus] "你好"世界. 啊啊 , [inst] [inst] [inst] , [verse] 床前明月光 , '
            '[chorus] "你好"世界. 啊啊',
            [
                "line 1: heading '前奏 2 秒' read as [intro] of 2 s",
                "line 1: full-width punctuation replaced (13 times)",
                "line 2: heading '主歌一' read as [verse]",
                "line 4: ellipses read as the end of a sentence (2 times)",
                "line 6: heading '副歌' read as [chorus]",
                "line 7: typographic quotes replaced (2 times)",
                "line 8: line in parentheses read as words",
                "line 10: heading '间奏:3秒' read as [inst] of 3 s",
                "line 11: heading '主歌2' read as [verse]",
                "line 14: heading '副歌' read as [chorus]",
                "line 14: [chorus] without words takes those of line 6",
            ],
        ),
        (
            "[Verse]\nla\n\nlo\n-----\n[CHORUS]\nlu",
            "[verse] la. lo , [chorus] lu",
            ["line 5: line of signs read as an empty line"],
        ),
        (
            "[verse 20s] la , [inst 8s] , [Outro]",
            "[verse] la , " + " ".join(["[inst]"] * 8) + " , [outro]",
            [
                "line 1: heading 'verse 20s' read as [verse], its length is left to its words",
                "line 1: heading 'inst 8s' read as [inst] of 8 s",
            ],
        ),
        (
            "歌名：相思\n作词：某人\n\n副歌 x2\n啦啦",
            "[chorus] 啦啦. 啦啦",
            [
                "line 1: credit '歌名:相思' removed",
                "line 1: full-width punctuation replaced (2 times)",
                "line 2: credit '作词:某人' removed",
                "line 4: heading '副歌' read as [chorus], 2 times",
            ],
        ),
    ],
    ids=["genius", "colons", "plain", "chinese", "rule", "lengths", "credits"],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_pasted_lyrics(text: str, canonical: str, changes: list[str], line_end: str) -> None:
    assert read(text.replace("\n", line_end)) == (canonical, changes)
    assert read(canonical) == (canonical, [])


def test_positions_are_those_of_the_pasted_text() -> None:
    reading = read_lyrics("\ufeff  Verse 1:\r\n“la”…\r\n\r\nla [Hook]  lo\r[inst]")
    assert [section.position for section in reading.lyrics.sections] == [
        Position(line=1, column=4),
        Position(line=4, column=4),
        Position(line=5, column=1),
    ]
    assert reading.changes == (
        Change(1, 4, "heading 'Verse 1' read as [verse]"),
        Change(2, 1, "typographic quotes replaced (2 times)"),
        Change(2, 5, "ellipses read as the end of a sentence"),
        Change(4, 4, "heading 'Hook' read as [chorus]"),
    )
    with pytest.raises(LyricsError, match=r"\[oops\] at line 2, column 5"):
        read_lyrics("[verse]\r\n……🎵 [oops]")


def test_canonical_text_is_read_without_a_change() -> None:
    rng = random.Random(0)
    words = ["la", "don't", "你好", "chorus", "Verse 2", "x2", "(ooh)", "3.50", "hey:", "Mr", "St"]
    words += ["Chorus:", "(x2)", "12s", "1:30", "&"]

    def section() -> Section:
        tag = rng.choice(SECTION_TAGS)
        sentences = tuple(
            " ".join(rng.choices(words, k=rng.randint(1, 4))).strip(":")
            for _ in range(rng.randint(0, 3))
        )
        if is_length(tag, sentences):  # `[intro] 12s` has no words
            sentences = ()
        return Section(tag=tag, sentences=sentences, repeats=rng.randint(1, 3))

    for _ in range(300):
        sections = tuple(section() for _ in range(rng.randint(1, 5)))
        lyrics = Lyrics(sections=sections)
        reading = read_lyrics(lyrics.canonical())
        assert reading.lyrics == lyrics and not reading.changes, lyrics.canonical()


def test_reference_lyrics_are_canonical(reference: Path) -> None:
    for row in (reference / "lyrics.jsonl").read_text(encoding="utf-8").splitlines():
        assert not read_lyrics(json.loads(row)["lyrics"]).changes


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("[Chorus]\n\n[Verse]\nla", "[chorus] , [verse] la"),
        ("[verse] la , [chorus] lo , [verse]", "[verse] la , [chorus] lo , [verse]"),
        ("[Verse 1]\na\n[Verse 2]\nb\n[Verse 1]", "[verse] a , [verse] b , [verse] a"),
        ("[Verse]\na\n[Rap]\nb\n[Verse]", "[verse] a , [verse] b , [verse] a"),
        ("[Hook]\na\n[Post-Chorus]\nb\n[Chorus]", "[chorus] a , [chorus] b , [chorus] a"),
        ("[Chorus]\na\n[Chorus]\n[Chorus]", "[chorus] a , [chorus] a , [chorus] a"),
        ("[Intro x3]\n[verse]\na", "[intro] [intro] [intro] , [verse] a"),
        ("[verse]\na\nb\n(x2)\nc", "[verse] a. b. a. b. c"),
        ("a\nb x2\n\n(x2)", "[verse] a. b. b. a. b. b"),
        ("[verse]\n(Hook, line and sinker)\n(a) b", "[verse] Hook, line and sinker. (a) b"),
    ],
)
def test_repeats(text: str, canonical: str) -> None:
    assert parse_lyrics(text).canonical() == canonical


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[verse] la\n[inst 0s]", "'inst 0s' at line 2, column 1 gives 0 s; .* at most 600 s"),
        ("[intro 20 min]", "gives 1200 s"),
        ("[intro 400s x2]", "gives 800 s"),
        ("[intro] 0s", r"\[intro\] at line 1, column 1 lasts 0 s; more than 0"),
        ("a" * 100_001, "have 100001 characters; at most 100000"),
        ("[chorus]\n" + "la " * 9000 + "\n[chorus x9]", "once all repeats are written out"),
        ("[chorus]\nla\n" + "(x9)\n" * 40, "once all repeats are written out"),
        ("[intro]\n" + "(x9)\n" * 40, "once all repeats are written out"),
        ("[00:01]" * 9000 + "la la la la", "as often as it has timestamps"),
        (
            "[11:00]la",
            r"the \[intro\] at line 1, column 8 lasts 660 s; more than 0 and at most 600 s",
        ),
        ("[" + "a" * 200 + "]", r"tag \[a{38}… at line 1, column 1; known tags"),
        ("♪ …", "empty"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(LyricsError, match=said) as error:
        read_lyrics(text)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


HOSTILE = ["[", "]", "(", " ", "\n", "\r\n", "[verse", "[verse]", "[verse]\n\n", "(Chorus)\n"]
HOSTILE += [
    "a\n\n",
    "-\n",
    "a.b ",
    " ,",
    "x2 ",
    "【",
    "♪\n",
    "[00:00]",
    "[00:00.00]a\n",
    "<00:00>a",
]
HOSTILE += ["[ti:", "[ti:]\n", "词:\n", "**a**\n", "[intro 10s]", "1:30 ", "(x2)\n", "a x9\n", "- "]


@pytest.mark.parametrize("before", ["", "[verse] la\n"])
@pytest.mark.parametrize("unit", HOSTILE)
def test_reading_is_linear_in_the_length(unit: str, before: str) -> None:
    text = (before + unit * 100_000)[:100_000]
    start = time.process_time()
    try:
        read_lyrics(text)
    except LyricsError as error:
        assert len(str(error)) < 300
    # Quadratic steps would take minutes, slow machines some seconds.
    assert time.process_time() - start < 8


def test_lengths_reach_the_phonemes() -> None:
    text = "[Intro 10 sec]\n[Verse 1]\nla"
    assert phonemize(text).count("[intro]") == 10
    for mode in ("natural", "released"):
        assert phonemize(text, mode, tag_seconds=5.0) == "[intro] [intro] , [verse] L AA1"
    assert phonemize("[intro] [intro] , [verse] la", tag_seconds=5.0).count("[intro]") == 2


def test_text_without_tags_is_no_published_form() -> None:
    assert phonemize("la la", "released") == "[verse] L AA1 L AA1"


@pytest.mark.parametrize(
    ("text", "seconds", "told"),
    [
        ("[intro 1m30s]", 90, "of 90 s"),
        ("[Interlude 00:30 - 00:45]", 15, "of 15 s"),
        ("[intro 500ms]", 0.5, "of 0.5 s"),
        ("[intro 8s x2]", 8, "of 8 s, 2 times"),
        ("[Outro 3:45]", None, "read as [outro], '3:45' not understood as a length"),
        ("[Intro 1'30]", None, "not understood as a length"),
        ("[Intro] 10s", 10, "'10s' read as the length of [intro]"),
        ("[intro] [intro] (10s)", 10, "'(10s)' read as the length of [intro]"),
        ("[Outro] 3:45", None, "'3:45' not understood as a length of [outro]"),
    ],
)
@pytest.mark.parametrize("mode", ["natural", "released"])
def test_lengths_of_sections_without_words(text: str, seconds: float, told: str, mode) -> None:
    reading = read_lyrics(text)
    (section,) = reading.lyrics.sections
    assert section.seconds == seconds and not section.sentences
    assert reading.changes[-1].what.endswith(told)
    tags = " ".join([section.tag] * {8: 16, None: 1, 0.5: 1}.get(seconds, seconds))
    assert reading.lyrics.canonical() == tags == phonemize(text, mode)


def test_digits_that_are_no_length_are_told() -> None:
    (change,) = read_lyrics("[Verse 2: Blink 182] la").changes
    assert change.what.endswith("read as [verse], '182' not understood as a length")
    assert read_lyrics("[Intro 8s] 10s").changes[-1].what.startswith("'10s' not understood")
    assert len(read_lyrics("[Verse 2]\nla\n[Chorus x2]\n12s").changes) == 2


def test_timestamps_say_how_long_repeated_tags_last() -> None:
    lyrics = parse_lyrics("[intro] [intro]\n[00:00][Solo x2]\n[00:10]la")
    assert lyrics.canonical().count("[inst]") == 10
