import numpy as np
import pytest

from data_prep.demo_corpus.corpus import write_rendition
from data_prep.demo_corpus.plan import Rendition
from scripts.match_lines import match_sung_lines, sung_lines, warped_distance
from songbloom.errors import SongBloomError

TIGERS = Rendition(song="liang_zhi_lao_hu", number=0, corpus_seed=0, split="train")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("renditions")
    write_rendition(folder, TIGERS, vocals=True)
    return folder


def test_sung_lines_are_matched_to_their_text_and_noise_is_not(folder):
    report = match_sung_lines(folder, candidates=20)
    assert report.total >= 12
    assert report.matched >= 0.9 * report.total
    assert sum(total for _, total in report.by_voice.values()) == report.total
    noise = np.random.default_rng(0)
    drowned = match_sung_lines(folder, lambda voice: noise.standard_normal(len(voice)), 20)
    assert drowned.matched <= 0.3 * drowned.total


def test_lines_are_cut_at_their_words(folder):
    lines = sung_lines(folder)
    assert lines[0].text == "两只老虎" and lines[0].language == "zh"
    assert all(0.3 < len(line.samples) / 22050 < 6 for line in lines)


def test_the_warped_distance_ignores_tempo_but_not_order():
    rng = np.random.default_rng(1)
    spoken = rng.standard_normal((20, 5))
    assert warped_distance(np.repeat(spoken, 3, axis=0), spoken) == pytest.approx(0, abs=1e-6)
    assert warped_distance(np.repeat(spoken[::-1], 3, axis=0), spoken) > 1


def test_an_empty_folder_and_too_many_candidates_are_named(folder, tmp_path):
    with pytest.raises(SongBloomError, match="render with --vocals"):
        match_sung_lines(tmp_path)
    with pytest.raises(SongBloomError, match="needs 999 other lines"):
        match_sung_lines(folder, candidates=1000)
