"""The spectral codec: shapes, components, chunks, files and the embedded codec."""

from pathlib import Path

import pytest
import torch

from songbloom.codec import SpectralCodec, SpectralCodecConfig, load_codec, save_codec
from songbloom.codec.losses import si_sdr
from songbloom.codec.spectral import from_latent_frames, mid_side, to_latent_frames
from songbloom.errors import SongBloomError


def tones(seconds: float, pitches: tuple[float, ...] = (220.0, 277.2, 329.6)) -> torch.Tensor:
    """A chord (1, 2, S) of three partials each, that swells."""
    time = torch.arange(round(48_000 * seconds)) / 48_000
    chord = sum(
        torch.sin(2 * torch.pi * pitch * k * time) / k for pitch in pitches for k in (1, 2, 3)
    )
    return (0.1 * chord * (1 - torch.exp(-4 * time))).expand(1, 2, -1)


def test_shapes_padding_and_gradients(small_config: SpectralCodecConfig) -> None:
    codec = SpectralCodec(small_config)
    latents = codec.encode(tones(0.1))
    assert latents.mean.shape == latents.std.shape == (1, 8, 3)
    audio = codec.decode(latents.sample(torch.randn(1, 8, 3)))
    assert audio.shape == (1, 2, 3 * 1920)
    audio.square().sum().backward()
    assert all((weight.grad is not None) == weight.requires_grad for weight in codec.parameters())


def test_gathering_frames_and_mid_side_are_undone() -> None:
    values = torch.randn(2, 2, 12, 5)
    frames = to_latent_frames(values, 4)
    assert frames.shape == (2, 3, 40)
    assert torch.equal(from_latent_frames(frames, 4), values)
    audio = torch.randn(2, 2, 7)
    torch.testing.assert_close(mid_side(mid_side(audio)), audio)


def test_components_alone_bring_the_partials_back() -> None:
    """Before any training, latents of a chord hold its magnitudes and phases."""
    torch.manual_seed(0)
    config = SpectralCodecConfig(num_partial_bins=60, num_phase_latents=32)
    codec = SpectralCodec(config).requires_grad_(False)
    audio = tones(4.0)
    before = si_sdr(codec.decode(codec.encode(audio).mean), audio)
    codec.set_components(audio)
    latents = codec.encode(audio)
    assert latents.mean.std() == pytest.approx(1, abs=0.3)
    assert si_sdr(codec.decode(latents.mean), audio) > max(before + 10, 3)


def test_chunked_decoding_agrees_with_the_whole(small_codec: SpectralCodec) -> None:
    audio = tones(4.0)
    whole = small_codec.encode(audio).mean
    chunked = small_codec.encode_chunked(audio, chunk_frames=64, overlap_frames=32).mean
    torch.testing.assert_close(chunked, whole, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        small_codec.decode_chunked(whole, chunk_frames=64, overlap_frames=32),
        small_codec.decode(whole),
        atol=1e-4,
        rtol=1e-3,
    )


def test_file_round_trip_keeps_fingerprint_and_output(
    small_codec: SpectralCodec, tmp_path: Path
) -> None:
    small_codec.latent_std.fill_(2.0)
    save_codec(small_codec, tmp_path / "a.safetensors")
    first = load_codec(tmp_path / "a.safetensors")
    save_codec(first, tmp_path / "b.safetensors")
    second = load_codec(tmp_path / "b.safetensors")
    assert first.fingerprint == second.fingerprint
    latents = first.encode(tones(0.2)).mean
    assert torch.equal(latents, second.encode(tones(0.2)).mean)
    torch.testing.assert_close(latents, small_codec.encode(tones(0.2)).mean, atol=2e-2, rtol=2e-2)
    first.latent_mean += 1
    assert first.fingerprint != second.fingerprint


def test_bad_files_are_refused(small_codec: SpectralCodec, tmp_path: Path) -> None:
    path = tmp_path / "codec.safetensors"
    with pytest.raises(SongBloomError, match="There is no codec"):
        load_codec(path)
    path.write_bytes(b"no codec at all")
    with pytest.raises(SongBloomError, match=r"codec\.safetensors is not a readable codec file"):
        load_codec(path)
    save_codec(small_codec, path)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(SongBloomError, match="is damaged"):
        load_codec(path)


@pytest.mark.parametrize(
    "sizes",
    [{"latent_dim": 0}, {"hops_per_frame": 7}, {"num_bins": 962}, {"num_phase_latents": 64}],
)
def test_impossible_sizes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(SongBloomError, match=next(iter(sizes))):
        SpectralCodecConfig(**sizes)


@torch.inference_mode()
def test_embedded_codec_keeps_a_chord() -> None:
    codec = load_codec("spectral-demo")
    assert (codec.sample_rate, codec.samples_per_frame, codec.latent_dim) == (48_000, 1920, 64)
    assert codec.frame_rate == 25
    audio = tones(3.0)
    latents = codec.encode(audio).mean
    output = codec.decode(latents)
    assert output.shape == audio.shape
    found, wanted = (torch.stft(x[0, 0], 4096, return_complex=True,
        window=torch.hann_window(4096)).abs().mean(1) for x in (output, audio))  # fmt: skip
    similarity = torch.nn.functional.cosine_similarity(found, wanted, dim=0)
    assert similarity > 0.8
    chunked = codec.decode_chunked(latents, chunk_frames=50, overlap_frames=32)
    assert si_sdr(chunked, output) > 30
