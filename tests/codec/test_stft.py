"""The aligned transform: exact inverse, steady phases, cuts at frames, gradients."""

import torch

from songbloom.codec.stft import AlignedSTFT, OverlapAdd


def test_inverse_gives_the_audio_back() -> None:
    stft = AlignedSTFT(192, 48, 97)
    audio = torch.randn(3, 2, 192 * 5)
    spectrum = stft(audio)
    assert spectrum.shape == (3, 2, 20, 97)
    torch.testing.assert_close(stft.inverse(spectrum), audio, atol=1e-5, rtol=0)


def test_a_partial_in_the_middle_of_a_bin_keeps_its_phase() -> None:
    stft = AlignedSTFT(192, 48, 97)
    audio = torch.cos(2 * torch.pi * 7 * torch.arange(192 * 6) / 192 + 0.5)
    inside = stft(audio)[4:-4, 7]
    torch.testing.assert_close(inside.angle(), torch.full_like(inside.angle(), 0.5))


def test_a_cut_at_a_frame_changes_nothing_inside() -> None:
    stft = AlignedSTFT(192, 48, 97)
    audio = torch.randn(192 * 8)
    whole, cut = stft(audio), stft(audio[192 * 2 :])
    torch.testing.assert_close(cut[2:], whole[10:], atol=1e-5, rtol=0)


def test_gradient_of_overlap_add() -> None:
    frames = torch.randn(2, 5, 16, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: OverlapAdd.apply(x, 4), frames)
