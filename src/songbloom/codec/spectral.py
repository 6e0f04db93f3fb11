"""A small codec that a CPU can train: spectral frames -> ConvNeXt -> latents -> ConvNeXt -> audio.

Shapes: B batch, 2 channels (mid and side inside), S samples, D latent, T latent frames,
N = hops_per_frame * T spectral frames, K bins, C width. The decoder's head of magnitude and phase
follows Vocos (Siuzdak 2023, arXiv 2306.00814); blocks are those of ConvNeXt (arXiv 2201.03545).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from songbloom.audio_format import NUM_CHANNELS, SAMPLE_RATE, SAMPLES_PER_FRAME
from songbloom.codec.base import Codec, LatentDistribution
from songbloom.codec.stft import AlignedSTFT
from songbloom.errors import SongBloomError


@dataclass(frozen=True, kw_only=True)
class SpectralCodecConfig:
    """Sizes of the codec; depths count blocks at the rate of spectral or latent frames.

    The encoder sees the magnitudes of `num_bins` bins of 25 Hz and the phases of the lowest
    `num_phase_bins`. `num_phase_latents` of the latents start as components of the waveform's
    lowest `num_partial_bins` bins, the others as components of the magnitudes.
    """

    sample_rate: int = SAMPLE_RATE
    samples_per_frame: int = SAMPLES_PER_FRAME
    latent_dim: int = 64
    hops_per_frame: int = 4
    num_bins: int = 800
    num_phase_bins: int = 320
    num_phase_latents: int = 24
    num_partial_bins: int = 32
    encoder_width: int = 256
    encoder_spectral_depth: int = 2
    encoder_latent_depth: int = 2
    decoder_width: int = 384
    decoder_latent_depth: int = 2
    decoder_spectral_depth: int = 5

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name, value in vars(self).items():
            if value < 1:
                raise SongBloomError(f"{name} must be positive, but it is {value}.")
        if self.samples_per_frame % self.hops_per_frame:
            raise SongBloomError(
                f"hops_per_frame must divide samples_per_frame ({self.samples_per_frame}), "
                f"but it is {self.hops_per_frame}."
            )
        limits = (
            ("num_phase_latents", "latent_dim", self.latent_dim - 1),
            ("num_partial_bins", "num_phase_bins", self.num_phase_bins),
            ("num_phase_bins", "num_bins", self.num_bins),
            ("num_bins", "half of samples_per_frame", self.samples_per_frame // 2 + 1),
        )
        for name, other, limit in limits:
            if getattr(self, name) > limit:
                raise SongBloomError(
                    f"{name} must be at most {limit} because of {other}, "
                    f"but it is {getattr(self, name)}."
                )


class ConvNeXtBlock(nn.Module):
    """A depthwise convolution over time and an MLP around a skip connection, (B, T, C)."""

    def __init__(self, width: int, kernel_size: int = 7, expansion: int = 3) -> None:
        super().__init__()
        # Two-dimensional with a height of one: (B, T, C) is then the channels-last layout, for
        # which CPUs have a fast kernel.
        self.depthwise = nn.Conv2d(
            width, width, (1, kernel_size), padding=(0, kernel_size // 2), groups=width
        )
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        self.gain = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, C) to (B, T, C)."""
        h = self.depthwise(x.transpose(1, 2)[:, :, None])[:, :, 0].transpose(1, 2)
        return x + self.gain * self.narrow(F.gelu(self.widen(self.norm(h))))


def blocks(width: int, depth: int) -> nn.Sequential:
    """Return `depth` ConvNeXt blocks."""
    return nn.Sequential(*(ConvNeXtBlock(width) for _ in range(depth)))


class SpectralEncoder(nn.Module):
    """A complex spectrum (B, 2, N, K) to the stacked mean and scale (B, T, 2D) of the latents.

    The mean is a fixed linear map, principal components of the log-magnitudes and of the lowest
    partials (`SpectralCodec.set_components`), corrected by the network.
    """

    def __init__(self, config: SpectralCodecConfig) -> None:
        super().__init__()
        width = config.encoder_width
        num_features = NUM_CHANNELS * (config.num_bins + 2 * config.num_phase_bins)
        self.num_phase_bins = config.num_phase_bins
        self.hops_per_frame = config.hops_per_frame
        frame_size = config.hops_per_frame * NUM_CHANNELS * config.num_bins
        partial_size = config.hops_per_frame * 2 * config.num_partial_bins
        self.num_partial_bins = config.num_partial_bins
        self.magnitude_components = nn.Linear(
            frame_size, config.latent_dim - config.num_phase_latents
        ).requires_grad_(False)
        self.phase_components = nn.Linear(partial_size, config.num_phase_latents).requires_grad_(
            False
        )
        self.input = nn.Sequential(nn.Linear(num_features, width), nn.LayerNorm(width))
        self.spectral_blocks = blocks(width, config.encoder_spectral_depth)
        self.downsample = nn.Linear(config.hops_per_frame * width, width)
        self.latent_blocks = blocks(width, config.encoder_latent_depth)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 2 * config.latent_dim)
        # Start from the linear map, with little noise (a standard deviation of 0.15).
        with torch.no_grad():
            self.output.weight.mul_(0.1)
            self.output.bias[: config.latent_dim] = 0.0
            self.output.bias[config.latent_dim :] = -1.8

    def forward(self, spectrum: Tensor) -> Tensor:
        """Map (B, 2, N, K) to (B, T, 2D)."""
        loudness = log_magnitudes(spectrum)
        low = compress(spectrum[..., : self.num_phase_bins])
        features = torch.cat([0.3 * loudness + 1, torch.view_as_real(low).flatten(-2)], -1)
        features = features.transpose(1, 2).flatten(2)
        h = self.spectral_blocks(self.input(features))
        h = self.downsample(h.unflatten(1, (-1, self.hops_per_frame)).flatten(2))
        mean, scale = self.output(self.norm(self.latent_blocks(h))).chunk(2, -1)
        frames = to_latent_frames(loudness, self.hops_per_frame)
        partials = mid_partials(low, self.num_partial_bins, self.hops_per_frame)
        linear = [self.magnitude_components(frames), self.phase_components(partials)]
        return torch.cat([mean + torch.cat(linear, -1), scale], -1)


class SpectralDecoder(nn.Module):
    """Latents (B, T, D) to a complex spectrum (B, 2, N, K).

    Log-magnitudes and the lowest partials' phases are a fixed linear map of the latents,
    corrected by the network; all other phases are the network's.
    """

    LOG_MAGNITUDE_RANGE: ClassVar[tuple[float, float]] = (-12.0, 5.0)

    def __init__(self, config: SpectralCodecConfig) -> None:
        super().__init__()
        width = config.decoder_width
        self.num_bins = config.num_bins
        self.hops_per_frame = config.hops_per_frame
        frame_size = config.hops_per_frame * NUM_CHANNELS * config.num_bins
        partial_size = config.hops_per_frame * 2 * config.num_partial_bins
        self.num_latents = (
            config.latent_dim - config.num_phase_latents,
            config.num_phase_latents,
        )
        self.magnitude_components = nn.Linear(self.num_latents[0], frame_size).requires_grad_(False)
        self.phase_components = nn.Linear(self.num_latents[1], partial_size).requires_grad_(False)
        self.input = nn.Sequential(nn.Linear(config.latent_dim, width), nn.LayerNorm(width))
        self.latent_blocks = blocks(width, config.decoder_latent_depth)
        self.upsample = nn.Linear(width, config.hops_per_frame * width)
        self.spectral_blocks = blocks(width, config.decoder_spectral_depth)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 3 * NUM_CHANNELS * config.num_bins)
        # The head corrects the linear maps: start from little.
        with torch.no_grad():
            self.output.weight.mul_(0.1)
            self.output.bias.zero_()

    def forward(self, latents: Tensor) -> Tensor:
        """Map (B, T, D) to (B, 2, N, K)."""
        h = self.upsample(self.latent_blocks(self.input(latents)))
        h = self.spectral_blocks(h.unflatten(2, (self.hops_per_frame, -1)).flatten(1, 2))
        h = self.output(self.norm(h)).float()
        h = h.unflatten(2, (3, NUM_CHANNELS, self.num_bins)).permute(2, 0, 3, 1, 4)
        correction, real, imaginary = h.unbind(0)
        for_magnitudes, for_phases = latents.split(self.num_latents, -1)
        loudness = self.magnitude_components(for_magnitudes).float()
        loudness = from_latent_frames(loudness, self.hops_per_frame)
        partials = self.phase_components(for_phases).float()
        partials = partials.unflatten(2, (self.hops_per_frame, -1, 2)).flatten(1, 2)
        padding = (0, self.num_bins - partials.shape[2], 0, 0, 0, 1)
        real = real + F.pad(partials[:, None, ..., 0], padding)
        imaginary = imaginary + F.pad(partials[:, None, ..., 1], padding)
        magnitude = (loudness + correction).clamp(*self.LOG_MAGNITUDE_RANGE).exp()
        # The phase is the direction of (real, imaginary), whose length is left free.
        scale = magnitude * (real.square() + imaginary.square() + 1e-6).rsqrt()
        return torch.complex(real * scale, imaginary * scale)


class SpectralCodec(Codec):
    """The embedded codec; its latents have about zero mean and unit variance in each channel."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: SpectralCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.stft = AlignedSTFT(
            config.samples_per_frame,
            config.samples_per_frame // config.hops_per_frame,
            config.num_bins,
        )
        self.encoder = SpectralEncoder(config)
        self.decoder = SpectralDecoder(config)
        self.register_buffer("latent_mean", torch.zeros(config.latent_dim))
        self.register_buffer("latent_std", torch.ones(config.latent_dim))

    @property
    def num_channels(self) -> int:
        """Audio channels."""
        return NUM_CHANNELS

    @torch.no_grad()
    def set_components(self, audio: Tensor) -> None:
        """Set the linear maps to the principal components of audio (B, 2, S).

        Training then starts from latents of unit variance that explain most of the spectra,
        which takes the networks alone thousands of steps.
        """
        hops = self.config.hops_per_frame
        spectrum = self.stft(mid_side(audio))
        frames = to_latent_frames(log_magnitudes(spectrum), hops)
        partials = mid_partials(compress(spectrum), self.config.num_partial_bins, hops)
        encoder, decoder = self.encoder, self.decoder
        _set_components(encoder.magnitude_components, decoder.magnitude_components, frames)
        _set_components(encoder.phase_components, decoder.phase_components, partials)

    def encode(self, audio: Tensor) -> LatentDistribution:
        """Encode audio (B, 2, S), zero-padded at its right to whole frames, to (B, D, T)."""
        spectrum = self.stft(mid_side(self.pad_to_frames(audio).float()))
        mean, scale = self.encoder(spectrum).float().chunk(2, dim=-1)
        mean = (mean - self.latent_mean) / self.latent_std
        std = (F.softplus(scale) + 1e-4) / self.latent_std
        return LatentDistribution(mean=mean.transpose(1, 2), std=std.transpose(1, 2))

    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents (B, D, T) to audio (B, 2, T * samples_per_frame)."""
        latents = latents.transpose(1, 2) * self.latent_std + self.latent_mean
        return mid_side(self.stft.inverse(self.decoder(latents)))


def _set_components(encode: nn.Linear, decode: nn.Linear, values: Tensor) -> None:
    """Make two linear maps the whitened principal components of values (B, T, F), and back."""
    values = values.flatten(0, 1)
    center = values.mean(0)
    count = encode.out_features
    _, scales, components = torch.svd_lowrank(values - center, q=2 * count, niter=3)
    scales = scales[:count] / values.shape[0] ** 0.5
    components = components[:, :count].T
    encode.weight.copy_(components / scales[:, None])
    encode.bias.copy_(-(encode.weight @ center))
    decode.weight.copy_((components * scales[:, None]).T)
    decode.bias.copy_(center)


def log_magnitudes(spectrum: Tensor) -> Tensor:
    """Return the logarithms of the magnitudes, with a floor of 1e-3."""
    return (spectrum.abs() + 1e-3).log()


def to_latent_frames(values: Tensor, hops_per_frame: int) -> Tensor:
    """Gather all values (B, 2, N, K) of each latent frame: (B, T, 2 * hops_per_frame * K)."""
    return values.unflatten(2, (-1, hops_per_frame)).transpose(1, 2).flatten(2)


def from_latent_frames(values: Tensor, hops_per_frame: int) -> Tensor:
    """Undo `to_latent_frames`: (B, T, 2 * hops_per_frame * K) to (B, 2, N, K)."""
    values = values.unflatten(2, (NUM_CHANNELS, hops_per_frame, -1))
    return values.transpose(1, 2).flatten(2, 3)


def mid_partials(spectrum: Tensor, num_bins: int, hops_per_frame: int) -> Tensor:
    """Gather the lowest bins of mid from (B, 2, N, K): (B, T, hops_per_frame * num_bins * 2)."""
    low = torch.view_as_real(spectrum[:, 0, :, :num_bins])
    return low.unflatten(1, (-1, hops_per_frame)).flatten(2)


def mid_side(audio: Tensor) -> Tensor:
    """Turn left and right (B, 2, S) into mid and side of the same energy, and back again."""
    left, right = audio.unbind(-2)
    return torch.stack([left + right, left - right], -2) * 0.5**0.5


def compress(spectrum: Tensor, exponent: float = 0.3) -> Tensor:
    """Raise the magnitudes of a complex spectrum to `exponent` and keep the phases."""
    energy = spectrum.real.square() + spectrum.imag.square()
    return spectrum * (energy + 1e-8).pow((exponent - 1) / 2)
