"""The parts of the front ends: dictionary, network, numbers, tones, syllables."""

import pytest

from songbloom.lyrics import LyricsError, Vocabulary
from songbloom.lyrics.g2p.english_numbers import expand_numbers
from songbloom.lyrics.g2p.mandarin import released_mandarin
from songbloom.lyrics.g2p.pos_tagger import tag_words
from songbloom.lyrics.g2p.pronunciation import cmu_dictionary, spell


def test_vocabulary_holds_the_whole_dictionary() -> None:
    used = {phoneme for reading in cmu_dictionary().values() for phoneme in reading.split()}
    assert len(cmu_dictionary()) > 120_000
    assert used <= set(Vocabulary.default().symbols)


def test_network_spells_regular_words() -> None:
    assert spell("blorp") == ("B", "L", "AO1", "R", "P")
    words = ["grace", "sound", "river", "holy", "silent", "bonnie", "garden", "moonlight"]
    read = [" ".join(spell(word)) == cmu_dictionary()[word] for word in words]
    assert sum(read) >= 7
    assert set(spell("x'y")) <= set(Vocabulary.default().symbols)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,000", "one thousand"),
        ("1066", "ten sixty-six"),
        ("1905", "nineteen oh five"),
        ("2000", "two thousand"),
        ("2007", "two thousand seven"),
        ("21st", "twenty-first"),
        ("$1.50", "one dollar fifty cents"),
        ("£3", "three pounds"),
        ("3.14", "three point one four"),
        ("1" * 16, " ".join(["one"] * 16)),
    ],
)
def test_numbers(text: str, words: str) -> None:
    assert expand_numbers(text) == words


def test_parts_of_speech_depend_on_the_sentence() -> None:
    tags = tag_words(("They", "refuse", "to", "permit", "the", "refuse", "permit"))
    assert tags[1].startswith("V") and tags[3] == "VB"
    assert tags[5].startswith("N") and tags[6].startswith("N")


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("不怕", "b u2 p a4"),
        ("看不懂", "k an4 b u5 d ong3"),
        ("一天", "y i4 t ian1"),
        ("一样", "y i2 y ang4"),
        ("第一", "d i4 y i1"),
        ("看一看", "k an4 y i5 k an4"),
        ("你好", "n i2 h ao3"),
        ("老虎", "l ao2 h u3"),
        ("蒙古包", "m eng2 g u3 b ao1"),
        ("月亮", "y ve4 l iang5"),
        ("奶奶", "n ai3 n ai5"),
        ("我们", "w o3 m en5"),
        ("女子", "n v2 z i03"),
        ("家里", "j ia1 l i5"),
        ("回来", "h ui2 l ai5"),
        ("几个", "j i3 g e5"),
    ],
)
def test_tones_in_words(text: str, phonemes: str) -> None:
    assert " ".join(released_mandarin(text)) == phonemes


def test_every_common_character_has_symbols() -> None:
    # The 3755 characters of GB 2312's first level.
    common = [
        bytes((row, cell)).decode("gb2312")
        for row in range(0xB0, 0xD8)
        for cell in range(0xA1, 0xFF)
        if (row, cell) < (0xD7, 0xFA)
    ]
    assert len(common) == 3755
    emitted = {symbol for character in common for symbol in released_mandarin(character)}
    assert emitted <= set(Vocabulary.default().symbols)
    assert {"AA", "EE", "OO", "E4", "En2", "ir1", "i04", "iong2", "ve4", "van2", "vn1"} <= emitted


def test_characters_without_a_reading_are_named() -> None:
    with pytest.raises(LyricsError, match="\U00022f4b"):
        released_mandarin("好\U00022f4b")
