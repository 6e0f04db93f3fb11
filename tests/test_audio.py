"""Audio files of any rate and channels come in; FLAC goes out; what is no audio is named."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from songbloom.audio import AudioFileError, read_audio, resample, write_audio


def tone(rate: int, seconds: float = 0.5, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype("f4")


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 47_999])
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_any_rate_and_format_becomes_48_khz_stereo(tmp_path: Path, rate: int, suffix: str) -> None:
    if suffix == ".ogg" and rate == 47_999:
        rate = 32_000
    path = tmp_path / f"tone{suffix}"
    soundfile.write(path, tone(rate), rate)
    audio = read_audio(path)
    assert audio.dtype == torch.float32
    assert audio.shape[0] == 2
    assert abs(audio.shape[1] - 24_000) <= 2
    inside = slice(4_000, 20_000)
    expected = torch.from_numpy(tone(48_000))[inside]
    assert (audio[:, inside] - expected).abs().max() < 0.05


def test_channels_are_averaged_or_kept(tmp_path: Path) -> None:
    left, right = tone(48_000), tone(48_000, hertz=660)
    soundfile.write(tmp_path / "two.wav", np.stack([left, right], 1), 48_000, subtype="FLOAT")
    stereo = read_audio(tmp_path / "two.wav")
    assert torch.equal(stereo, torch.from_numpy(np.stack([left, right])))
    mono = read_audio(tmp_path / "two.wav", num_channels=1)
    torch.testing.assert_close(mono, stereo.mean(0, keepdim=True))
    soundfile.write(tmp_path / "three.wav", np.stack([left, right, left], 1), 48_000)
    three = read_audio(tmp_path / "three.wav")
    assert torch.equal(three[0], three[1])


def test_flac_round_trip_clips(tmp_path: Path) -> None:
    audio = torch.stack([torch.linspace(-1.5, 1.5, 1000), torch.zeros(1000)])
    write_audio(tmp_path / "deep" / "song.flac", audio)
    again = read_audio(tmp_path / "deep" / "song.flac")
    torch.testing.assert_close(again, audio.clamp(-1, 1), atol=1e-4, rtol=0)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["song.flac"]


@pytest.mark.parametrize("ending", [".wav", ".FLAC", ".mp3", ".ogg"])
def test_every_format_is_written(tmp_path: Path, ending: str) -> None:
    audio = torch.from_numpy(np.stack([tone(48_000, 3.0), tone(48_000, 3.0, hertz=660)]))
    write_audio(tmp_path / f"song{ending}", audio)
    again = read_audio(tmp_path / f"song{ending}")
    assert abs(again.shape[1] - audio.shape[1]) <= 2_400  # MP3 pads to its frames
    middle = slice(48_000, 96_000)
    assert (again.std(1) / audio.std(1) - 1).abs().max() < 0.05
    found = torch.fft.rfft(again[:, middle]).abs().argmax(1)  # bins of one second are hertz
    assert found.tolist() == [440, 660]


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="no known ending"):
        write_audio(tmp_path / "song.aac", torch.zeros(2, 100))


def test_only_the_start_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(16_000, 2.0), 16_000)
    whole = read_audio(tmp_path / "a.wav")
    start = read_audio(tmp_path / "a.wav", max_seconds=0.5)
    assert start.shape[1] == 24_000
    torch.testing.assert_close(start[:, :23_000], whole[:, :23_000], atol=1e-3, rtol=0)


def test_silence_may_be_allowed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros((1000, 2)), 48_000)
    assert not read_audio(tmp_path / "silent.wav", allow_silence=True).any()


def test_unusable_audio_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no audio")
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 2)), 48_000)
    soundfile.write(tmp_path / "silent.wav", np.zeros((1000, 2)), 48_000)
    broken = np.full((1000, 2), np.nan, dtype="f4")
    soundfile.write(tmp_path / "broken.wav", broken, 48_000, subtype="FLOAT")
    for name, reason in {
        "text.wav": "cannot be read as audio",
        "empty.wav": "holds no samples",
        "silent.wav": "is silent",
        "broken.wav": "not finite",
        "absent.wav": "is not a file",
    }.items():
        with pytest.raises(AudioFileError, match=f"{name} {reason}|{name} holds .*{reason}"):
            read_audio(tmp_path / name)


def test_write_refuses_what_is_no_audio(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="channels, samples"):
        write_audio(tmp_path / "a.flac", torch.zeros(10))
    with pytest.raises(ValueError, match="not finite"):
        write_audio(tmp_path / "a.flac", torch.full((2, 10), torch.nan))


def test_equal_rates_leave_audio_alone() -> None:
    audio = torch.randn(2, 10)
    assert resample(audio, 44_100, 44_100) is audio
