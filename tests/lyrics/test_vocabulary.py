import pytest

from songbloom.lyrics import LyricIds, UnknownPhonemeError, Vocabulary, VocabularyError
from songbloom.lyrics.sections import SECTION_TAGS

SMALL = Vocabulary(("", "[verse]", "[chorus]", ",", ".", "A", "B"))


def test_encode_states_structure_and_sentences() -> None:
    ids = SMALL.encode("A [verse] A B . B , [chorus] A")
    assert ids == LyricIds(
        ids=(5, 1, 5, 6, 4, 6, 3, 2, 5),
        structure_ids=(0, 1, 1, 1, 4, 1, 3, 2, 2),
        sentence_index=(1, 0, 1, 1, 0, 2, 0, 0, 1),
    )


def test_sentence_index_is_capped_one_below_its_rows() -> None:
    text = "[verse]" + " A ." * 60
    assert max(SMALL.encode(text).sentence_index) == 49
    assert max(SMALL.encode(text, max_sentences=5).sentence_index) == 4


def test_two_spaces_and_the_null_lyric_are_the_empty_symbol() -> None:
    assert SMALL.encode("A  B").ids == (5, 0, 6)
    assert SMALL.encode("") == LyricIds(ids=(0,), structure_ids=(0,), sentence_index=(1,))


def test_without_an_empty_symbol_the_null_lyric_is_empty() -> None:
    vocabulary = Vocabulary(("[verse]", "A"))
    assert vocabulary.encode("") == LyricIds()
    assert vocabulary.encode("[verse]  A").ids == (0, 1)


def test_unknown_symbols_are_all_named() -> None:
    with pytest.raises(UnknownPhonemeError, match="'Q', 'X'"):
        SMALL.encode("A Q B X Q")
    with pytest.raises(UnknownPhonemeError, match="'Q'"):
        SMALL.id("Q")


@pytest.mark.parametrize(
    ("symbols", "said"), [((), "empty"), (("A", "A"), "twice"), (("A B",), "without spaces")]
)
def test_malformed_vocabularies_are_refused(symbols: tuple[str, ...], said: str) -> None:
    with pytest.raises(VocabularyError, match=said):
        Vocabulary(symbols)


def test_yaml_must_be_a_list_of_strings(tmp_path) -> None:
    path = tmp_path / "vocab.yaml"
    for text in ("symbols: [A]", "- 1", "[", "- !!python/object/apply:os.getcwd []"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(VocabularyError):
            Vocabulary.from_yaml(path)
    with pytest.raises(VocabularyError, match=r"absent\.yaml"):
        Vocabulary.from_yaml(tmp_path / "absent.yaml")


def test_default_round_trips_and_keeps_its_order() -> None:
    default = Vocabulary.default()
    assert default.symbols[0] == "" and default.id(SECTION_TAGS[0]) == 1
    assert {default.symbols[i] for i in default.section_ids} == set(SECTION_TAGS)
    assert Vocabulary.from_list(default.to_list()) == default
    reordered = Vocabulary.from_list(reversed(default.to_list()))
    assert reordered.fingerprint != default.fingerprint
