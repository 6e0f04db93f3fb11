from dataclasses import replace

import pytest

from data_prep.demo_corpus.notation import load_song, load_songs
from data_prep.demo_corpus.plan import Rendition, plan
from data_prep.demo_corpus.timeline import build_timeline, sung_words
from data_prep.demo_corpus.variant import (
    MAX_SECONDS,
    MIN_SECONDS,
    draw_variant,
    duration,
    sung_pitches,
)
from songbloom.errors import SongBloomError


def variants(renditions):
    return [(r.song, draw_variant(load_song(r.song), r.seed)) for r in renditions]


def test_a_plan_is_deterministic_and_grows():
    assert plan(3, 40) == plan(3, 40)
    assert set(plan(3, 20)) < set(plan(3, 40))
    assert {r.seed for r in plan(3, 40)}.isdisjoint({r.seed for r in plan(4, 40)})


def test_splits_keep_songs_and_seeds_apart():
    renditions = plan(0, 200)
    by_split = {split: [r for r in renditions if r.split == split] for split in ("train", "val")}
    test = [r for r in renditions if r.split == "test"]
    held_out = {song.key for song in load_songs() if song.split == "test"}
    assert {r.song for r in test} == held_out
    assert len(test) == 2 * len(held_out)
    assert {r.song for r in by_split["train"]} == {r.song for r in by_split["val"]}
    assert held_out.isdisjoint(r.song for r in by_split["train"])
    keys = [r.key for r in renditions]
    assert len(set(keys)) == len(keys) and not any("." in key for key in keys)
    assert len(by_split["train"]) == 200


def test_150_renditions_differ_in_more_than_tempo():
    distinct = {(song, replace(v, bpm=0.0)) for song, v in variants(plan(0, 150, 0, 0))}
    assert len(distinct) >= 150


def test_every_rendition_lasts_30_to_100_seconds_and_suits_the_voice():
    seen = {"style": set(), "drums": set(), "voice": set(), "lead": set()}
    for seed in (0, 1):
        for song_key, variant in variants(plan(seed, 150)):
            song = load_song(song_key)
            assert MIN_SECONDS <= duration(song, variant.form, variant.bpm) <= MAX_SECONDS
            assert abs(variant.bpm / song.bpm - 1) < 0.121
            pitches = sung_pitches(song, variant.form) + variant.transposition
            assert 50 <= pitches.mean() <= 60 and pitches.min() >= 45 and pitches.max() <= 67
            for name in seen:
                value = getattr(variant, name)
                seen[name].add(value if isinstance(value, str) else value.name)
    assert len(seen["style"]) >= 4 and "none" in seen["drums"] and len(seen["drums"]) == 3
    assert len(seen["voice"]) == 12 and len(seen["lead"]) == 5


@pytest.mark.parametrize("song", load_songs(), ids=lambda song: song.key)
def test_the_timeline_has_no_gap_and_words_stay_in_their_section(song):
    for form in song.forms:
        timeline = build_timeline(song, replace(draw_variant(song, 5), form=form))
        assert timeline.placed[0].start == 0
        for placed, following in zip(timeline.placed, timeline.placed[1:], strict=False):
            assert placed.end == following.start
        end = 0.0
        for index, word in sung_words(timeline):
            placed = timeline.placed[index]
            for note in (note for syllable in word.syllables for note in syllable):
                assert note.length > 0 and note.start >= end - 1e-9
                end = note.start + note.length
                assert note.start >= timeline.seconds(placed.start) - 1e-9
                assert end <= timeline.seconds(placed.end) + 1e-9


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"split": "dev"}, "split must be one of"),
        ({"number": 10_000}, "number must lie in"),
        ({"corpus_seed": -1}, "corpus_seed must not be negative"),
    ],
)
def test_a_wrong_rendition_is_refused(fields, sentence):
    good = {"song": "twinkle", "number": 0, "corpus_seed": 0, "split": "train"}
    with pytest.raises(SongBloomError, match=sentence):
        Rendition(**(good | fields))


def test_a_wrong_count_is_refused():
    with pytest.raises(SongBloomError, match="number of train renditions cannot be -1"):
        plan(0, -1)


def test_a_plan_can_be_of_few_songs_and_short_performances():
    songs = ["amazing_grace", "song_bie"]
    renditions = plan(0, 12, training_songs=songs, max_seconds=60)
    assert {r.song for r in renditions if r.split != "test"} == set(songs)
    assert len([r for r in renditions if r.split == "train"]) == 12
    by_key = {song.key: song for song in load_songs()}
    for rendition in renditions:
        variant = draw_variant(by_key[rendition.song], rendition.seed)
        assert duration(by_key[rendition.song], variant.form, variant.bpm) <= 60
    with pytest.raises(SongBloomError, match="no training song 'clementine'"):
        plan(0, 12, training_songs=["clementine"])
    with pytest.raises(SongBloomError, match="allow longer ones"):
        plan(0, 12, max_seconds=31)
