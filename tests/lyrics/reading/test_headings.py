import pytest

from songbloom.lyrics import parse_lyrics
from songbloom.lyrics.reading.heading_lines import is_heading, line_heading
from songbloom.lyrics.reading.headings import Heading, read_heading, split_repeat
from songbloom.lyrics.reading.traced import Traced


def traced(text: str) -> Traced:
    return Traced(text, list(range(len(text) + 1)))


@pytest.mark.parametrize(
    ("content", "tag"),
    [
        *((name, "[verse]") for name in ("Verse", "verse 2", "VERSE IV", "Verse One", "Stanza")),
        *((name, "[verse]") for name in ("Pre-Chorus", "pre chorus 2", "Rap", "Spoken Word")),
        *((name, "[verse]") for name in ("主歌", "主歌一", "主歌A1", "导歌", "第一段主歌", "说唱")),
        *((name, "[chorus]") for name in ("Hook", "Refrain", "Post-Chorus", "Final Chorus 2")),
        *((name, "[chorus]") for name in ("副歌", "副歌2", "Chorus (Anna)", "Chorus / Hook")),
        *((name, "[bridge]") for name in ("Bridge", "Middle Eight", "middle 8", "桥段", "橋段")),
        *((name, "[inst]") for name in ("Instrumental", "Guitar Solo", "Interlude", "Break")),
        *((name, "[inst]") for name in ("Beat Drop", "Sad Piano Solo", "间奏", "間奏", "Inst.")),
        *((name, "[intro]") for name in ("Start", "Opening", "Instrumental Intro", "前奏")),
        *((name, "[outro]") for name in ("End", "Ending", "Coda", "Fade Out", "Fade-Out", "尾奏")),
        *((name, "[silence]") for name in ("Silence", "静音")),
        *((name, "[verse]") for name in ("Soft Verse 2", "Anna: Verse 1", "Verse 1 - Anna")),
    ],
)
def test_names_in_brackets(content: str, tag: str) -> None:
    assert parse_lyrics(f"[{content}]\nla").sections[0].tag == tag


@pytest.mark.parametrize(
    ("content", "heading"),
    [
        ("Intro 10s", Heading(kind="intro", seconds=10, unmistakable=True)),
        ("inst: 8 seconds", Heading(kind="inst", seconds=8)),
        ("outro 0:12", Heading(kind="outro", seconds=12, unmistakable=True)),
        ("Solo (guitar), 0:55", Heading(kind="inst", seconds=55, singers="guitar")),
        ("Solo (guitar), 1:05", Heading(kind="inst", unread=("1:05",), singers="guitar")),
        ("间奏 1.5 秒", Heading(kind="inst", seconds=1.5, unmistakable=True)),
        ("Intro 10", Heading(kind="intro", number="10", unmistakable=True)),
        ("Middle 8 2", Heading(kind="bridge", number="2")),
        ("2nd Break", Heading(kind="inst")),
        ("Solo 8s x2", Heading(kind="inst", seconds=8, times=2)),
        ("Solo 2 - 10s", Heading(kind="inst", number="2", seconds=10)),
        ("End 3:45 10s", Heading(kind="outro", seconds=10, unread=("3:45",))),
        ("8 bar break", Heading(kind="inst", unread=("8",))),
        ("Solo, two minutes", Heading(kind="inst", unread=("minutes",), singers="two minutes")),
        ("Chorus x2", Heading(kind="chorus", times=2, unmistakable=True)),
        ("Chorus 2 (x 3)", Heading(kind="chorus", number="2", times=3, unmistakable=True)),
        ("Hook 2x", Heading(kind="chorus", times=2)),
        ("Chorus ×4", Heading(kind="chorus", times=4, unmistakable=True)),
        (
            "Verse 2: Anna & Ben",
            Heading(kind="verse", number="2", singers="anna & ben", unmistakable=True),
        ),
    ],
)
def test_what_a_heading_says(content: str, heading: Heading) -> None:
    assert read_heading(content, lenient=True) == heading


@pytest.mark.parametrize(
    "content", ["", "10s", "laughs", "break my heart", "I want to break free", "chrous", "x" * 200]
)
def test_what_is_no_name_is_no_heading(content: str) -> None:
    assert read_heading(content, lenient=True) is None


HEADINGS = """(Chorus)
Chorus:
chorus
Verse 2 -
- Verse -
**Chorus**
**Hook:**
**Hook**:
# Drop
### Bridge
{Chorus}
(Guitar Solo)
Solo:
Chorus x2
(Chorus) :
= Intro =
Verse 1 (Anna)
(Verse 1: Anna)
Pre-Chorus
副歌
主歌2
(间奏)
**[Verse]**
[Chorus]:
Final Chorus
instrumental 8 seconds
Outro: 0:12""".splitlines()


@pytest.mark.parametrize("line", HEADINGS)
def test_lines_that_are_headings(line: str) -> None:
    assert is_heading(traced(f"  {line} "))


WORDS = """()
[]
Hook
Solo
Break
结束
(Hook, line and sinker)
Chorus of angels
Bridge over troubled water
(break it down)
Verse 2 went by
Chorus!
Start: again
[verse] la
[verse] [verse]
- Break
I sing: chorus
(la) (Chorus)
12s""".splitlines()


@pytest.mark.parametrize("line", ["", *WORDS])
def test_lines_that_are_words(line: str) -> None:
    assert line_heading(traced(line)) is None


def test_words_behind_a_colon() -> None:
    for line in ("Chorus: la la", "**Chorus:** la la", "Hook : la la", "# Chorus 2: la la"):
        found = line_heading(traced(line))
        assert found and found[0].tag == "[chorus]" and found[2].text.strip() == "la la"
        assert found[2].origin == line.index("la") - found[2].text.index("la")


@pytest.mark.parametrize(
    ("text", "kept", "times"),
    [
        ("la (x2)", "la ", 2),
        ("la [x3] ", "la ", 3),
        ("la x2", "la ", 2),
        ("la ×2", "la ", 2),
        ("la(2x)", "la", 2),
        ("la (repeat x2)", "la ", 2),
        ("(x2)", "", 2),
        ("[Chorus]x2", "[Chorus]", 2),
        ("la (x0)", "la ", 1),
        ("[Chorus x2]", "[Chorus x2]", 1),
        ("the Lynx2", "the Lynx2", 1),
        ("la x200", "la x200", 1),
        ("a" * 20 + " (x2", "a" * 20 + " (x2", 1),
    ],
)
def test_repeat_marks(text: str, kept: str, times: int) -> None:
    end, found = split_repeat(text)
    assert (text[:end], found) == (kept, times)
