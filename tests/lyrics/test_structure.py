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
        ("la la la , [verse] la", "'la la la ,' before any section tag"),
        (". la , [verse] la", "before any section tag"),
        ("Grace\n[verse]\nla", "at line 1, column 1; .* remove it if it is a title"),
        ("[verse] la\n[laughs] lo", r"Unknown section tag \[laughs\] at line 2, column 1"),
        ("[verse] la\nla [verse", r"The bracket \[ at line 2, column 4 has no partner"),
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
    for seconds in (0, -1, 601, float("nan")):
        with pytest.raises(LyricsError, match=r"Section\.seconds"):
            Section(tag="[inst]", seconds=seconds)
    with pytest.raises(LyricsError, match=r"Section\.seconds is 8 for \[verse\]"):
        Section(tag="[verse]", seconds=8)
    for sentence in (" ", "-", "[verse] la"):
        with pytest.raises(LyricsError, match=r"Section\.sentences"):
            Section(tag="[verse]", sentences=(sentence,))
    with pytest.raises(LyricsError, match=r"the length '10s'; give it as Section\.seconds"):
        Section(tag="[intro]", sentences=("10s",))
    with pytest.raises(LyricsError, match=r"Section\.seconds is 400, 2 times"):
        Section(tag="[intro]", seconds=400, repeats=2)
    with pytest.raises(LyricsError, match=r"Lyrics\.sections"):
        Lyrics(sections=())


@pytest.mark.parametrize(
    ("seconds", "tag_seconds", "num_tags"),
    [(10, 1, 10), (10, 5, 2), (12, 5, 2), (13, 5, 3), (1, 5, 1), (0.2, 1, 1), (600, 1, 600)],
)
def test_seconds_become_tags(seconds: float, tag_seconds: float, num_tags: int) -> None:
    lyrics = Lyrics(
        sections=(
            Section(tag="[intro]", seconds=seconds),
            Section(tag="[verse]", sentences=("la",)),
            Section(tag="[inst]", repeats=2),
        )
    )
    canonical = lyrics.canonical(tag_seconds)
    assert canonical == " ".join(["[intro]"] * num_tags) + " , [verse] la , [inst] [inst]"
    assert parse_lyrics(canonical).canonical() == canonical


@pytest.mark.parametrize("tag_seconds", [0, -1, float("nan"), 1e-308, 1e-9, 0.009])
def test_tags_of_no_length_are_refused(tag_seconds: float) -> None:
    with pytest.raises(LyricsError, match=r"tag_seconds is .* at least 0\.01"):
        parse_lyrics(CANONICAL).canonical(tag_seconds)


def test_too_many_tags_are_refused() -> None:
    lyrics = Lyrics(sections=(Section(tag="[intro]", seconds=600),) * 2)
    assert lyrics.canonical(0.012).count("[intro]") == 100_000
    with pytest.raises(LyricsError, match=r"120000 tags of 0\.01 s; at most 100000"):
        lyrics.canonical(0.01)


@pytest.mark.parametrize(("tag_seconds", "num_tags"), [(1, 24), (5, 5), (100, 1)])
def test_repeats_multiply_seconds(tag_seconds: float, num_tags: int) -> None:
    assert Section(tag="[inst]", seconds=8, repeats=3).num_tags(tag_seconds) == num_tags


def test_a_sentence_that_ends_in_an_abbreviation_stays_one() -> None:
    lyrics = parse_lyrics("[verse]\ndown on Main St\nwe go")
    assert lyrics.sections[0].sentences == ("down on Main St", "we go")
    assert parse_lyrics(lyrics.canonical()) == lyrics
