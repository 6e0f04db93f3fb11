"""The Oobleck VAE of the released SongBloom models: strided convolutions with snake activations.

Shapes: B batch, S samples, D latent, T frames, C channels. The released files call the layers by
their position; `oobleck_key_map` is the one table between those names and ours.
"""

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from songbloom.codec.base import Codec, LatentDistribution
from songbloom.errors import SongBloomError
from songbloom.weights import take_weights

DILATIONS = (1, 3, 9)
"""Of the residual units in each block."""

MAX_BLOCKS = 16
"""More than any VAE of audio has, and few enough to be built at once."""

_LARGEST = {
    "sample_rate": 1_000_000,
    "num_channels": 64,
    "latent_dim": 10_000,
    "channels": 10_000,
    "channel_multipliers": 1_000,
    "strides": 1_000,
}


@dataclass(frozen=True, kw_only=True)
class OobleckConfig:
    """Sizes of the VAE; `strides` and `channel_multipliers` run from the audio to the latents."""

    sample_rate: int = 48_000
    num_channels: int = 2
    latent_dim: int = 64
    channels: int = 128
    channel_multipliers: tuple[int, ...] = (1, 2, 4, 8, 16)
    strides: tuple[int, ...] = (2, 4, 4, 6, 10)

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name, largest in _LARGEST.items():
            value = getattr(self, name)
            for number in value if isinstance(value, tuple) else (value,):
                if type(number) is not int or number > largest:
                    raise SongBloomError(
                        f"{name} holds {reprlib.repr(number)}; it must be a whole number up to "
                        f"{largest}."
                    )
        if not 1 <= len(self.strides) <= MAX_BLOCKS:
            raise SongBloomError(
                f"strides must be 1 to {MAX_BLOCKS} numbers, but they are {len(self.strides)}."
            )
        if len(self.channel_multipliers) != len(self.strides):
            raise SongBloomError(
                f"channel_multipliers and strides must have the same length, but they have "
                f"{len(self.channel_multipliers)} and {len(self.strides)}."
            )
        for name in ("sample_rate", "num_channels", "latent_dim", "channels"):
            if getattr(self, name) < 1:
                raise SongBloomError(f"{name} must be positive, but it is {getattr(self, name)}.")
        if any(multiplier < 1 for multiplier in self.channel_multipliers):
            raise SongBloomError(
                f"channel_multipliers must be positive, but they are {self.channel_multipliers}."
            )
        if any(stride < 2 or stride % 2 for stride in self.strides):
            raise SongBloomError(f"strides must be even, but they are {self.strides}.")

    @classmethod
    def from_released(cls, config: Mapping[str, Any]) -> "OobleckConfig":
        """Read the JSON that comes with the released VAE (`stable_audio_1920_vae.json`).

        Raises:
            SongBloomError: If a field is missing or describes another architecture.
        """
        try:
            model = config["model"]
            encoder, decoder = model["encoder"], model["decoder"]
            encoder_sizes, decoder_sizes = encoder["config"], decoder["config"]
            expected = {
                "model.encoder.type": (encoder["type"], "oobleck"),
                "model.decoder.type": (decoder["type"], "oobleck"),
                "model.bottleneck.type": (model["bottleneck"]["type"], "vae"),
                "model.encoder.config.use_snake": (encoder_sizes["use_snake"], True),
                "model.decoder.config.use_snake": (decoder_sizes["use_snake"], True),
                "model.decoder.config.final_tanh": (decoder_sizes["final_tanh"], False),
                "model.decoder.config.channels": (
                    decoder_sizes["channels"],
                    encoder_sizes["channels"],
                ),
                "model.decoder.config.c_mults": (
                    decoder_sizes["c_mults"],
                    encoder_sizes["c_mults"],
                ),
                "model.decoder.config.strides": (
                    decoder_sizes["strides"],
                    encoder_sizes["strides"],
                ),
                "model.decoder.config.out_channels": (
                    decoder_sizes["out_channels"],
                    encoder_sizes["in_channels"],
                ),
                # The encoder gives a mean and a scale for each latent.
                "model.encoder.config.latent_dim": (
                    encoder_sizes["latent_dim"],
                    2 * decoder_sizes["latent_dim"],
                ),
            }
            own = cls(
                sample_rate=config["sample_rate"],
                num_channels=encoder_sizes["in_channels"],
                latent_dim=decoder_sizes["latent_dim"],
                channels=encoder_sizes["channels"],
                channel_multipliers=tuple(encoder_sizes["c_mults"]),
                strides=tuple(encoder_sizes["strides"]),
            )
        except KeyError as error:
            raise SongBloomError(f"The VAE configuration lacks the field {error}.") from error
        except TypeError as error:
            raise SongBloomError(
                f"The VAE configuration holds a value of another kind ({error})."
            ) from error
        for field, (value, wanted) in expected.items():
            if value != wanted:
                raise SongBloomError(
                    f"{field} of the VAE configuration must be {reprlib.repr(wanted)}, "
                    f"but it is {reprlib.repr(value)}."
                )
        return own

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at each rate, from the audio's to the latents'."""
        return tuple(self.channels * multiplier for multiplier in (1, *self.channel_multipliers))

    @property
    def samples_per_frame(self) -> int:
        """Samples of each channel in one latent frame."""
        return math.prod(self.strides)


class SnakeBeta(nn.Module):
    """x + sin²(αx) / β for each channel of (B, C, S), with α and β stored as logarithms."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_alpha = nn.Parameter(torch.zeros(channels))
        self.log_beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, S) to (B, C, S)."""
        alpha = self.log_alpha.exp()[:, None]
        beta = self.log_beta.exp()[:, None]
        return x + torch.sin(alpha * x).square() / (beta + 1e-9)


class ResidualUnit(nn.Module):
    """A dilated and a pointwise convolution around a skip connection, (B, C, S) -> (B, C, S)."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilated_activation = SnakeBeta(channels)
        self.dilated = weight_norm(
            nn.Conv1d(channels, channels, 7, dilation=dilation, padding=3 * dilation)
        )
        self.pointwise_activation = SnakeBeta(channels)
        self.pointwise = weight_norm(nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, S) to (B, C, S)."""
        h = self.dilated(self.dilated_activation(x))
        return x + self.pointwise(self.pointwise_activation(h))


def residual_units(channels: int) -> nn.Sequential:
    """Return the residual units of one block, of growing dilation."""
    return nn.Sequential(*(ResidualUnit(channels, dilation) for dilation in DILATIONS))


class DownsamplingBlock(nn.Module):
    """Residual units, then a convolution that divides the rate by `stride`."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.units = residual_units(in_channels)
        self.activation = SnakeBeta(in_channels)
        self.resample = weight_norm(
            nn.Conv1d(in_channels, out_channels, 2 * stride, stride, padding=stride // 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, S) to (B, out_channels, S / stride)."""
        return self.resample(self.activation(self.units(x)))


class UpsamplingBlock(nn.Module):
    """A convolution that multiplies the rate by `stride`, then residual units."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.activation = SnakeBeta(in_channels)
        self.resample = weight_norm(
            nn.ConvTranspose1d(in_channels, out_channels, 2 * stride, stride, padding=stride // 2)
        )
        self.units = residual_units(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, S) to (B, out_channels, S * stride)."""
        return self.units(self.resample(self.activation(x)))


class OobleckEncoder(nn.Module):
    """Audio (B, 2, S) to the stacked mean and scale (B, 2D, T) of the latents."""

    def __init__(self, config: OobleckConfig) -> None:
        super().__init__()
        widths = config.widths
        self.input = weight_norm(nn.Conv1d(config.num_channels, widths[0], 7, padding=3))
        self.blocks = nn.Sequential(
            *(
                DownsamplingBlock(narrow, wide, stride)
                for (narrow, wide), stride in zip(pairwise(widths), config.strides, strict=True)
            )
        )
        self.activation = SnakeBeta(widths[-1])
        self.output = weight_norm(nn.Conv1d(widths[-1], 2 * config.latent_dim, 3, padding=1))

    def forward(self, audio: Tensor) -> Tensor:
        """Map (B, 2, S) to (B, 2D, T)."""
        return self.output(self.activation(self.blocks(self.input(audio))))


class OobleckDecoder(nn.Module):
    """Latents (B, D, T) to audio (B, 2, S)."""

    def __init__(self, config: OobleckConfig) -> None:
        super().__init__()
        widths = config.widths[::-1]
        self.input = weight_norm(nn.Conv1d(config.latent_dim, widths[0], 7, padding=3))
        self.blocks = nn.Sequential(
            *(
                UpsamplingBlock(wide, narrow, stride)
                for (wide, narrow), stride in zip(
                    pairwise(widths), config.strides[::-1], strict=True
                )
            )
        )
        self.activation = SnakeBeta(widths[-1])
        self.output = weight_norm(
            nn.Conv1d(widths[-1], config.num_channels, 7, padding=3, bias=False)
        )

    def forward(self, latents: Tensor) -> Tensor:
        """Map (B, D, T) to (B, 2, S)."""
        return self.output(self.activation(self.blocks(self.input(latents))))


class Oobleck(Codec):
    """The VAE of the released models (model of 168.7 M parameters at the default sizes)."""

    def __init__(self, config: OobleckConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = OobleckEncoder(config)
        self.decoder = OobleckDecoder(config)

    @classmethod
    def from_released(cls, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> "Oobleck":
        """Build the VAE from its released JSON and state dict (keys `encoder.layers.0.…`).

        Raises:
            SongBloomError: If the configuration is another architecture's, or if tensors are
                missing, unexpected, of another shape or not finite.
        """
        with torch.device("meta"):
            codec = cls(OobleckConfig.from_released(config))
        to_released = oobleck_key_map(codec.config)
        missing = sorted(set(to_released.values()) - set(state))
        unexpected = sorted(set(state) - set(to_released.values()))
        if missing or unexpected:
            raise SongBloomError(
                f"The VAE's weights do not fit its configuration: missing {missing or 'none'}, "
                f"unexpected {unexpected or 'none'}."
            )
        shapes = {key: tensor.shape for key, tensor in codec.state_dict().items()}
        for own, released in to_released.items():
            if state[released].shape != shapes[own]:
                raise SongBloomError(
                    f"{released} of the VAE must have the shape {tuple(shapes[own])}, "
                    f"but it has {tuple(state[released].shape)}."
                )
        # Whatever the file's precision: the codec runs in float32. Checked under the file's names.
        copied = {key: state[key].clone() for key in to_released.values()}
        taken = take_weights(copied, device="cpu", dtype=torch.float32)
        own_state = {own: taken[key] for own, key in to_released.items()}
        codec.load_state_dict(own_state, strict=True, assign=True)
        return codec.eval()

    def config_to_released(self) -> dict[str, Any]:
        """Return the configuration as the released JSON states it."""
        config = self.config
        sizes = {
            "channels": config.channels,
            "c_mults": list(config.channel_multipliers),
            "strides": list(config.strides),
            "use_snake": True,
        }
        encoder = {"in_channels": config.num_channels, "latent_dim": 2 * config.latent_dim}
        decoder = {"out_channels": config.num_channels, "latent_dim": config.latent_dim}
        return {
            "model_type": "autoencoder",
            "sample_rate": config.sample_rate,
            "model": {
                "encoder": {"type": "oobleck", "config": {**encoder, **sizes}},
                "decoder": {"type": "oobleck", "config": {**decoder, **sizes, "final_tanh": False}},
                "bottleneck": {"type": "vae"},
                "latent_dim": config.latent_dim,
                "downsampling_ratio": config.samples_per_frame,
                "io_channels": config.num_channels,
            },
        }

    def to_released(self) -> dict[str, Tensor]:
        """Return the state dict under the released names."""
        to_released = oobleck_key_map(self.config)
        return {to_released[own]: tensor for own, tensor in self.state_dict().items()}

    def encode_raw(self, audio: Tensor) -> Tensor:
        """Return the encoder's output for audio (B, 2, S): mean and scale stacked, (B, 2D, T)."""
        return self.encoder(self.pad_to_frames(audio))

    def encode(self, audio: Tensor) -> LatentDistribution:
        """Encode audio (B, 2, S), zero-padded at its right to whole frames, to (B, D, T)."""
        return self._distribution(self.encode_raw(audio))

    def encode_prompt(self, audio: Tensor) -> LatentDistribution:
        """Encode a style prompt as the published tool does: an incomplete last frame is dropped."""
        if audio.shape[-1] < self.samples_per_frame:
            empty = audio.new_zeros(len(audio), self.latent_dim, 0)
            return LatentDistribution(mean=empty, std=empty)
        return self._distribution(self.encoder(audio))

    @staticmethod
    def _distribution(raw: Tensor) -> LatentDistribution:
        mean, scale = raw.chunk(2, dim=1)
        return LatentDistribution(mean=mean, std=F.softplus(scale) + 1e-4)

    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents (B, D, T) to audio (B, 2, T * samples_per_frame)."""
        return self.decoder(latents)


def oobleck_key_map(config: OobleckConfig) -> dict[str, str]:
    """Return the released name of every tensor of `Oobleck`, keyed by our name."""
    names: dict[str, str] = {}

    def convolution(own: str, released: str, bias: bool = True) -> None:
        names[f"{own}.parametrizations.weight.original0"] = f"{released}.weight_g"
        names[f"{own}.parametrizations.weight.original1"] = f"{released}.weight_v"
        if bias:
            names[f"{own}.bias"] = f"{released}.bias"

    def snake(own: str, released: str) -> None:
        names[f"{own}.log_alpha"] = f"{released}.alpha"
        names[f"{own}.log_beta"] = f"{released}.beta"

    def units(own: str, released: str, first_layer: int) -> None:
        for i in range(len(DILATIONS)):
            unit, layers = f"{own}.{i}", f"{released}.{first_layer + i}.layers"
            snake(f"{unit}.dilated_activation", f"{layers}.0")
            convolution(f"{unit}.dilated", f"{layers}.1")
            snake(f"{unit}.pointwise_activation", f"{layers}.2")
            convolution(f"{unit}.pointwise", f"{layers}.3")

    num_blocks = len(config.strides)
    for i in range(num_blocks):
        block, layers = f"encoder.blocks.{i}", f"encoder.layers.{i + 1}.layers"
        units(f"{block}.units", layers, first_layer=0)
        snake(f"{block}.activation", f"{layers}.{len(DILATIONS)}")
        convolution(f"{block}.resample", f"{layers}.{len(DILATIONS) + 1}")
        block, layers = f"decoder.blocks.{i}", f"decoder.layers.{i + 1}.layers"
        snake(f"{block}.activation", f"{layers}.0")
        convolution(f"{block}.resample", f"{layers}.1")
        units(f"{block}.units", layers, first_layer=2)
    for part, bias in (("encoder", True), ("decoder", False)):
        convolution(f"{part}.input", f"{part}.layers.0")
        snake(f"{part}.activation", f"{part}.layers.{num_blocks + 1}")
        convolution(f"{part}.output", f"{part}.layers.{num_blocks + 2}", bias=bias)
    return names
