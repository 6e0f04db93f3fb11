"""LRC files: order, pauses, what is removed."""

import pytest

from songbloom.lyrics import Position, Section, parse_lyrics, read_lyrics


def outline(text: str) -> list[str]:
    """Each section as its tag, its seconds and its sentences."""
    return [
        f"{s.tag[1:-1]} {s.seconds if s.seconds else ''}{'. '.join(s.sentences)}"
        for s in parse_lyrics(text).sections
    ]


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("[00:01.00]la\n[00:03.00]lo", ["verse la. lo"]),
        ("[00:12.50]la\n[00:15.00]lo", ["intro 12.5", "verse la. lo"]),
        ("[00:00.00]\n[00:12.50]la", ["intro 12.5", "verse la"]),
        ("[00:12.50]<00:12.50>la <00:13.00>lo", ["intro 12.5", "verse la lo"]),
        ("[1:02]la", ["intro 62.0", "verse la"]),
        ("[00:01:50]la", ["verse la"]),
        ("[00:01.00]la\n[00:03.00]\n[00:09.00]lo", ["verse la", "inst 6.0", "verse lo"]),
        ("[00:01.00]la\n[00:03.00]\n[00:05.00]\n[00:09]lo", ["verse la", "inst 6.0", "verse lo"]),
        ("[00:01.00]la\n[00:03.00]\n[00:06.00]lo", ["verse la. lo"]),
        ("[00:01.00]la\n[00:03.00]♪\n[00:09.00]lo", ["verse la", "inst 6.0", "verse lo"]),
        ("[00:01.00]la\n\n[00:03.00]lo", ["verse la", "verse lo"]),
        ("[00:01]a\n[00:04]b\n[00:07]c\n[00:30]d", ["verse a. b. c", "inst 20.0", "verse d"]),
        ("[00:01]a\n[00:05]b\n[00:09]c\n[00:25]", ["verse a. b. c", "outro 12.0"]),
        ("[00:01]a\n[00:05]b\n[00:09]c\n[00:12]", ["verse a. b. c"]),
        (
            "[00:01]a\n[00:04]b\n[00:07]c\n[00:30]\n[00:50]d",
            ["verse a. b. c", "inst 40.0", "verse d"],
        ),
        ("[00:05]b\n[00:01]a", ["verse a. b"]),
        ("[00:01][00:09]a\n[00:05]b\nmore", ["verse a. b. more. a"]),
        (
            "[Chorus]\n[00:01][00:09]a\n[Verse]\n[00:05]b",
            ["chorus a", "verse b", "chorus a"],
        ),
        (
            "[00:00][Intro]\n[00:10][Verse 1]\n[00:11]a\n[00:15](Guitar Solo)\n[00:25]Chorus:\n"
            "[00:26]b\n[00:30][Outro]\n[00:38]",
            ["intro 10.0", "verse a", "inst 10.0", "chorus b", "outro 8.0"],
        ),
        (
            "[Verse]\n[00:01]a\n[00:05](Solo)\n[00:15]b\n[Outro]\n[00:20]c",
            ["verse a", "inst 10.0", "verse b", "outro c"],
        ),
        (
            "[Verse]\n[00:01]a\n[00:05]\n[Solo]\n[00:15]b",
            ["verse a", "inst 10.0", "verse b"],
        ),
        (
            "[Chorus]\n[00:01]a\n[00:05]\n[00:15]b\n[Verse]\n[00:20]c\n[Chorus]",
            ["chorus a", "inst 10.0", "chorus b", "verse c", "chorus a. b"],
        ),
        ("[00:01]a\n[00:05][Solo]\n[00:15]b", ["verse a", "inst 10.0", "verse b"]),
        ("[Intro]\n[00:10]a", ["intro 10.0a"]),
        ("[intro 3s]\n[verse]\n[00:10]a", ["intro 3.0", "verse a"]),
        ("[verse]\n[00:10]a\n[00:14]\n[00:24]b", ["intro 10.0", "verse a", "inst 10.0", "verse b"]),
        (
            "[verse]\n[00:01]a\n[Chorus]\n[00:05]\n[00:15]b",
            ["verse a", "inst 10.0", "chorus b"],
        ),
    ],
)
def test_times_become_order_and_pauses(text: str, sections: list[str]) -> None:
    assert outline(text) == sections


def test_what_is_no_song_is_removed_and_told() -> None:
    reading = read_lyrics(
        "[ti:晴天]\n[ar:某人]\n[offset:+500]\n[00:00.00]晴天 - 某人\n[00:01.00]作词 : 某人\n"
        "[00:20.00]小黄花\n[00:24.00][00:30.00]从出生\n"
    )
    assert reading.lyrics.sections == (
        Section(tag="[intro]", seconds=20),
        Section(tag="[verse]", sentences=("小黄花", "从出生", "从出生")),
    )
    assert [str(change) for change in reading.changes] == [
        "line 1: header line removed (3 times)",
        "line 4: timestamp removed (5 times)",
        "line 4: title '晴天 - 某人' removed",
        "line 5: credit '作词 : 某人' removed",
        "line 6: no tag of a sung section in the text; all is one [verse]",
        "line 6: 20 s without words become [intro]",
        "line 7: line with several timestamps sung at each of them",
    ]


def test_positions_are_behind_the_timestamps() -> None:
    lyrics = parse_lyrics("[00:00.50] [Verse]\n[00:01.00]a\n[00:04.00]\n[00:10.00][Chorus] b")
    assert [section.position for section in lyrics.sections] == [
        Position(line=1, column=12),
        Position(line=3, column=11),
        Position(line=4, column=11),
    ]
