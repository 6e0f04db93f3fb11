import pytest

from songbloom.lyrics import Position, parse_lyrics


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("la la la", "[verse] la la la"),
        ("la\nlo", "[verse] la. lo"),
        ("\n\nla\n \n\nlo\n\n", "[verse] la , [verse] lo"),
        ("a b\n\nc d\n\nA, b!\n\ne f", "[chorus] a b , [verse] c d , [chorus] A, b , [verse] e f"),
        ("a b\n\n(Guitar Solo)\n\nc\n\na b", "[chorus] a b , [inst] , [verse] c , [chorus] a b"),
        ("a\n(Instrumental 2s)\nb", "[verse] a , [inst] [inst] , [verse] b"),
        ("[intro]\nooh\n[outro]", "[intro] ooh , [outro]"),
        ("a\n\n***\n\nb", "[verse] a , [verse] b"),
        ("啦啦。啦\n\n你好\n\n啦啦，啦", "[chorus] 啦啦. 啦 , [verse] 你好 , [chorus] 啦啦, 啦"),
        ("\n\n".join("abcdefghi"), "[verse] a. b. c. d. e. f. g. h. i"),
        (
            "\n\n".join("abcde") + "\n\n\n" + "\n\n".join("fghi"),
            "[verse] a. b. c. d. e , [verse] f. g. h. i",
        ),
    ],
)
def test_stanzas_become_sections(text: str, canonical: str) -> None:
    assert parse_lyrics(text).canonical() == canonical


def test_positions_are_those_of_the_first_words() -> None:
    sections = parse_lyrics("\n  la\n\n** \n lo").sections
    assert [section.position for section in sections] == [
        Position(line=2, column=3),
        Position(line=5, column=2),
    ]
