"""Chunked encoding and decoding cover every frame once and agree with the whole."""

import pytest
import torch
from torch import Tensor

from songbloom.codec.base import Codec, LatentDistribution, plan_chunks


class Blocks(Codec):
    """A codec without context: a frame is four samples, its latents are the eight values."""

    sample_rate = 100
    samples_per_frame = 4
    latent_dim = 8
    num_channels = 2

    def encode(self, audio: Tensor) -> LatentDistribution:
        audio = self.pad_to_frames(audio)
        mean = audio.unflatten(-1, (-1, 4)).permute(0, 1, 3, 2).flatten(1, 2)
        return LatentDistribution(mean=mean, std=torch.ones_like(mean))

    def decode(self, latents: Tensor) -> Tensor:
        return latents.unflatten(1, (2, 4)).permute(0, 1, 3, 2).flatten(2)


@pytest.mark.parametrize("num_frames", [1, 7, 8, 9, 13, 14, 15, 40])
@pytest.mark.parametrize("overlap_frames", [0, 1, 2, 5])
def test_chunks_give_what_the_whole_gives(num_frames: int, overlap_frames: int) -> None:
    codec = Blocks()
    audio = torch.randn(2, 2, num_frames * 4)
    latents = codec.encode_chunked(audio, 8, overlap_frames)
    assert torch.equal(latents.mean, codec.encode(audio).mean)
    assert latents.std.shape == latents.mean.shape
    assert torch.equal(codec.decode_chunked(latents.mean, 8, overlap_frames), audio)


def test_last_chunk_is_aligned_to_the_end_and_borders_cut_in_the_middle() -> None:
    chunks = [(c.start, c.end, c.keep_start, c.keep_end) for c in plan_chunks(200, 128, 32)]
    assert chunks == [(0, 128, 0, 88), (72, 200, 88, 200)]


def test_overlap_must_be_shorter_than_the_chunk() -> None:
    with pytest.raises(ValueError, match="overlap_frames"):
        list(plan_chunks(10, 4, 4))


@pytest.mark.parametrize("shape", [(2, 8), (1, 1, 8), (1, 2, 0)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="audio must have the shape"):
        Blocks().encode(torch.zeros(shape))
