import re
from dataclasses import replace

import pytest

from data_prep.demo_corpus.notation import (
    SONG_FOLDER,
    load_song,
    load_songs,
    parse_chord,
    parse_pitch,
    parse_song,
)
from data_prep.demo_corpus.song import PLAYED_TAGS, SUNG_TAGS, SongError

SMALL = """
title: Small
language: en
split: train
source: a test
public_domain: a test
licence: public domain
bpm: 60
meter: 3
form: intro 1, verse 1, verse 1

[verse 1] pickup 1
chords: C F,G,C
A-:D4/1 | maz-:G4/2 ing:B4/.5+G4/.5 | grace:B4/2 . _/1

[intro 1]
play: verse 1 bars 1-1
"""


def test_a_small_song_is_read_note_by_note():
    song = parse_song(SMALL, "small")
    verse, intro = song.sections["verse 1"], song.sections["intro 1"]
    assert [word.text for word in verse.words] == ["Amazing", "grace"]
    assert [len(word.syllables) for word in verse.words] == [3, 1]
    assert [(n.start, n.length, n.midi) for n in verse.notes] == [
        (-1, 1, 62),
        (0, 2, 67),
        (2, 0.5, 71),
        (2.5, 0.5, 67),
        (3, 2, 71),
    ]
    assert verse.bars == 2 and verse.sentences == (("Amazing", "grace"),)
    assert [(c.start, c.length, c.pitch_classes[0]) for c in verse.chords] == [
        (0, 3, 0),
        (3, 1, 5),
        (4, 1, 7),
        (5, 1, 0),
    ]
    assert [n.midi for n in intro.melody] == [67, 71, 67] and not intro.words


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("A-:D4/1", "A-:H4/1", r"small: \[verse 1\]: word 0, token 'A-:H4/1': .*not a pitch"),
        ("A-:D4/1", "A-D4/1", "'A-D4/1': a syllable is written as"),
        ("A-:D4/1", "A-:D4", "'A-:D4': 'D4' lacks a length"),
        ("grace:B4/2", "grace:B4/0", "'grace:B4/0': a note's length must be positive"),
        ("grace:B4/2 . _/1", "grace:B4/2 .", "notes end 2 beats into a bar"),
        ("maz-:G4/2", "maz-:G4/1", "a bar line stands at beat 2 of the bar"),
        ("chords: C F,G,C", "chords: C", "chords do not cover its 2 bars"),
        ("chords: C", "chords: H", "'H' is not a chord"),
        ("bars 1-1", "bars 2-3", r"bars 2-3 are not in verse 1 \(2 bars\)"),
        ("play: verse 1", "play: verse 2", "that names a section above it"),
        ("[intro 1]", "[solo]", r"'\[solo\]' is no section header"),
        ("form: intro 1,", "form: coda,", "the form names 'coda', which is no section"),
        ("grace:B4/2 . _/1", "grace:B4/1 . _/1 oh:C4/1", "last note of .* is lost in the pickup"),
        ("licence: public domain\n", "", "the meta line 'licence' is missing"),
        ("meter: 3", "meter: three", "bpm and meter must be numbers"),
        ("bpm: 60", "bpm: 600", "bpm must lie between"),
        ("language: en", "language: fr", "language must be one of"),
        ("title:", "name:", "unknown meta line 'name: Small'"),
        ("grace:B4/2", "grace-:B4/2", "ends with a hyphen"),
    ],
)
def test_a_fault_is_named_with_song_and_token(old, new, sentence):
    assert old in SMALL
    with pytest.raises(SongError, match=sentence) as error:
        parse_song(SMALL.replace(old, new, 1), "small")
    assert str(error.value).startswith("small: ")


def test_pitches_and_chords():
    assert [parse_pitch(p) for p in ("C4", "F#4", "Bb3", "A4")] == [60, 66, 58, 69]
    assert parse_chord("Am7") == (9, 0, 4, 7)
    assert parse_chord("Bb") == (10, 2, 5)


@pytest.mark.parametrize("song", load_songs(), ids=lambda song: song.key)
def test_sung_beats_fill_whole_bars_under_the_chords(song):
    """Counted from the text itself, beside what the parser makes of it."""
    text = (SONG_FOLDER / f"{song.key}.txt").read_text(encoding="utf-8")
    for header, body in re.findall(r"^\[(\w+(?: \d+)?)\](.*?)(?=^\[|\Z)", text, re.M | re.S):
        section = song.sections[header]
        if section.tag in PLAYED_TAGS:
            assert section.melody, f"{song.key} [{header}] has nothing to play"
            continue
        chords = re.findall(r"^chords: (.*)$", body, re.M)[0].split()
        beats = sum(float(length) for length in re.findall(r"/([\d.]+)", body))
        assert beats - section.pickup == len(chords) * song.meter == section.bars * song.meter
        for note, following in zip(section.notes, section.notes[1:], strict=False):
            assert note.end <= following.start
        assert section.words[-1].ends_sentence


def test_the_songs_are_enough_and_documented():
    songs = load_songs()
    assert len(songs) >= 14
    assert len([song for song in songs if song.split == "train"]) >= 12
    assert len([song for song in songs if song.split == "test"]) >= 3
    for split in ("train", "test"):
        assert any(song.language == "zh" and song.split == split for song in songs)
    assert len([song for song in songs if song.language == "zh"]) >= 3
    assert all(song.source and song.public_domain and song.licence for song in songs)
    used = {song.sections[name].tag for song in songs for form in song.forms for name in form}
    assert used == set(SUNG_TAGS + PLAYED_TAGS)
    for song in songs:
        assert {name for form in song.forms for name in form} == set(song.sections)


def test_the_page_lists_every_song():
    page = (SONG_FOLDER.parents[2] / "docs" / "demo_corpus.md").read_text(encoding="utf-8")
    for song in load_songs():
        assert f"| {song.title} | {song.language} | {song.split} | {song.source} |" in page


def test_no_line_is_shared_between_the_splits():
    def lines(split):
        return {
            sentence
            for song in load_songs()
            if song.split == split
            for section in song.sections.values()
            for sentence in section.sentences
        }

    assert not lines("train") & lines("test")


def test_a_missing_song_is_named():
    with pytest.raises(SongError, match="There is no song 'nowhere'"):
        load_song("nowhere")
    with pytest.raises(SongError, match="split must be one of"):
        replace(load_song("twinkle"), split="dev")
