"""Training of the spectral codec on a folder of renditions, within a budget of minutes.

Shapes: B batch, 2 channels, S samples, D latent, T frames.
"""

import csv
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import soundfile
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim.swa_utils import get_ema_multi_avg_fn
from tqdm import tqdm

from songbloom.audio_format import SAMPLE_RATE, SAMPLES_PER_FRAME
from songbloom.codec.base import LatentDistribution
from songbloom.codec.files import save_codec
from songbloom.codec.losses import (
    RESOLUTIONS,
    kl_divergence,
    noise_to_signal,
    si_sdr,
    spectral_losses,
)
from songbloom.codec.spectral import SpectralCodec, SpectralCodecConfig
from songbloom.errors import SongBloomError
from songbloom.whole_file import whole_file

CHECKPOINT = "codec.ckpt"
_MAX_SKIPPED = 20
LOG = "training.csv"
"""Files in the folder of a run."""


@dataclass(frozen=True, kw_only=True)
class CodecTrainingConfig:
    """How the codec is trained; loss weights multiply the terms of `codec.losses`."""

    minutes: float = 75.0
    seed: int = 0
    batch_size: int = 4
    crop_frames: int = 25
    vocal_share: float = 0.35
    learning_rate: float = 1e-3
    component_batches: int = 80
    warmup_steps: int = 200
    weight_decay: float = 1e-3
    ema_decay: float = 0.998
    resolutions_per_step: int = 2
    magnitude_weight: float = 1.0
    phase_weight: float = 4.0
    noise_to_signal_weight: float = 0.12
    kl_weight: float = 1e-2
    export_minutes: float = 5.0
    validation_minutes: float = 3.0

    def __post_init__(self) -> None:
        """Check the budget and the share of dry voices."""
        if self.minutes <= 0:
            raise SongBloomError(f"minutes must be positive, but it is {self.minutes}.")
        if not 0 <= self.vocal_share <= 1:
            raise SongBloomError(f"vocal_share must be in [0, 1], but it is {self.vocal_share}.")
        if not 1 <= self.resolutions_per_step <= len(RESOLUTIONS):
            raise SongBloomError(
                f"resolutions_per_step must be from 1 to {len(RESOLUTIONS)}, "
                f"but it is {self.resolutions_per_step}."
            )


class Renditions:
    """Mixes (2, S) and dry voices (1, S) of a folder, in memory as 16-bit integers."""

    def __init__(self, folder: str | Path, held_out_song: str | None = None) -> None:
        """Read `KEY.flac`, `KEY.vocal.flac` and the fields `song` and `split` of `KEY.json`.

        Only renditions of the training split are read, and one of its songs is held out.

        Raises:
            SongBloomError: If there are fewer than two songs, or no song `held_out_song`.
        """
        songs = {}
        for path in sorted(Path(folder).glob("*.json")):
            description = json.loads(path.read_text(encoding="utf-8"))
            if description["split"] == "train" and path.with_suffix(".flac").exists():
                songs[path] = description["song"]
        names = sorted(set(songs.values()))
        if len(names) < 2:
            raise SongBloomError(
                f"{folder} must hold renditions (KEY.flac, KEY.json) of at least two training "
                f"songs, but it holds {len(names)}."
            )
        self.held_out_song = held_out_song or names[-1]
        if self.held_out_song not in names:
            raise SongBloomError(
                f"There is no song {self.held_out_song} in {folder}; choose from {names}."
            )
        self.mixes: list[Tensor] = []
        self.vocals: list[Tensor] = []
        self.held_out: list[Tensor] = []
        for path, song in tqdm(songs.items(), desc="Reading renditions"):
            mix = _read_int16(path.with_suffix(".flac"))
            vocal_path = path.with_suffix(".vocal.flac")
            vocal = _read_int16(vocal_path) if vocal_path.exists() else None
            if song == self.held_out_song:
                self.held_out += [mix] if vocal is None else [mix, vocal]
                continue
            self.mixes.append(mix)
            if vocal is not None:
                self.vocals.append(vocal)

    def crop(self, num_samples: int, vocal_share: float, generator: torch.Generator) -> Tensor:
        """Draw a crop (2, num_samples): a mix or dry voice, with a random gain and sides."""

        def uniform() -> float:
            return torch.rand((), generator=generator).item()

        pool = self.vocals if self.vocals and uniform() < vocal_share else self.mixes
        piece = torch.zeros(2, num_samples)
        # A voice rests often: silence is drawn again, but not for ever.
        for _ in range(4):
            audio = pool[int(uniform() * len(pool))]
            start = int(uniform() * max(audio.shape[1] - num_samples, 1))
            piece = audio[:, start : start + num_samples].float() / 2**15
            if piece.abs().max() > 0.02:
                break
        piece = torch.nn.functional.pad(piece, (0, num_samples - piece.shape[1])).expand(2, -1)
        if uniform() < 0.5:
            piece = piece.flip(0)
        gain = 10 ** ((uniform() * 12 - 9) / 20) * (1 if uniform() < 0.5 else -1)
        return piece * gain

    def batches(self, config: CodecTrainingConfig, generator: torch.Generator) -> Iterator[Tensor]:
        """Yield batches (B, 2, S) without end."""
        num_samples = config.crop_frames * SAMPLES_PER_FRAME
        while True:
            yield torch.stack(
                [
                    self.crop(num_samples, config.vocal_share, generator)
                    for _ in range(config.batch_size)
                ]
            )

    def held_out_excerpts(self, seconds: int = 6, count: int = 6) -> Tensor:
        """Return the loudest `seconds` of `count` held-out files as one batch (count, 2, S)."""
        excerpts = []
        for audio in self.held_out[:count]:
            audio = audio.float() / 2**15
            energy = audio.square().mean(0).unfold(0, seconds * SAMPLE_RATE, SAMPLE_RATE).mean(1)
            start = int(energy.argmax()) * SAMPLE_RATE
            excerpts.append(audio[:, start : start + seconds * SAMPLE_RATE].expand(2, -1))
        return torch.stack(excerpts)


def _read_int16(path: Path) -> Tensor:
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    if rate != SAMPLE_RATE:
        raise SongBloomError(f"{path} must have {SAMPLE_RATE} samples a second, but has {rate}.")
    return torch.from_numpy(samples.T.copy())


class CodecTrainer:
    """The codec, its optimiser and averaged weights, and how far training has come."""

    def __init__(
        self, codec_config: SpectralCodecConfig, config: CodecTrainingConfig, renditions: Renditions
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.renditions = renditions
        self.codec = SpectralCodec(codec_config)
        generator = torch.Generator().manual_seed(config.seed)
        batches = renditions.batches(config, generator)
        crops = [next(batches) for _ in range(config.component_batches)]
        self.codec.set_components(torch.cat(crops))
        self.average = SpectralCodec(codec_config).requires_grad_(False)
        self.average.load_state_dict(self.codec.state_dict())
        self.optimizer = torch.optim.AdamW(
            [weight for weight in self.codec.parameters() if weight.requires_grad],
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.generator = torch.Generator().manual_seed(config.seed)
        self.step = 0
        self.skipped = 0
        self.seconds = 0.0

    def train_step(self, audio: Tensor) -> dict[str, float]:
        """Take one optimiser step on audio (B, 2, S) and return the loss and its parts."""
        config = self.config
        with torch.autocast("cpu", dtype=torch.bfloat16):
            latents = self.codec.encode(audio)
            noise = torch.randn(latents.mean.shape, generator=self.generator)
            output = self.codec.decode(latents.sample(noise))
        parts = self.losses(latents, output, audio)
        weights = {
            "magnitude": config.magnitude_weight,
            "phase": config.phase_weight,
            "noise_to_signal": config.noise_to_signal_weight,
            "kl": config.kl_weight,
        }
        loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        self.optimizer.zero_grad()
        loss.backward()
        norm = clip_grad_norm_(self.codec.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        if torch.isfinite(norm):
            self.optimizer.step()
            self.skipped = 0
        else:
            self.skipped += 1
            if self.skipped == _MAX_SKIPPED:
                raise SongBloomError(
                    f"The gradient was not finite in {_MAX_SKIPPED} steps in a row, up to step "
                    f"{self.step}; lower the learning rate and go on with --resume."
                )
        self.step += 1
        decay = min(config.ema_decay, (1 + self.step) / (10 + self.step))
        move_average = get_ema_multi_avg_fn(decay)
        move_average(list(self.average.parameters()), list(self.codec.parameters()), self.step)
        return {"loss": loss.item(), **{name: part.item() for name, part in parts.items()}}

    def losses(
        self, latents: LatentDistribution, output: Tensor, audio: Tensor
    ) -> dict[str, Tensor]:
        """Return the parts of the loss, at resolutions drawn anew for each step."""
        order = torch.randperm(len(RESOLUTIONS), generator=self.generator)
        chosen = [RESOLUTIONS[i] for i in order[: self.config.resolutions_per_step]]
        magnitude, phase = spectral_losses(output, audio, chosen)
        return {
            "magnitude": magnitude,
            "phase": phase,
            "noise_to_signal": noise_to_signal(output, audio),
            "kl": kl_divergence(latents),
        }

    def learning_rate(self) -> float:
        """Linear warm-up over steps, then half a cosine over the budget of minutes."""
        progress = min(self.seconds / (60 * self.config.minutes), 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        warmup = min((self.step + 1) / self.config.warmup_steps, 1.0)
        return self.config.learning_rate * warmup * (0.01 + 0.99 * cosine)

    @torch.inference_mode()
    def validate(self, excerpts: Tensor) -> dict[str, float]:
        """Return SI-SDR in dB and the losses of the averaged weights on excerpts (B, 2, S)."""
        output = self.average.decode(self.average.encode(excerpts).mean)
        excerpts = excerpts[..., : output.shape[-1]]
        output = output[..., : excerpts.shape[-1]]
        magnitude, phase = spectral_losses(output, excerpts, RESOLUTIONS)
        return {
            "validation_si_sdr": si_sdr(output, excerpts).mean().item(),
            "validation_magnitude": magnitude.item(),
            "validation_phase": phase.item(),
        }

    @torch.inference_mode()
    def measure_latents(self, num_batches: int = 40) -> None:
        """Bake each channel's mean and standard deviation over random crops into the average.

        The deviation is that of samples (means spread, plus the posterior's own variance), so a
        channel that carries nothing stays small instead of being blown up.
        """
        self.average.latent_mean.zero_()
        self.average.latent_std.fill_(1)
        generator = torch.Generator().manual_seed(self.config.seed + 1)
        batches = self.renditions.batches(self.config, generator)
        drawn = [self.average.encode(next(batches)) for _ in range(num_batches)]
        means = torch.cat([latents.mean for latents in drawn]).transpose(0, 1).flatten(1)
        variances = torch.cat([latents.std for latents in drawn]).transpose(0, 1).flatten(1) ** 2
        self.average.latent_mean.copy_(means.mean(1))
        self.average.latent_std.copy_((means.var(1) + variances.mean(1)).sqrt())

    def export(self, path: str | Path) -> None:
        """Write the averaged weights as a codec file."""
        self.measure_latents()
        save_codec(self.average, path)
        self.average.latent_mean.zero_()
        self.average.latent_std.fill_(1)

    def save(self, path: Path) -> None:
        """Write everything that resuming needs, atomically."""
        state = {
            "codec_config": asdict(self.codec.config),
            "codec": self.codec.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "step": self.step,
            "seconds": self.seconds,
        }
        with whole_file(path) as temporary:
            torch.save(state, temporary)

    def load(self, path: Path) -> None:
        """Go on from `save`.

        Raises:
            SongBloomError: If there is no checkpoint, or it is of a codec of other sizes.
        """
        if not path.is_file():
            raise SongBloomError(f"There is no {path} to resume; start without --resume.")
        state = torch.load(path, weights_only=True)
        if state["codec_config"] != asdict(self.codec.config):
            raise SongBloomError(
                f"{path} is of a codec of other sizes; give another --output or the same sizes."
            )
        self.codec.load_state_dict(state["codec"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.step, self.seconds = state["step"], state["seconds"]

    def fit(self, run_folder: Path, output: Path) -> None:
        """Train for the budget; write checkpoint and log to `run_folder`, the codec to `output`."""
        config = self.config
        checkpoint, log = run_folder / CHECKPOINT, run_folder / LOG
        excerpts = self.renditions.held_out_excerpts()
        batches = self.renditions.batches(config, self.generator)
        sums: dict[str, float] = {}
        count, last = 0, time.monotonic()
        next_validation = self.seconds + 60 * config.validation_minutes
        next_export = self.seconds + 60 * config.export_minutes
        with tqdm(total=round(60 * config.minutes), unit="s", mininterval=10) as bar:
            bar.update(round(self.seconds))
            while self.seconds < 60 * config.minutes:
                for name, value in self.train_step(next(batches)).items():
                    sums[name] = sums.get(name, 0.0) + value
                count += 1
                now = time.monotonic()
                self.seconds, last = self.seconds + now - last, now
                bar.update(round(self.seconds) - bar.n)
                done = self.seconds >= 60 * config.minutes
                if self.seconds >= next_validation or done:
                    figures = {name: value / count for name, value in sums.items()}
                    figures |= self.validate(excerpts)
                    _append(log, {"step": self.step, "minutes": self.seconds / 60} | figures)
                    tqdm.write(
                        f"step {self.step}: "
                        + ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
                    )
                    sums, count = {}, 0
                    next_validation += 60 * config.validation_minutes
                if self.seconds >= next_export or done:
                    self.save(checkpoint)
                    self.export(output)
                    next_export += 60 * config.export_minutes


def _append(path: Path, row: dict[str, float]) -> None:
    """Add a row to a CSV file, with a header if it is new."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if is_new:
            writer.writeheader()
        writer.writerow({name: round(value, 5) for name, value in row.items()})
