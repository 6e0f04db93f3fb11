import pytest

from songbloom.lyrics import Lyrics, LyricsError, Section, parse_lyrics

CANONICAL = "[intro] [intro] , [verse] Line one. Line, two , [chorus] 你好. 再见 , [outro]"


def test_canonical_form_round_trips() -> None:
    lyrics = parse_lyrics(CANONICAL)
    assert lyrics == Lyrics(
        sections=(
            Section(tag="[intro]", repeats=2),
            Section(tag="[verse]", sentences=("Line one", "Line, two")),
            Section(tag="[chorus]", sentences=("你好", "再见")),
            Section(tag="[outro]"),
        )
    )
    assert lyrics.canonical() == CANONICAL
    assert parse_lyrics(lyrics.canonical()) == lyrics


@pytest.mark.parametrize(
    "text",
    [
        "[intro] [intro]\r\n\r\n[verse]\r\nLine one,\r\nLine, two!\r\n[chorus]\n你好。再见[outro]",
        "[Intro][intro],[verse]Line one.Line, two.,[chorus]你好！再见？[outro]",
        "\ufeff【intro】 【intro】，【verse】Line one。Line，two，［chorus］你好. 再见, [outro] ,",
    ],
)
def test_pasted_forms_become_canonical(text: str) -> None:
    assert parse_lyrics(text).canonical() == CANONICAL


def test_equal_tags_apart_stay_two_sections() -> None:
    assert len(parse_lyrics("[verse] one , [verse] two").sections) == 2
    assert len(parse_lyrics("[inst] , [inst]").sections) == 2
    assert parse_lyrics("[inst] [inst]").sections[0].repeats == 2


def test_periods_inside_words_end_no_sentence() -> None:
    (section,) = parse_lyrics(
        "[verse] Mr. Jones paid 3.50 in the U.S.A. today. “Don’t go”"
    ).sections
    assert section.sentences == ("Mr Jones paid 3.50 in the USA today", '"Don\'t go"')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("la la la", "'la la la' before any section tag"),
        (". la , [verse] la", "before any section tag"),
        ("[verse] la\n[refrain] lo", r"Unknown section tag \[refrain\] at line 2, column 1"),
        ("[verse] la , [chrous] lo", r"column 14; did you mean \[chorus\]\?"),
    ],
)
def test_faults_are_named(text: str, said: str) -> None:
    with pytest.raises(LyricsError, match=said) as error:
        parse_lyrics(text)
    assert "\n" not in str(error.value)


def test_sections_are_validated() -> None:
    for fields in ({"tag": "verse"}, {"tag": "[verse]", "repeats": 0}):
        with pytest.raises(LyricsError, match=r"Section\."):
            Section(**fields)
    for sentence in (" ", "[verse] la"):
        with pytest.raises(LyricsError, match=r"Section\.sentences"):
            Section(tag="[verse]", sentences=(sentence,))
    with pytest.raises(LyricsError, match=r"Lyrics\.sections"):
        Lyrics(sections=())
