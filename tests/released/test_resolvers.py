"""The yaml of a release: its resolvers, and what must never be executed or read."""

import time

import pytest

from songbloom.errors import SongBloomError
from songbloom.released.resolvers import arithmetic, read_released_yaml


def read(tmp_path, text):
    (tmp_path / "model.yaml").write_text(text, encoding="utf-8")
    return read_released_yaml(tmp_path / "model.yaml")


def test_every_resolver_of_the_releases(tmp_path):
    (tmp_path / "vocab.yaml").write_text("- ''\n- '[intro]'\n- A", encoding="utf-8")
    data = read(
        tmp_path,
        """
        sr: 48000
        model: {dim: 128, copy: "${model.dim}"}
        seconds: 10
        frames: ${eval:"${seconds} * 25"}
        weights: ${dynamic_path:"???/model.pt"}
        unquoted: ${dynamic_path:???/sub/x.ckpt}
        symbols: ${load_yaml:${dynamic_path:"???/vocab.yaml"}}
        joined: ${concat:${symbols},${symbols}}
        stem: ${get_fname:${weights}}
        text: run at ${sr} Hz
        """,
    )
    assert data["model"]["copy"] == 128
    assert data["frames"] == 250
    assert data["weights"] == str(tmp_path / "model.pt")
    assert data["unquoted"] == str(tmp_path / "sub" / "x.ckpt")
    assert data["symbols"] == ["", "[intro]", "A"]
    assert data["joined"] == data["symbols"] * 2
    assert data["stem"] == "model"
    assert data["text"] == "run at 48000 Hz"


@pytest.mark.parametrize(
    ("expression", "value"),
    [("10 * 25", 250), ("(1 + 2) * -3", -9), ("7 // 2 + 7 % 4", 6), ("1.5e3 / 2", 750)],
)
def test_arithmetic(expression, value):
    assert arithmetic(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('touch executed')",
        "().__class__",
        "open('x')",
        "x",
        "2 ** 9999999",
        "'a' * 99999999",
        "[0] * 9",
        "True + 1",
        "1 if 1 else 2",
        "1 / 0",
        "1 +",
        "lambda: 1",
        "(" * 150 + "1" + ")" * 150 + "+" * 40,
        "1 +" * 500 + "1",
        "",
    ],
)
def test_all_but_arithmetic_is_refused(expression, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SongBloomError, match="nothing is executed"):
        arithmetic(expression)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: \"${eval:__import__('os').system('touch executed')}\"", "refused"),
        ("a: ${oc.env:HOME}", "oc.env"),
        ("a: ${python:1}", "not known"),
        ("a: ${b.c}", "does not hold"),
        ("a: ${b}\nb: ${a}", "refer to one another"),
        ("a: ${dynamic_path:???/../../etc/passwd}", "leads out"),
        ("a: ${load_yaml:/etc/passwd}", "leads out"),
        ("a: ${load_yaml:absent.yaml}", "cannot be read"),
        ("a: ${sr", "not closed"),
        ("a: !!python/object/apply:os.system ['touch executed']", "no valid yaml"),
        ("a: " + "[" * 20_000, "nested too deeply"),
        ("a: !!timestamp abc", "no valid yaml"),
        ("a: {[1]: 2}", "no valid yaml"),
        ("- a list", "mapping"),
        ("a: [", "no valid yaml"),
        ("a: ${concat:1,2}", "needs lists"),
    ],
)
def test_hostile_and_broken_files(tmp_path, monkeypatch, text, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SongBloomError, match=sentence):
        read(tmp_path, text)
    assert not (tmp_path / "executed").exists()


def test_a_bomb_of_aliases_is_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(SongBloomError, match="nested too deeply"):
        read(tmp_path, "\n".join(lines))


def test_merge_keys_are_refused(tmp_path):
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 9)]
    start = time.monotonic()
    with pytest.raises(SongBloomError, match="merges mappings"):
        read(tmp_path, "\n".join(lines[:3]))
    with pytest.raises(SongBloomError, match="nested too deeply"):
        read(tmp_path, "\n".join(lines))
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["a: &a [*a]"], "nested too deeply"),
        (["s: " + "x" * 6_000, "a: ${s}${s}"], "longer"),
        (["l: [1]", "a: x ${l}"], "needs a plain value"),
        (["l: ${load_yaml:v.yaml}", *["a: ${concat:${l},${l},${l},${l}}"]], "nested too deeply"),
    ],
)
def test_other_bombs_are_refused(tmp_path, lines, sentence):
    (tmp_path / "v.yaml").write_text("- x\n" * 30_000, encoding="utf-8")
    with pytest.raises(SongBloomError, match=sentence):
        read(tmp_path, "\n".join(lines))


def test_a_file_is_read_once(tmp_path):
    (tmp_path / "v.yaml").write_text("- x\n" * 3_000, encoding="utf-8")
    start = time.monotonic()
    data = read(tmp_path, "\n".join(f"a{i}: ${{load_yaml:v.yaml}}" for i in range(300)))
    assert time.monotonic() - start < 5
    assert data["a299"] is data["a0"]


def test_links_of_a_download_are_followed(tmp_path):
    """A hub's folder holds links to where its files really lie."""
    blobs, folder = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    folder.mkdir()
    (blobs / "1").write_text("- A", encoding="utf-8")
    (folder / "vocab.yaml").symlink_to(blobs / "1")
    assert read(folder, "a: ${load_yaml:${dynamic_path:???/vocab.yaml}}") == {"a": ["A"]}
