"""The command line: songs, lists of songs, and what a user does wrong in one sentence."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from songbloom.checkpoint import Checkpoint, ComponentReference, save_checkpoint
from songbloom.cli.infer import main
from songbloom.codec.files import load_codec
from songbloom.lyrics import Vocabulary, phonemize
from songbloom.models import SongBloom
from songbloom.models.initialization import initialize_weights
from songbloom.pipeline import SongBloomPipeline


@pytest.fixture(scope="module")
def checkpoint(tiny_config, tiny_card, tmp_path_factory) -> Path:
    """A random model for the embedded codec and vocabulary that never ends a song."""
    vocabulary = Vocabulary.default()
    config = replace(tiny_config, vocab_size=len(vocabulary), latent_dim=64, prompt_frames=250)
    model = SongBloom(config)
    initialize_weights(model, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.sketch_head[2].bias[config.eos_id] = -1e4
    codec = ComponentReference(
        name="spectral-demo", fingerprint=load_codec("spectral-demo").fingerprint
    )
    card = replace(tiny_card, config=config, vocabulary=vocabulary, codec=codec)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_checkpoint(path, Checkpoint(card=card, state=model.state_dict()))
    return path


@pytest.fixture
def style(tmp_path) -> Path:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (8_000, 1))
    soundfile.write(tmp_path / "style.wav", noise, 16_000)
    return tmp_path / "style.wav"


@pytest.fixture
def files(tmp_path, checkpoint, style) -> dict[str, str]:
    """The options of a run that works."""
    (tmp_path / "song.txt").write_text("[verse] la la la", encoding="utf-8")
    return {
        "--checkpoint": str(checkpoint),
        "--lyrics": str(tmp_path / "song.txt"),
        "--prompt": str(style),
        "--output": str(tmp_path / "song.flac"),
        "--max-duration": "0.48",
        "--device": "cpu",
    }


@pytest.fixture
def listed(tmp_path, checkpoint, style):
    """Runs a list of rows; returns the exit status."""

    def run_rows(rows, *options):
        text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
        (tmp_path / "songs.jsonl").write_text(text, encoding="utf-8")
        arguments = ["--input-jsonl", str(tmp_path / "songs.jsonl"), "--device", "cpu"]
        arguments += ["--checkpoint", str(checkpoint), "--output-dir", str(tmp_path / "out")]
        return main([*arguments, "--max-duration", "0.32", "sampling.steps=2", *options])

    return run_rows


def run(options: dict[str, str], *more: str) -> int:
    return main(
        [*(part for option in options.items() for part in option), "sampling.steps=2", *more]
    )


def row(style, idx="a", **change):
    return {"idx": idx, "lyrics": "[verse] la la", "prompt_wav": str(style), **change}


def test_a_song_is_written_and_the_seed_decides(files, tmp_path):
    assert run(files) == 0
    first, rate = soundfile.read(tmp_path / "song.flac")
    assert rate == 48_000
    assert first.shape == (48_000 // 25 * 12, 2)
    assert run(files, "--overwrite") == 0
    again, _ = soundfile.read(tmp_path / "song.flac")
    assert np.array_equal(first, again)
    assert run(files | {"--seed": "1"}) == 0
    other, _ = soundfile.read(tmp_path / "song.flac")
    assert not np.array_equal(first, other)


def test_all_files_of_a_song_and_its_recipe(files, tmp_path):
    options = ["--save-latents", "--save-sketch", "--spectrogram"]
    assert run(files, *options, "sampling.top_k=7", "sampling.flow_guidance_type=none") == 0
    assert (tmp_path / "song.png").stat().st_size > 1_000
    assert np.load(tmp_path / "song.latent.npy").shape == (64, 12)
    assert np.load(tmp_path / "song.sketch.npy").dtype == np.uint16
    record = json.loads((tmp_path / "song.json").read_text(encoding="utf-8"))
    recipe = record["recipe"]
    assert recipe["sampling"]["top_k"] == 7
    assert recipe["sampling"]["flow_guidance_type"] == "none"
    assert recipe["lyrics"] == "[verse] la la la"
    assert recipe["phonemes"].startswith("[verse] L AA1")
    assert recipe["seed"] == 0
    assert record["result"]["seconds"] == pytest.approx(0.48)
    assert not record["result"]["ended"]


def test_the_recipe_makes_the_song_again(files, tmp_path):
    assert run(files | {"--seed": "5"}, "sampling.temperature=0.7", "--save-latents") == 0
    recipe = json.loads((tmp_path / "song.json").read_text(encoding="utf-8"))["recipe"]
    from songbloom.sampling import GenerationSettings

    sources = json.loads((tmp_path / "song.json").read_text(encoding="utf-8"))["sources"]
    pipeline = SongBloomPipeline.from_pretrained(sources["model"], device=recipe["device"])
    song = pipeline(
        recipe["lyrics"],
        sources["prompt"],
        seed=recipe["seed"],
        settings=GenerationSettings(**recipe["sampling"]),
        max_seconds=recipe["max_seconds"],
    )
    assert np.array_equal(song.latents.numpy(), np.load(tmp_path / "song.latent.npy"))


def test_lyrics_on_the_command_line_and_from_standard_input(files, tmp_path, monkeypatch):
    files.pop("--lyrics")
    assert run(files | {"--lyrics-text": '[verse] my {a: 1} = "la"'}) == 0
    with open(tmp_path / "song.txt", encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert run(files | {"--lyrics": "-"}) == 0
    recipe = json.loads((tmp_path / "song.json").read_text(encoding="utf-8"))["recipe"]
    assert recipe["lyrics"] == "[verse] la la la"


@pytest.mark.parametrize(
    ("lyrics", "sentence"),
    [("[verze] la la", "verze"), ("", "empty"), ("[verse] Привет", "П"), ("a" * 200_000, "200000")],
)
def test_bad_lyrics(files, capsys, lyrics, sentence):
    Path(files["--lyrics"]).write_text(lyrics, encoding="utf-8")
    assert run(files) == 2
    error = capsys.readouterr().err.replace(",", "").replace(" ", " ")
    assert sentence in error
    assert len([line for line in error.splitlines() if line.startswith("error: ")]) == 1
    assert not Path(files["--output"]).exists()


def test_files_that_are_not_what_they_should_be(files, tmp_path, capsys):
    (tmp_path / "text.wav").write_text("no audio")
    for option, value, sentence in [
        ("--prompt", str(tmp_path / "text.wav"), "cannot be read as audio"),
        ("--prompt", str(tmp_path / "absent.wav"), "absent.wav"),
        ("--lyrics", str(tmp_path / "absent.txt"), "absent.txt"),
        ("--lyrics", str(tmp_path / "style.wav"), "not UTF-8"),
        ("--checkpoint", str(tmp_path / "style.wav"), "cannot be read as a checkpoint"),
        ("--codec", str(tmp_path / "style.wav"), "not a readable codec"),
        ("--max-duration", "-1", "positive length"),
        ("--device", "cuda:9", "no device"),
        ("--n-samples", "2", "--n-samples"),
    ]:
        assert run(files | {option: value}) == 2
        assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("sampling.stepz=3", "sampling.steps"),
        ("steps=3", "sampling.steps"),
        ("sampling.steps=2.5", "type int"),
        ("sampling.steps=true", "type int"),
        ("sampling.steps=1,2", "not understood"),
        ("sampling.top_k=-3", "top_k"),
        ("sampling.flow_guidance_type=x", "h, global, none"),
        ("sampling.steps=[", "cannot be read"),
    ],
)
def test_overrides_that_are_wrong(files, capsys, override, sentence):
    assert run(files, override) == 2
    assert sentence in capsys.readouterr().err


def test_a_vocabulary_that_does_not_fit_the_checkpoint(files, tmp_path, capsys):
    with safe_open(files["--checkpoint"], "pt") as file:
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        card = json.loads(file.metadata()["card"])
    card["vocabulary"] = card["vocabulary"][:-1]
    save_file(state, tmp_path / "odd.safetensors", {"card": json.dumps(card), "step": "0"})
    assert run(files | {"--checkpoint": str(tmp_path / "odd.safetensors")}) == 2
    assert "vocabulary holds 329 symbols" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_found_before_singing(files, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert run(files | {"--output": str(tmp_path / "file" / "song.flac")}) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_lyrics_become_phonemes_as_in_training(checkpoint):
    pipeline = SongBloomPipeline.from_pretrained(checkpoint, device="cpu")
    lyrics = "[verse] Mr. Brown's 2 roses"
    assert pipeline.phonemize(lyrics) == phonemize(lyrics, "natural")
    pipeline.card = replace(pipeline.card, g2p="released")
    assert pipeline.phonemize(lyrics) == phonemize(lyrics, "released")
    assert phonemize(lyrics, "released") != phonemize(lyrics, "natural")


def test_a_released_models_command_works_as_it_stands(reference_folder, tmp_path, style, capsys):
    """The published options with a model that is there already: no network is asked."""
    import shutil

    cache = shutil.copytree(reference_folder / "released_tiny", tmp_path / "cache")
    name = "songbloom_full_150s"
    (cache / "songbloom_tiny_demo.pt").rename(cache / f"{name}.pt")
    text = (cache / "songbloom_tiny_demo.yaml").read_text(encoding="utf-8")
    (cache / f"{name}.yaml").write_text(text.replace("songbloom_tiny_demo", name), encoding="utf-8")
    (cache / "songbloom_tiny_demo.yaml").unlink()
    (tmp_path / "songs.jsonl").write_text(json.dumps(row(style)), encoding="utf-8")
    command = f"--input-jsonl {tmp_path}/songs.jsonl --model-name {name} --local-dir {cache} "
    command += f"--output-dir {tmp_path}/output --n-samples 2 --dtype bfloat16 --device cpu"
    assert main([*command.split(), "--max-duration", "0.64", "sampling.steps=2"]) == 0
    made = sorted(path.name for path in (tmp_path / "output").iterdir())
    assert made == ["a_s0.flac", "a_s0.json", "a_s1.flac", "a_s1.json"]
    recipe = json.loads((tmp_path / "output" / "a_s0.json").read_text(encoding="utf-8"))["recipe"]
    assert recipe["sampling"]["top_k"] == 20  # the folder's own yaml
    assert recipe["dtype"] == "bfloat16"


def test_a_song_does_not_depend_on_the_others(listed, style, tmp_path):
    options = ["--save-sketch", "--save-latents"]
    rows = [row(style, "a"), row(style, "b", lyrics="[chorus] lu lu"), row(style, 7, seed=3)]
    assert listed(rows, *options) == 0
    together = {path.name: np.load(path) for path in (tmp_path / "out").glob("*.npy")}
    assert len(together) == 12
    for number, name in ((1, "b"), (2, "7")):
        for path in (tmp_path / "out").iterdir():
            path.unlink()
        assert listed([rows[number]], *options) == 0
        for sample in range(2):
            for kind in ("sketch", "latent"):
                file = f"{name}_s{sample}.{kind}.npy"
                assert np.array_equal(together[file], np.load(tmp_path / "out" / file))


def test_the_second_sample_has_the_next_seed(listed, style, tmp_path):
    assert listed([row(style)], "--seed", "4", "--n-samples", "3", "--save-latents") == 0
    assert listed([row(style, "b")], "--seed", "6", "--n-samples", "1", "--save-latents") == 0
    third, alone = (np.load(tmp_path / "out" / f"{n}.latent.npy") for n in ("a_s2", "b_s0"))
    assert np.array_equal(third, alone)


def test_done_songs_are_skipped_until_something_changes(listed, style, tmp_path, capsys):
    rows = [row(style, "a"), row(style, "b")]
    assert listed(rows) == 0
    song = tmp_path / "out" / "a_s0.flac"
    first = song.stat().st_mtime_ns
    (tmp_path / "out" / "b_s1.flac").unlink()
    capsys.readouterr()
    assert listed(rows) == 0
    assert capsys.readouterr().out.count("done before") == 3
    assert (tmp_path / "out" / "b_s1.flac").is_file()
    assert song.stat().st_mtime_ns == first
    rows[0]["lyrics"] = "[verse] other words"
    assert listed(rows) == 0
    assert song.stat().st_mtime_ns != first
    assert listed(rows, "sampling.top_k=3") == 0
    assert "done before" not in capsys.readouterr().out.rsplit("b_s1", 3)[-1]


def test_bad_rows_are_reported_and_the_others_made(listed, style, tmp_path, capsys):
    rows = [
        row(style, "good"),
        "{not json",
        row(style, "../../escape"),
        row(style, "/etc/passwd"),
        row(style, "..\\escape"),
        row(style, ".hidden"),
        row(style, ""),
        row(style, "good"),
        row(style, "no_prompt", prompt_wav="absent.wav"),
        row(style, "no_lyrics", lyrics=None),
        row(style, "bad_tag", lyrics="[verze] la"),
        row(style, "bad_seed", seed="x"),
        "[1]",
        row(style, "fine"),
    ]
    assert listed(rows, "--n-samples", "1") == 1
    error = capsys.readouterr().err
    for number in range(2, 14):
        assert f"line {number}: " in error
    assert "12 of 14 rows" in error
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"good_s0.flac", "good_s0.json", "fine_s0.flac", "fine_s0.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"out", "style.wav", "songs.jsonl"}


def test_a_song_that_fails_does_not_stop_the_others(listed, style, tmp_path, capsys):
    (tmp_path / "text.wav").write_text("no audio")
    rows = [row(style, "bad", prompt_wav=str(tmp_path / "text.wav")), row(style, "good")]
    assert listed(rows) == 1
    assert "line 1: " in capsys.readouterr().err
    assert (tmp_path / "out" / "good_s1.flac").is_file()


def test_a_csv_of_songs(tmp_path, checkpoint, style):
    text = f'idx,lyrics,prompt_wav,seed\na,"[verse] la, la\nla",{style.name},2\n'
    text += f"b,[verse] lu,{style},\n"
    (tmp_path / "songs.csv").write_text(text, encoding="utf-8")
    options = f"--input-csv {tmp_path}/songs.csv --checkpoint {checkpoint} --device cpu "
    options += f"--output-dir {tmp_path}/out --output-format ogg --n-samples 1 --max-duration 0.2"
    assert main([*options.split(), "sampling.steps=2"]) == 0
    recipe = json.loads((tmp_path / "out" / "a_s0.json").read_text(encoding="utf-8"))["recipe"]
    assert recipe["seed"] == 2
    assert recipe["lyrics_read"] == "[verse] la, la. la"
    assert soundfile.info(tmp_path / "out" / "b_s0.ogg").samplerate == 48_000


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Give one of"),
        (["--lyrics-text", "[verse] la"], "needs --prompt"),
        (["--lyrics-text", "a", "--input-jsonl", "b"], "not 2 of them"),
        (["--input-jsonl", "absent.jsonl"], "absent.jsonl"),
    ],
)
def test_asking_for_nothing_or_too_much(options, sentence, capsys):
    assert main(options) == 2
    assert sentence in capsys.readouterr().err


def test_a_silent_prompt_is_warned_about(files, tmp_path, capsys):
    soundfile.write(tmp_path / "silent.wav", np.zeros(8_000), 16_000)
    assert run(files | {"--prompt": str(tmp_path / "silent.wav")}) == 0
    assert "warning: The style prompt is silent" in capsys.readouterr().err


def test_a_record_vouches_only_for_the_files_of_its_own_recipe(files, tmp_path):
    assert run(files) == 0
    first = (tmp_path / "song.flac").read_bytes()
    assert run(files | {"--seed": "1", "--output": str(tmp_path / "song.mp3")}) == 0
    assert run(files | {"--seed": "1"}) == 0
    second = (tmp_path / "song.flac").read_bytes()
    assert second != first
    (tmp_path / "song.flac").write_bytes(first)
    assert run(files | {"--seed": "1"}) == 0
    assert (tmp_path / "song.flac").read_bytes() == second


def test_the_same_song_by_other_paths_is_not_made_again(files, tmp_path, capsys, monkeypatch):
    assert run(files) == 0
    monkeypatch.chdir(tmp_path)
    assert run(files | {"--prompt": "style.wav", "--output": "song.flac"}) == 0
    assert "done before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("", "is a folder"),
        ("folder", "is a folder"),
        ("take.1", "ends in .1"),
        ("song.aiff", "ends in .aiff"),
        ("style.wav", "is the prompt itself"),
        ("foreign.flac", "no record of a song"),
    ],
)
def test_outputs_that_would_do_harm(files, tmp_path, monkeypatch, capsys, output, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "foreign.json").write_text('{"lyrics": "mine"}', encoding="utf-8")
    before = (tmp_path / "style.wav").read_bytes()
    assert run(files | {"--output": output}) == 2
    assert sentence in capsys.readouterr().err
    assert (tmp_path / "style.wav").read_bytes() == before
    assert json.loads((tmp_path / "foreign.json").read_text(encoding="utf-8")) == {"lyrics": "mine"}


def test_an_ending_that_contradicts_the_format(files, capsys):
    assert run(files | {"--output-format": "wav"}) == 2
    assert "should end in wav" in capsys.readouterr().err


def test_links_in_the_output_folder_are_replaced_not_followed(files, tmp_path):
    (tmp_path / "outside").write_text("precious")
    for name in ("song.latent.npy", "song.sketch.npy", "song.png", "song.flac"):
        (tmp_path / name).symlink_to(tmp_path / "outside")
    assert run(files, "--save-latents", "--save-sketch", "--spectrogram") == 0
    assert (tmp_path / "outside").read_text() == "precious"


@pytest.mark.parametrize("seed", [float("inf"), 1.7, True, -1, 2**64, "x"])
def test_seeds_that_are_none(listed, style, capsys, seed):
    assert listed([row(style, seed=seed), row(style, "b")]) == 1
    assert "line 1: seed is" in capsys.readouterr().err


def test_long_lyrics_in_a_csv_are_told_and_the_rest_is_read(tmp_path, checkpoint, style, capsys):
    rows = ["idx,lyrics,prompt_wav", f"a,[verse] {'la ' * 70_000},{style}", f"b,[verse] lu,{style}"]
    (tmp_path / "songs.txt").write_text("\n".join(rows), encoding="utf-8")
    options = f"--input-csv {tmp_path}/songs.txt --checkpoint {checkpoint} --device cpu "
    options += f"--output-dir {tmp_path}/out --n-samples 1 --max-duration 0.2"
    assert main([*options.split(), "sampling.steps=2"]) == 1
    assert "line 2: " in capsys.readouterr().err
    assert (tmp_path / "out" / "b_s0.flac").is_file()


def test_nothing_that_can_be_made_is_a_failure_of_all(listed, capsys):
    assert listed(["{", "["]) == 2
    assert "None of the songs" in capsys.readouterr().err
