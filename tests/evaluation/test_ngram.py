"""The baselines against sums by hand."""

import math

import numpy as np
import pytest

from songbloom.evaluation.ngram import BigramModel, unigram_entropy


def test_unigram_entropy_of_a_fair_coin_is_ln_2():
    songs = [np.array([0, 1, 0, 1]), np.array([1, 0])]
    assert unigram_entropy(songs, num_codes=5) == pytest.approx(math.log(2))


def test_bigram_learns_a_cycle_and_spreads_its_mass():
    cycle = np.arange(300) % 3
    model = BigramModel([cycle], [cycle], num_codes=4)
    assert model.cross_entropy([cycle]) < 0.05
    total = sum(
        math.exp(-2 * model.cross_entropy([np.array([1, b])]))
        / math.exp(-1 * model.cross_entropy([np.array([1])]))
        for b in range(4)
    )
    assert total == pytest.approx(1.0, abs=1e-6)


def test_the_weight_is_chosen_for_the_validation_songs():
    rng = np.random.default_rng(0)
    cycle, noise, fresh_noise = np.arange(300) % 50, *rng.integers(50, size=(2, 300))
    structured = BigramModel([cycle], [cycle], num_codes=50)
    unstructured = BigramModel([noise], [fresh_noise], num_codes=50)
    assert structured.weight > unstructured.weight
