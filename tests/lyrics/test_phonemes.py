import os
import subprocess
import sys
from pathlib import Path

import pytest

from songbloom.lyrics import LyricsError, Vocabulary, parse_lyrics, phonemize, phonemize_line


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("I'd've", "AY1 D AH0 V"),
        ("singin' 'round", "S IH1 NG IH0 N R AW1 N D"),
        ("rock 'n' roll", "R AA1 K AH0 N R OW1 L"),
        ("the apple, the tree", "DH IY0 AE1 P AH0 L , DH AH0 T R IY1"),
        ("tears in the wind", "T IH1 R Z IH0 N DH AH0 W IH1 N D"),
        ("close your eyes", "K L OW1 Z Y AO1 R AY1 Z"),
        ("in 1985", "IH0 N N AY1 N T IY1 N EY1 T IY0 F AY1 V"),
        ("looove", "L AH1 V"),
        ("U2", "Y UW1 T UW1"),
        ("ｃａｆé", "K AH0 F EY1"),
        ("还钱", "h uan2 q ian2"),
        ("2个朋友", "l iang3 g e5 p eng2 y ou5"),
        ("2024年", "EE er4 l ing2 EE er4 s i04 n ian2"),
        ("第2天1,000元", "d i4 EE er4 t ian1 y i4 q ian1 y van2"),
        ("謝謝你的愛", "x ie4 x ie5 n i3 d e5 AA ai4"),
        ("你好 hello，世界", "n i2 h ao3 HH AH0 L OW1 , sh ir4 j ie4"),
        ("♪ (ooh) ♪! La", "UW1 . L AA1"),
    ],
)
def test_natural_reading(text: str, phonemes: str) -> None:
    assert phonemize_line(text) == phonemes


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("A thousand", "EY1 TH AW1 Z AH0 N D"),
        ("singin' 'round", "S IH1 NG IH0 N - - R AW1 N D"),
        ("she will read", "SH IY1 W IH1 L R IY1 D"),
        ("zyzzyva", "Z IY1 W AY1 Z IY1 Z IY1 W AY1 V IY1 EY1"),
        ("3点钟", "TH R IY1 d ian3 zh ong1"),
    ],
)
def test_released_reading(text: str, phonemes: str) -> None:
    assert phonemize_line(text, "released") == phonemes


def test_released_pieces_stand_alone() -> None:
    text = "[verse] I close a door. by my side , [outro]"
    assert phonemize(text, "released") == (
        "[verse] I K L OW1 S a D AO1 R . by my S AY1 D , [outro]"
    )
    assert phonemize("[verse]  la", "released") == "[verse]  L AA1"


def test_released_mode_normalises_what_splitting_would_garble() -> None:
    assert phonemize("[verse]\nla\n[outro]", "released") == "[verse] L AA1 , [outro]"
    assert phonemize("[Verse]la.la", "released") == "[verse] L AA1 . L AA1"


def test_natural_text_is_canonical_and_encodable() -> None:
    lyrics = "[intro] [intro]\n[verse]\nAmazing grace!\n♪\nI'm 21, you know.\n[chorus]\n爱你一万年"
    text = phonemize(lyrics)
    assert text.startswith("[intro] [intro] , [verse] AH0 M EY1 Z IH0 NG G R EY1 S . AY1 M")
    assert text == phonemize(parse_lyrics(lyrics))
    assert 0 not in Vocabulary.default().encode(text).ids


@pytest.mark.parametrize("mode", ["natural", "released"])
def test_scripts_without_g2p_are_refused(mode) -> None:
    with pytest.raises(LyricsError, match=r"HIRAGANA LETTER A"):
        phonemize("[verse] あなた", mode)


@pytest.mark.parametrize("mode", ["natural", "released"])
def test_numbers_without_words_are_refused(mode) -> None:
    with pytest.raises(LyricsError, match="VULGAR FRACTION ONE HALF"):
        phonemize("[verse] half is ½", mode)


@pytest.mark.parametrize("mode", ["natural", "released"])
def test_a_word_without_end_is_refused(mode) -> None:
    with pytest.raises(LyricsError, match="a word of 2600 letters, abcdefghijklmnopqrst…"):
        phonemize("[verse] " + "abcdefghijklmnopqrstuvwxyz" * 100, mode)


def test_unknown_mode_is_refused() -> None:
    with pytest.raises(LyricsError, match="'pinyin'"):
        phonemize("[verse] la", "pinyin")  # type: ignore[arg-type]


def python(code: str, temporary: Path) -> str:
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


def test_import_reads_no_dictionary_and_no_torch(tmp_path: Path) -> None:
    heavy = "{'torch', 'jieba', 'pypinyin', 'wordsegment', 'num2words', 'cn2an', 'opencc'}"
    assert python(
        f"import sys, songbloom.lyrics; print({heavy} & sys.modules.keys())", tmp_path
    ) == ("set()")


def test_no_cache_is_read_or_left_in_the_temporary_folder(tmp_path: Path) -> None:
    planted = tmp_path / "jieba.cache"
    planted.write_bytes(b"planted")
    code = "from songbloom.lyrics import phonemize_line as p; print(p('重庆的银行', 'released'))"
    assert python(code, tmp_path) == "ch ong2 q ing4 d e5 y in2 h ang2"
    assert list(tmp_path.iterdir()) == [planted] and planted.read_bytes() == b"planted"


def test_pasted_commas_are_sentence_ends_for_released_models():
    pasted = phonemize("[Verse 1]\none, two\nthree\n[Outro]", "released")
    assert pasted == phonemize("[verse] one. two. three , [outro]", "released")
    as_it_is = phonemize("[verse] one, two , [outro]", "released")
    assert as_it_is == "[verse] W AH1 N , T UW1 , [outro]"


@pytest.mark.parametrize(
    ("text", "mode", "named"),
    [
        *(("𠮷", mode, "'𠮷'") for mode in ("natural", "released")),
        ("my ŋa", "natural", r"'ŋ' \(LATIN SMALL LETTER ENG\) in 'ŋa'"),
        ("my ŋa", "released", r"'ŋ' \(LATIN SMALL LETTER ENG\) in 'ŋa'"),
        *((letter, "released", f"'{letter}'") for letter in "㐀øłđß龦"),
        ("la føo", "released", r"'ø' \(LATIN SMALL LETTER O WITH STROKE\) in 'føo'"),
    ],
)
def test_no_letter_vanishes(text: str, mode, named: str) -> None:
    for read in (phonemize_line, lambda *args: phonemize("[verse] la. " + args[0], args[1])):
        with pytest.raises(LyricsError, match=named):
            read(text, mode)


def test_a_word_that_gives_nothing_is_named(monkeypatch) -> None:
    for module in ("english", "released_english"):
        monkeypatch.setattr(f"songbloom.lyrics.g2p.{module}._word", lambda _: ())
    for mode in ("natural", "released"):
        with pytest.raises(LyricsError, match="No phonemes are known for 'qwx'"):
            phonemize_line("qwx", mode)


def test_letters_that_have_a_plain_form_are_read() -> None:
    assert phonemize_line("㐀") == "q iu1"
    assert phonemize_line("føo") == phonemize_line("foo") == phonemize_line("fǿo")
    for mode in ("natural", "released"):
        assert phonemize("[verse] naïve ﬁne", mode) == phonemize("[verse] naive fine", mode)


@pytest.mark.parametrize("mode", ["natural", "released"])
def test_a_line_without_end_is_refused(mode) -> None:
    with pytest.raises(
        LyricsError, match="99000 characters without a break, 你好你好你好你好你好…"
    ):
        phonemize("[verse] " + "你好" * 49_500, mode)
    assert phonemize("[verse] " + "你好" * 1000, mode).count("h ao3") == 1000
