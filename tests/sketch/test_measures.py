"""Measures of a codebook, on codes whose figures are known."""

import numpy as np
import pytest

from songbloom.sketch.measures import bigram_cross_entropy, codebook_usage, label_information


def test_usage_of_even_codes() -> None:
    usage = codebook_usage([np.tile(np.arange(8), 10)], num_codes=10)
    assert usage.entropy == pytest.approx(np.log(8))
    assert usage.perplexity == pytest.approx(8)
    assert usage.dead_codes == 2
    assert usage.repeats == 0
    assert codebook_usage([np.array([1, 1, 1, 2])], num_codes=3).repeats == pytest.approx(2 / 3)


def test_bigram_knows_a_cycle_but_not_noise() -> None:
    cycle = np.tile(np.arange(8), 500)
    assert bigram_cross_entropy([cycle], [cycle[:100]], 8) < 0.02
    noise = np.random.default_rng(0).integers(8, size=(2, 20_000))
    assert bigram_cross_entropy([noise[0]], [noise[1]], 8) == pytest.approx(np.log(8), abs=0.02)


def test_information_of_codes_that_tell_all_or_nothing() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=(2, 20_000))
    names = [[f"label {label}" for label in part] for part in labels]
    told, all_of_it = label_information((labels[0], names[0]), (labels[1], names[1]), 4)
    assert all_of_it == pytest.approx(np.log(4), abs=0.01)
    assert told == pytest.approx(all_of_it, abs=0.01)
    noise = rng.integers(4, size=(2, 20_000))
    told, _ = label_information((noise[0], names[0]), (noise[1], names[1]), 4)
    assert told == pytest.approx(0, abs=0.01)
