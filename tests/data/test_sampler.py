"""The plan of batches: budget, completeness, and exact resumption on any number of ranks."""

import itertools

import numpy as np
import pytest

from songbloom.data.sampler import PlanSampler
from songbloom.data.schema import DatasetError

NUM_FRAMES = np.random.default_rng(0).integers(100, 1000, size=101).tolist()


def make_sampler(rank: int = 0, world_size: int = 1, **changes) -> PlanSampler:
    options = {"num_prompts": 4, "max_frames_per_batch": 4000, "seed": 3, **changes}
    return PlanSampler(NUM_FRAMES, rank=rank, world_size=world_size, **options)


def run(world_size: int, num_steps: int, state: dict | None = None) -> tuple[list, dict]:
    """The batches that ranks see in turn, in `num_steps` steps, and the state after them."""
    samplers = [make_sampler(rank, world_size) for rank in range(world_size)]
    for sampler in samplers:
        if state is not None:
            sampler.load_state_dict(state)
    iterators = [iter(sampler) for sampler in samplers]
    seen = []
    for _ in range(num_steps):
        for rank, sampler in enumerate(samplers):
            batch = next(iterators[rank], None)
            if batch is None:
                iterators[rank] = iter(sampler)
                batch = next(iterators[rank])
            seen.append(batch)
            sampler.advance()
    states = [sampler.state_dict() for sampler in samplers]
    assert all(state == states[0] for state in states)
    return seen, states[0]


def test_an_epoch_holds_every_song_once_within_the_budget() -> None:
    sampler = make_sampler()
    plans = [sampler.plan(epoch) for epoch in range(5)]
    for plan in plans:
        assert sorted(item.sample for batch in plan for item in batch) == list(range(101))
        for batch in plan:
            assert max(NUM_FRAMES[item.sample] for item in batch) * len(batch) <= 4000
            assert all(0 <= item.prompt < 4 for item in batch)
        assert len(plan) == len(sampler)
    assert plans[0] != plans[1]
    assert plans[0] == make_sampler().plan(0) != make_sampler(seed=4).plan(0)


def test_songs_of_a_batch_are_of_similar_length() -> None:
    plan = make_sampler().plan(0)
    padded = sum(max(NUM_FRAMES[item.sample] for item in batch) * len(batch) for batch in plan)
    assert padded < 1.25 * sum(NUM_FRAMES)


def test_every_prompt_is_used() -> None:
    sampler = make_sampler()
    chosen = {
        item.prompt for epoch in range(20) for b in sampler.plan(epoch) for item in b if not item[0]
    }
    assert chosen == {0, 1, 2, 3}


def test_ranks_get_equal_counts_and_everything() -> None:
    for world_size in (2, 3, 7):
        parts = [list(make_sampler(rank, world_size)) for rank in range(world_size)]
        assert len({len(part) for part in parts}) == 1 and len(parts[0]) == len(
            make_sampler(0, world_size)
        )
        mixed = list(itertools.chain(*zip(*parts, strict=True)))
        plan = make_sampler().plan(0)
        assert mixed[: len(plan)] == plan
        assert len(mixed) - len(plan) < world_size


@pytest.mark.parametrize("steps_before", [0, 1, 5, 9, 30])
def test_resumed_equals_uninterrupted(steps_before: int) -> None:
    for world_size in (1, 2):
        whole, _ = run(world_size, 40)
        first, state = run(world_size, steps_before)
        rest, _ = run(world_size, 40 - steps_before, state)
        assert first + rest == whole


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (3, 2)])
def test_another_number_of_ranks_goes_on_without_loss_or_repeat(before: int, after: int) -> None:
    plan = make_sampler().plan(0)
    first, state = run(before, 3)
    rest, _ = run(after, (len(plan) - len(first)) // after, state)
    assert first + rest == plan[: len(first) + len(rest)]
    assert len(plan) - len(first) - len(rest) < after


def test_unshuffled_plan_is_the_same_each_epoch() -> None:
    sampler = make_sampler(shuffle=False)
    assert sampler.plan(0) == sampler.plan(1)
    assert sorted(item.sample for batch in sampler.plan(0) for item in batch) == list(range(101))
    lengths = [NUM_FRAMES[item.sample] for batch in sampler.plan(0) for item in batch]
    assert lengths == sorted(lengths)


def test_wrong_input_is_named() -> None:
    with pytest.raises(DatasetError, match="max_frames_per_batch is 900"):
        make_sampler(max_frames_per_batch=900)
    with pytest.raises(DatasetError, match="no songs"):
        PlanSampler([], num_prompts=1, max_frames_per_batch=1, seed=0)
    with pytest.raises(DatasetError, match="seed 3, but this run's has 4"):
        make_sampler(seed=4).load_state_dict(make_sampler().state_dict())
    with pytest.raises(DatasetError, match="num_batches"):
        make_sampler(max_frames_per_batch=8000).load_state_dict(make_sampler().state_dict())
