import pytest

from songbloom.lyrics import read_lyrics
from songbloom.lyrics.reading.changes import Notes
from songbloom.lyrics.reading.punctuation import normalise


@pytest.mark.parametrize(
    ("text", "plain", "told"),
    [
        ("la, lo.\nla", "la, lo.\nla", []),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd", []),
        ("\ufeffa\u00a0b\u200b\tc\u3000d\u00ad", "a b c d", []),
        ("‘don’t’ don`t don´t", "'don't' don't don't", ["typographic quotes replaced (5 times)"]),
        ("“a” 「b」 《c》", '"a" "b" "c"', ["typographic quotes replaced (6 times)"]),
        ("ａ，ｂ。【ｃ】（1）", "a,b.[c](1)", ["letters and", "full-width punctuation"]),
        ("a – b—c", "a - b c", ["typographic dashes replaced (2 times)"]),
        ("wait…", "wait.", ["ellipses read as the end of a sentence"]),
        ("〇", "零", []),
        ("love❤️you", "love you", ["symbols removed, 1 in all: ❤"]),
        ("♪♪👩‍🎤→", "     ", ["symbols removed, 5 in all: ♪ 👩 🎤 →"]),
        ("①ﬁ²", "1fi2", ["letters and digits of another width or style replaced (3 times)"]),
        ("x×2", "x×2", []),
        ("é ñ 爱 П ½ $ £ &", "é ñ 爱 П ½ $ £ &", []),
    ],
)
def test_plain_punctuation(text: str, plain: str, told: list[str]) -> None:
    notes = Notes(text)
    traced = normalise(text, notes)
    assert traced.text == plain
    assert len(traced.origins) == len(plain) + 1
    changes = notes.changes()
    assert len(changes) == len(told)
    assert all(change.what.startswith(start) for change, start in zip(changes, told, strict=True))


def test_each_character_keeps_its_place() -> None:
    text = "\ufeffﬁ\r\n…❤️【é】"
    traced = normalise(text, Notes(text))
    assert traced.text == "fi\n. [é]"
    assert [text[place] for place in traced.origins[:-1]] == list("ﬁﬁ\n…❤【é】")
    assert traced.origins[-1] == len(text)


def test_many_symbols_are_told_in_short() -> None:
    symbols = "".join(chr(code) for code in range(0x1F600, 0x1F620))
    (change,) = read_lyrics(f"[verse] la {symbols}").changes
    assert change.what.startswith("symbols removed, 32 in all: 😀 ") and change.what.endswith(" …")
