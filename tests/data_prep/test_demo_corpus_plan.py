from dataclasses import replace

import pytest

from data_prep.demo_corpus.notation import load_song, load_songs
from data_prep.demo_corpus.plan import Rendition, plan
from data_prep.demo_corpus.timeline import build_timeline, sung_words
from data_prep.demo_corpus.variant import (
    Freedom,
    draw_variant,
    duration,
    sung_pitches,
)
from data_prep.demo_corpus.word_exchange import exchange_words
from songbloom.errors import SongBloomError
from songbloom.lyrics import phonemize_line


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
            assert 30 <= duration(song, variant.form, variant.bpm) <= 100
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
    freedom = Freedom(max_seconds=60)
    renditions = plan(0, 12, training_songs=songs, freedom=freedom)
    assert {r.song for r in renditions if r.split != "test"} == set(songs)
    assert len([r for r in renditions if r.split == "train"]) == 12
    by_key = {song.key: song for song in load_songs()}
    for rendition in renditions:
        variant = draw_variant(by_key[rendition.song], rendition.seed, rendition.freedom)
        assert 30 <= duration(by_key[rendition.song], variant.form, variant.bpm) <= 60
    with pytest.raises(SongBloomError, match="no training song 'clementine'"):
        plan(0, 12, training_songs=["clementine"])
    with pytest.raises(SongBloomError, match="no form lasts 30 to 31 s; allow shorter or longer"):
        draw_variant(by_key["amazing_grace"], 0, Freedom(max_seconds=31))


def test_a_plan_can_be_faster_and_exchange_words_in_part_of_the_training_songs():
    freedom = Freedom(tempo=1.3, tempo_spread=0.02, num_forms=1, max_seconds=70)
    songs = ["twinkle", "song_bie"]
    renditions = plan(0, 60, freedom=freedom, exchanged_share=0.5, training_songs=songs)
    performed = {True: [], False: []}
    for rendition in renditions:
        song = load_song(rendition.song)
        variant = draw_variant(song, rendition.seed, rendition.freedom)
        tempo = variant.bpm / song.bpm
        performed[rendition.words_exchanged].append((song.key, variant.form, tempo))
    assert all(1.27 < tempo < 1.33 for _, _, tempo in performed[False])
    assert len({form for key, form, _ in performed[False] if key == "twinkle"}) == 1
    # Those with exchanged words are performed in any form and tempo.
    assert max(tempo for _, _, tempo in performed[True]) > 1.4
    assert len({form for key, form, _ in performed[True] if key == "twinkle"}) > 1
    for song in songs:
        train = [r for r in renditions if r.split == "train" and r.song == song]
        assert sum(r.words_exchanged for r in train) == 15
    assert not any(r.words_exchanged for r in renditions if r.split != "train")
    with pytest.raises(SongBloomError, match="exchanged_share must lie in 0 to 1"):
        plan(0, 4, exchanged_share=1.5)


def test_exchanged_words_are_the_same_words_on_the_same_notes():
    song = load_song("amazing_grace")
    exchanged = exchange_words(song, 7)
    assert exchanged == exchange_words(song, 7) != exchange_words(song, 8)

    def words(of):
        return [word for section in of.sections.values() for word in section.words]

    assert sorted(w.text for w in words(exchanged)) == sorted(w.text for w in words(song))
    pairs = list(zip(words(song), words(exchanged), strict=True))
    assert all(a == replace(b, text=a.text) for a, b in pairs)
    assert sum(a.text != b.text for a, b in pairs) > 0.7 * len(pairs)
    for a, b in pairs:
        assert len(phonemize_line(a.text).split()) == len(phonemize_line(b.text).split())


@pytest.mark.parametrize(
    "field",
    [
        {"tempo": 3.0},
        {"tempo": 0.1},
        {"tempo_spread": -0.1},
        {"num_forms": 0},
        {"min_seconds": 50, "max_seconds": 40},
    ],
)
def test_an_impossible_freedom_is_refused(field):
    with pytest.raises(SongBloomError, match=f"{next(iter(field))} must"):
        Freedom(**field)


def test_few_forms_are_the_first_ones_that_fit():
    song = load_song("jingle_bells")

    def forms(freedom):
        return {draw_variant(song, seed, freedom).form for seed in range(40)}

    assert forms(Freedom()) == set(song.forms)
    assert forms(Freedom(num_forms=2)) == set(song.forms[:2])
    assert forms(Freedom(num_forms=1, min_seconds=80)) == {song.forms[1]}
