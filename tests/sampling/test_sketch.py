"""Penalty and choice of a token."""

import torch

from songbloom.sampling import GenerationSettings, RepetitionPenalty
from songbloom.sampling.sketch import choose_code, penalise_repetition

LOGITS = torch.tensor([2.0, -1.0, 0.5, -3.0])  # three codes and the end


def test_released_penalty_divides_every_sign_and_spares_the_end():
    settings = GenerationSettings(
        repetition_penalty=RepetitionPenalty.RELEASED, penalty=2.0, penalty_window=3
    )
    lowered = penalise_repetition(LOGITS, [0, 1, 1, 3], settings)
    # The window holds 1, 1 and the end: code 1 counts once, code 0 has left the window.
    assert lowered.tolist() == [2.0, -0.5, 0.5, -3.0]


def test_standard_penalty_lowers_every_sign():
    settings = GenerationSettings(
        repetition_penalty=RepetitionPenalty.STANDARD, penalty=2.0, penalty_window=3
    )
    assert penalise_repetition(LOGITS, [0, 1], settings).tolist() == [1.0, -2.0, 0.5, -3.0]


def test_top_k_draws_among_the_best_only():
    generator = torch.Generator().manual_seed(0)
    settings = GenerationSettings(top_k=2, temperature=5.0)
    drawn = {int(choose_code(LOGITS, settings, generator)) for _ in range(50)}
    assert drawn == {0, 2}


def test_greedy_takes_the_best():
    assert int(choose_code(LOGITS, GenerationSettings(greedy=True), torch.Generator())) == 0
