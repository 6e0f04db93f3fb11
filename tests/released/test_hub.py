"""Released models by name; the hub itself is stood in for."""

import huggingface_hub
import pytest

from songbloom.errors import SongBloomError
from songbloom.released.hub import ANSWER_SECONDS, HubSettings, fetch_release, required_files


@pytest.fixture
def hub(monkeypatch):
    """Downloads write an empty file and are listed."""
    calls = []

    def download(repository, file, *, local_dir, revision, etag_timeout):
        assert etag_timeout == ANSWER_SECONDS
        calls.append((repository, file, revision))
        local_dir.mkdir(exist_ok=True)
        (local_dir / file).touch()

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda *_, **__: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return calls


def test_only_what_is_missing_is_fetched(tmp_path, hub):
    folder = tmp_path / "cache"
    assert fetch_release("songbloom_full_240s", HubSettings(local_dir=folder)) == folder
    assert {(repository, file) for repository, file, _ in hub} == {
        ("CypressYang/SongBloom_long", "songbloom_full_240s.yaml"),
        ("CypressYang/SongBloom_long", "songbloom_full_240s.pt"),
        ("CypressYang/SongBloom", "stable_audio_1920_vae.json"),
        ("CypressYang/SongBloom", "autoencoder_music_dsp1920.ckpt"),
        ("CypressYang/SongBloom", "vocab_g2p.yaml"),
    }
    hub.clear()
    (folder / "vocab_g2p.yaml").unlink()
    fetch_release("songbloom_full_240s", HubSettings(local_dir=folder))
    assert [file for _, file, _ in hub] == ["vocab_g2p.yaml"]


def test_a_mirror_holds_everything(tmp_path, hub):
    settings = HubSettings(local_dir=tmp_path, repository="me/mirror", revision="v1")
    fetch_release("songbloom_full_150s_dpo", settings)
    assert {(repository, revision) for repository, _, revision in hub} == {("me/mirror", "v1")}
    assert "songbloom_full_150s_dpo.pt" in {file for _, file, _ in hub}


def test_offline_the_sentence_says_which_files_go_where(tmp_path, monkeypatch):
    def fail(*_arguments, **_options):
        raise OSError("the network cannot be reached\nmore")

    # The first question fails; the download, which tries for long, is not come to.
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", fail)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: pytest.fail("tried"))
    with pytest.raises(SongBloomError) as error:
        fetch_release("songbloom_full_150s", HubSettings(local_dir=tmp_path / "here"))
    assert all(file in str(error.value) for file, _ in required_files("songbloom_full_150s"))
    assert str(tmp_path / "here") in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_name(tmp_path):
    with pytest.raises(SongBloomError, match="songbloom_full_150s_dpo"):
        fetch_release("songbloom_mulan_150s", HubSettings(local_dir=tmp_path))
