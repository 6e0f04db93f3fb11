"""SongBloomPipeline: lyrics and a style prompt become a song. Needs neither Lightning nor Hydra."""

import hashlib
import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from songbloom.audio import SILENCE, audio_seconds, read_audio, write_audio
from songbloom.audio_format import FRAME_RATE, SAMPLE_RATE
from songbloom.checkpoint import Checkpoint, ModelCard, load_checkpoint
from songbloom.codec import Codec
from songbloom.codec.files import load_codec
from songbloom.data.batch import lyrics_tensor
from songbloom.errors import SongBloomError, SongBloomWarning
from songbloom.lyrics import phonemize
from songbloom.models import Conditions, SongBloom
from songbloom.released import (
    RELEASES,
    HubSettings,
    ReleasedModel,
    fetch_release,
    load_released,
)
from songbloom.sampling import GenerationSettings, Patch, generate_patches

MAX_PROMPT_SECONDS = 3600.0
"""Of a style prompt's file, of which only the start is used: a longer one is a mistake."""

MAX_SEED = 2**63

OWN_CHECKPOINT = "model.safetensors"
"""What a training run leaves in its folder."""

Prompt = str | Path | Tensor | np.ndarray


@dataclass(frozen=True, kw_only=True)
class Song:
    """A generated song.

    Attributes:
        audio: (2, S) at `sample_rate`.
        sketch: codes (T,).
        latents: (D, T).
        ended: whether the model ended the song itself, rather than the length limit.
    """

    audio: Tensor
    sketch: Tensor
    latents: Tensor
    ended: bool
    sample_rate: int = SAMPLE_RATE

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.audio.shape[-1] / self.sample_rate

    def save(self, path: str | Path) -> None:
        """Write FLAC, WAV, MP3 or OGG by the ending; louder samples than full scale are clipped."""
        write_audio(path, self.audio, self.sample_rate)


class SongBloomPipeline:
    """A model, its vocabulary and its codec.

    Args:
        model: in evaluation mode.
        card: its description.
        codec: the codec that it was trained with, on the model's device.
    """

    def __init__(self, model: SongBloom, card: ModelCard, codec: Codec) -> None:
        self.model = model
        self.card = card
        self.codec = codec

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
        codec: str | Path | None = None,
        hub: HubSettings | None = None,
    ) -> "SongBloomPipeline":
        """Load a model and its codec.

        Args:
            source: a `.safetensors` or `.ckpt` of our training or its run's folder, a released
                model's folder or yaml, or a released model's name, which is downloaded.
            device: where to generate; the best there is if None.
            dtype: of the model; the codec stays in float32.
            codec: where the codec is, if not where it was in training.
            hub: where a released model is fetched from and kept.

        Raises:
            SongBloomError: a damaged or incomplete model, or a codec other than the one trained
                with.
        """
        device = find_device(device)
        checkpoint, loaded = open_model(source, codec=codec, hub=hub)
        model = checkpoint.build_model(device=device, dtype=dtype)
        return cls(model, checkpoint.card, loaded.to(device))

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.bos.device

    @property
    def patch_seconds(self) -> float:
        """Duration of a patch."""
        return self.model.config.patch_size / FRAME_RATE

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits for these weights, from some values of each tensor."""
        digest = hashlib.sha256()
        for key, tensor in self.model.state_dict().items():
            values = tensor.flatten()[:: max(1, tensor.numel() // 1024)]
            digest.update(f"{key}{tuple(tensor.shape)}".encode())
            digest.update(values.float().cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def __call__(
        self,
        lyrics: str,
        prompt: Prompt,
        *,
        seed: int = 0,
        settings: GenerationSettings | None = None,
        max_seconds: float | None = None,
        noise: Callable[[int], Tensor] | None = None,
    ) -> Song:
        """Make a song.

        Args:
            lyrics: as `songbloom.lyrics.read_lyrics` reads them.
            prompt: an audio file, or a waveform (channels, S) at 48 kHz with values from -1 to 1,
                of the wanted style.
            seed: fixes the song on one machine; each song draws from a stream of its own.
            settings: guidance, sampling and steps; those of the model's card if None.
            max_seconds: the longest song, to the end of a patch; the card's if None.
            noise: diffusion noise (1, P, D) of patch i, for comparisons; drawn if None.

        Raises:
            SongBloomError: bad lyrics, an unusable prompt, or a song of no length.
        """
        patches = self.patches(
            lyrics, prompt, seed=seed, settings=settings, max_seconds=max_seconds, noise=noise
        )
        return self.assemble(patches)

    def patches(
        self,
        lyrics: str,
        prompt: Prompt,
        *,
        seed: int = 0,
        settings: GenerationSettings | None = None,
        max_seconds: float | None = None,
        noise: Callable[[int], Tensor] | None = None,
    ) -> Iterator[Patch]:
        """The song's patches, each as soon as it is made; arguments as in `__call__`."""
        if not 0 <= seed < MAX_SEED:
            raise SongBloomError(f"The seed is {seed}; it must be from 0 to {MAX_SEED - 1}.")
        settings = settings or self.card.generation
        generator = torch.Generator(device=self.device).manual_seed(seed)
        latents = self.encode_prompt(prompt, generator if settings.sample_prompt else None)
        return generate_patches(
            self.model,
            self._conditions(self.phonemize(lyrics), latents),
            self._conditions("", torch.zeros_like(latents)),
            settings,
            max_patches=self.max_patches(max_seconds),
            generator=generator,
            noise=noise,
        )

    @torch.inference_mode()
    def assemble(self, patches: Iterable[Patch]) -> Song:
        """Decode the patches of one song, in order, to audio.

        Raises:
            SongBloomError: there is no patch.
        """
        patches = list(patches)
        if not patches:
            raise SongBloomError(
                "The model ended the song before its first patch; try another seed, or train on."
            )
        latents = torch.cat([patch.latents for patch in patches]).T
        return Song(
            audio=self.codec.decode_chunked(latents[None].float())[0].cpu(),
            sketch=torch.cat([patch.sketch for patch in patches]).cpu(),
            latents=latents.cpu(),
            ended=not patches[-1].at_limit,
        )

    def phonemize(self, lyrics: str) -> str:
        """Lyrics as the phonemes that the model reads, with tags for its lengths of sections."""
        return phonemize(lyrics, self.card.g2p, tag_seconds=self.card.tag_seconds)

    def max_patches(self, max_seconds: float | None = None) -> int:
        """Patches that begin within this many seconds (the card's if None).

        Raises:
            SongBloomError: the length is not positive.
        """
        seconds = self.card.max_seconds if max_seconds is None else max_seconds
        if not 0 < seconds < math.inf:
            raise SongBloomError(f"max_seconds is {seconds}; a song needs a positive length.")
        # Rounded, so that 5.76 s are 9 patches of 0.64 s in spite of binary fractions.
        return max(1, math.ceil(round(seconds / self.patch_seconds, 6)))

    @torch.inference_mode()
    def encode_prompt(self, prompt: Prompt, generator: torch.Generator | None = None) -> Tensor:
        """Latents (1, D, F) of a style prompt: its first seconds, mixed to mono in two channels.

        A shorter prompt is padded with zero latents; a silent one is warned about.

        Args:
            prompt: an audio file, or a waveform (channels, S) at 48 kHz.
            generator: draws from the codec's posterior; its mean is taken if None.

        Raises:
            AudioFileError: an unusable file.
            SongBloomError: a waveform that is not (channels, S) or not finite.
        """
        frames = self.model.config.prompt_frames
        if isinstance(prompt, str | Path):
            audio = _read_prompt(prompt, self.card.prompt_seconds)
        else:
            audio = _waveform(prompt)
        audio = audio[:, : round(self.card.prompt_seconds * SAMPLE_RATE)].to(self.device)
        mono = audio.mean(0, keepdim=True)
        if mono.abs().max() < SILENCE or mono.shape[1] < self.codec.samples_per_frame:
            warnings.warn(
                "The style prompt is silent where it is heard, or no frame long, so it tells no "
                "style.",
                SongBloomWarning,
                stacklevel=2,
            )
        stereo = mono.expand(2, -1)
        posterior = self.codec.encode_prompt(stereo[None])
        latents = posterior.mean
        if generator is not None:
            noise = torch.randn(latents.shape, generator=generator, device=self.device)
            latents = posterior.sample(noise)
        # A negative pad cuts.
        return F.pad(latents, (0, frames - latents.shape[-1]))

    def _conditions(self, phonemes: str, prompt: Tensor) -> Conditions:
        config = self.model.config
        symbols = phonemes.split(" ")
        if self.card.g2p == "released":
            symbols = self._without_unknown(symbols)
        if len(symbols) > config.max_lyrics:
            warnings.warn(
                f"The lyrics have {len(symbols)} phonemes and tags, and the model reads "
                f"{config.max_lyrics}; the rest will not be sung.",
                SongBloomWarning,
                stacklevel=3,
            )
        phonemes = " ".join(symbols[: config.max_lyrics])
        lyrics = lyrics_tensor(phonemes, self.card.batch_format, self.card.vocabulary)
        return Conditions(
            lyrics=lyrics[None].to(self.device), prompts=prompt.to(self.model.bos.dtype)
        )

    def _without_unknown(self, symbols: list[str]) -> list[str]:
        """Leave out, as the published tool does without a word, what the vocabulary lacks."""
        unknown = {symbol for symbol in symbols if symbol and symbol not in self.card.vocabulary}
        if unknown:
            warnings.warn(
                f"The model's vocabulary lacks {', '.join(sorted(unknown))}, which will not be "
                "sung, as with the published tool; spell the words otherwise.",
                SongBloomWarning,
                stacklevel=4,
            )
        return [symbol for symbol in symbols if symbol not in unknown]


def open_model(
    source: str | Path, *, codec: str | Path | None = None, hub: HubSettings | None = None
) -> tuple[Checkpoint, Codec]:
    """A checkpoint, its weights still in their file, and its codec; arguments as in the pipeline.

    Raises:
        SongBloomError: nothing is there, it is damaged, or the codec is not the model's.
    """
    path = Path(source)
    if path.is_dir() and (path / OWN_CHECKPOINT).is_file():
        path /= OWN_CHECKPOINT
    released = _open_released(path, str(source), hub or HubSettings())
    if released is None:
        checkpoint = load_checkpoint(path)
        reference = checkpoint.card.codec
        beside = path.parent / reference.name  # where a converted model's codec is
        found = load_codec(codec or (beside if beside.is_file() else reference.name))
    elif codec is None:
        return released.checkpoint, released.codec
    else:
        checkpoint, found = released.checkpoint, load_codec(codec)
    checkpoint.card.codec.require(found.fingerprint, "codec")
    return checkpoint, found


def _open_released(path: Path, name: str, hub: HubSettings) -> ReleasedModel | None:
    """The released model that a path or name means; None for one of our own checkpoints."""
    if path.is_dir() or path.suffix in (".yaml", ".yml"):
        return load_released(path)
    if path.suffix == ".pt" and path.with_suffix(".yaml").is_file():
        return load_released(path.with_suffix(".yaml"))
    if path.exists() or path.suffix:
        return None
    if name in RELEASES:
        return load_released(fetch_release(name, hub), name)
    if path.name == name and (Path(hub.local_dir) / f"{name}.yaml").is_file():
        return load_released(hub.local_dir, name)
    raise SongBloomError(
        f"There is no model {name!r}: it is no file or folder, no yaml in {hub.local_dir}, and "
        f"none of {', '.join(RELEASES)}."
    )


def find_device(device: torch.device | str | None = None) -> torch.device:
    """A device that is there; the best one if none is named.

    Raises:
        SongBloomError: no such device here.
    """
    if device is None:
        best = "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device("cuda" if torch.cuda.is_available() else best)
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SongBloomError(
            f"There is no device {str(device)!r} here; use cpu, or leave the device out."
        ) from error
    return found


def _waveform(prompt: Tensor | np.ndarray) -> Tensor:
    """A prompt that is no file, as float32 (channels, S)."""
    audio = torch.as_tensor(prompt)
    if (
        audio.ndim != 2
        or not 0 < audio.shape[0] <= audio.shape[1]
        or not audio.is_floating_point()
        or not audio.isfinite().all()
    ):
        raise SongBloomError(
            f"The style prompt has shape {tuple(audio.shape)} and type {audio.dtype}; give "
            "(channels, samples) of finite floating-point values."
        )
    return audio.float()


def _read_prompt(path: str | Path, seconds: float) -> Tensor:
    """The first seconds of a prompt's file."""
    length = audio_seconds(path)
    if length > MAX_PROMPT_SECONDS:
        raise SongBloomError(
            f"{path} lasts {length / 3600:.1f} hours; a style prompt is the first {seconds:g} s of "
            "its file, so cut out the part that you mean."
        )
    return read_audio(path, max_seconds=seconds, allow_silence=True)
