import itertools
import json
import sys

import numpy as np
import pytest
import soundfile

from data_prep.demo_corpus import __main__ as command
from data_prep.demo_corpus import voice
from data_prep.demo_corpus.corpus import write_corpus, write_rendition
from data_prep.demo_corpus.espeak import Phoneme, speak
from data_prep.demo_corpus.plan import Rendition
from data_prep.demo_corpus.render import PEAK, render
from data_prep.demo_corpus.voice import syllabify
from songbloom.errors import SongBloomError

TIGERS = Rendition(song="liang_zhi_lao_hu", number=4, corpus_seed=0, split="train")
CABBAGE = Rendition(song="xiao_bai_cai", number=9000, corpus_seed=0, split="test")


@pytest.fixture(scope="module")
def performance():
    return render(TIGERS)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Two songs, written by two worker processes."""
    folder = tmp_path_factory.mktemp("corpus")
    assert write_corpus(folder, [TIGERS, CABBAGE], workers=2, vocals=True) == 2
    return folder


def test_one_seed_gives_one_sound_in_any_process(corpus, performance, tmp_path):
    """The worker processes and this one, which has sung another rendition before."""
    write_rendition(tmp_path, TIGERS, vocals=True)
    for name in ("flac", "vocal.flac", "json"):
        path = f"{TIGERS.key}.{name}"
        assert (tmp_path / path).read_bytes() == (corpus / path).read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"{TIGERS.key}.flac",
        f"{TIGERS.key}.json",
        f"{TIGERS.key}.vocal.flac",
    ]


def test_what_is_complete_is_left_alone(corpus):
    assert write_corpus(corpus, [TIGERS, CABBAGE], vocals=True) == 0
    (corpus / f"{CABBAGE.key}.json").unlink()
    assert write_corpus(corpus, [TIGERS, CABBAGE], vocals=True) == 1
    assert not list(corpus.glob("*.partial"))


def test_the_audio_is_what_the_description_says(corpus):
    description = json.loads((corpus / f"{CABBAGE.key}.json").read_text(encoding="utf-8"))
    info = soundfile.info(corpus / f"{CABBAGE.key}.flac")
    assert (info.samplerate, info.channels, info.subtype) == (48_000, 2, "PCM_16")
    assert info.duration == pytest.approx(description["duration"], abs=1e-3)
    assert description["key"] == CABBAGE.key and description["split"] == "test"
    samples, _ = soundfile.read(corpus / f"{CABBAGE.key}.flac")
    assert np.abs(samples).max() == pytest.approx(PEAK, abs=1e-3)


def test_sections_cover_the_song_and_hold_their_words(performance):
    description = performance.description
    sections, words = description["sections"], description["words"]
    assert sections[0]["start"] == 0 and sections[-1]["end"] == description["duration"]
    for section, following in itertools.pairwise(sections):
        assert section["start"] < section["end"] == following["start"]
    for word, following in itertools.pairwise(words):
        assert word["start"] < word["end"] <= following["start"] + 1e-3
    parts = description["lyrics"].split(" , ")
    assert len(parts) == len(sections)
    for part, section in zip(parts, sections, strict=True):
        tags = part.count(f"[{section['tag']}]")
        inside = [w for w in words if section["start"] <= w["start"] < section["end"]]
        text = part.replace(f"[{section['tag']}]", "").replace(".", "").strip()
        assert "".join(w["word"] for w in inside) == text
        assert all(word["end"] <= section["end"] for word in inside)
        assert tags == (1 if text else round(section["end"] - section["start"]))


def test_the_phonemes_follow_the_words(performance):
    phonemes, words = performance.description["espeak_phonemes"], performance.description["words"]
    assert all(p["start"] < p["end"] for p in phonemes)
    starts = [p["start"] for p in phonemes]
    assert starts == sorted(starts)
    assert {w["start"] for w in words} <= set(starts)


def test_the_voice_sounds_in_its_words_and_leads_the_mix(performance):
    words = performance.description["words"]
    sung = np.zeros(len(performance.voice), bool)
    for word in words:
        sung[int((word["start"] - 0.05) * 48_000) : int((word["end"] + 0.05) * 48_000)] = True
    power = performance.voice.astype(float) ** 2
    assert power[~sung].max() < 1e-6 * power.max()
    for word in words:
        span = slice(int(word["start"] * 48_000), int(word["end"] * 48_000))
        assert power[span].mean() > 0.01 * power[sung].mean(), word
    voice_part = performance.mix - performance.accompaniment
    ratio = np.mean(voice_part[:, sung] ** 2) / np.mean(performance.accompaniment[:, sung] ** 2)
    assert 10 * np.log10(ratio) > 3
    frames = performance.mix.mean(axis=0)[: len(sung) // 4800 * 4800].reshape(-1, 4800)
    silent = np.sqrt((frames**2).mean(axis=1)) < 1e-3
    assert silent[6:-6].sum() == 0


def test_words_are_spoken_alike_in_every_process():
    first, second = speak(("amazing", "grace"), "en-us"), speak(("amazing", "grace"), "en-us")
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.samples, other.samples)
        assert one.phonemes == other.phonemes
    assert sum(phoneme.is_vowel for phoneme in first[0].phonemes) == 3


def test_an_unknown_voice_is_named():
    with pytest.raises(SongBloomError, match="espeak-ng has no voice 'nobody'"):
        speak(("hello",), "nobody")


def test_a_missing_vocoder_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyworld", None)
    voice._world.cache_clear()
    with pytest.raises(SongBloomError, match="needs pyworld-prebuilt: pip install"):
        voice._world()


def test_syllables_divide_at_vowels():
    symbols = ["h", "ɛ", "v", "ə", "n"]
    word = [Phoneme(symbol=s, start=i, end=i + 1) for i, s in enumerate(symbols)]

    def shape(count):
        return [
            ("".join(p.symbol for p in onset), vowel.symbol, "".join(p.symbol for p in coda))
            for onset, vowel, coda in syllabify(word, count)
        ]

    assert shape(2) == [("h", "ɛ", ""), ("v", "ə", "n")]
    assert shape(1) == [("h", "ɛ", "vən")]
    assert shape(3) == [("h", "ɛ", ""), ("v", "ə", ""), ("", "ə", "n")]


def test_the_command_prints_one_sentence_for_a_wrong_count(monkeypatch, capsys, tmp_path):
    arguments = ["demo_corpus", "--output", str(tmp_path), "--renditions", "-1"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert command.main() == 2
    assert capsys.readouterr().err == "The number of train renditions cannot be -1.\n"
