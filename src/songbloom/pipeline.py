"""SongBloomPipeline: lyrics and a style prompt become a song. Needs neither Lightning nor Hydra."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from songbloom.audio import read_audio, write_flac
from songbloom.audio_format import FRAME_RATE, SAMPLE_RATE
from songbloom.checkpoint import ModelCard, load_checkpoint
from songbloom.codec import Codec
from songbloom.codec.files import load_codec
from songbloom.data.batch import lyrics_tensor
from songbloom.errors import SongBloomError
from songbloom.lyrics import phonemize
from songbloom.models import Conditions, SongBloom
from songbloom.sampling import GenerationSettings, Patch, generate_patches

DEFAULT_MAX_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Song:
    """A generated song.

    Attributes:
        audio: (2, S) at `sample_rate`.
        sketch: codes (T,).
        latents: (D, T).
        phonemes: what was sung, as the model read it.
        ended: whether the model ended the song itself, rather than the length limit.
    """

    audio: Tensor
    sketch: Tensor
    latents: Tensor
    phonemes: str
    ended: bool
    sample_rate: int = SAMPLE_RATE

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.audio.shape[-1] / self.sample_rate

    def save(self, path: str | Path) -> None:
        """Write a 16-bit FLAC; louder samples than full scale are clipped."""
        write_flac(path, self.audio, self.sample_rate)


class SongBloomPipeline:
    """A model, its vocabulary and its codec.

    Args:
        model: in evaluation mode.
        card: its description.
        codec: the codec that it was trained with.
    """

    def __init__(self, model: SongBloom, card: ModelCard, codec: Codec) -> None:
        self.model = model
        self.card = card
        self.codec = codec

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        codec: str | Path | None = None,
    ) -> "SongBloomPipeline":
        """Load a checkpoint and the codec that it names.

        Args:
            path: a `.safetensors` or `.ckpt` of our training.
            device: where to generate.
            dtype: of the model; the codec stays in float32.
            codec: where the codec is, if not where it was in training.

        Raises:
            SongBloomError: a damaged checkpoint, or a codec other than the one trained with.
        """
        checkpoint = load_checkpoint(path)
        reference = checkpoint.card.codec
        loaded = load_codec(codec or reference.name, device)
        reference.require(loaded.fingerprint, "codec")
        model = checkpoint.build_model(device=device, dtype=dtype)
        return cls(model, checkpoint.card, loaded)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.bos.device

    def __call__(
        self,
        lyrics: str,
        prompt: str | Path | Tensor,
        *,
        seed: int = 0,
        settings: GenerationSettings | None = None,
        max_seconds: float = DEFAULT_MAX_SECONDS,
    ) -> Song:
        """Make a song.

        Args:
            lyrics: structured lyrics, `[verse] line. line , [chorus] …`.
            prompt: an audio file, or a waveform (channels, S) at 48 kHz, of the wanted style.
            seed: fixes the song on one machine.
            settings: guidance, sampling and steps.
            max_seconds: the longest song.

        Raises:
            SongBloomError: bad lyrics, an unusable prompt, or a song of no length.
        """
        phonemes = self.phonemize(lyrics)
        patches = list(
            self.patches(phonemes, prompt, seed=seed, settings=settings, max_seconds=max_seconds)
        )
        return self.assemble(patches, phonemes, max_seconds)

    def phonemize(self, lyrics: str) -> str:
        """Structured lyrics as the phonemes that the model reads."""
        return phonemize(lyrics, self.card.g2p)

    def patches(
        self,
        phonemes: str,
        prompt: str | Path | Tensor,
        *,
        seed: int = 0,
        settings: GenerationSettings | None = None,
        max_seconds: float = DEFAULT_MAX_SECONDS,
    ) -> Iterator[Patch]:
        """The song's patches, each as soon as it is made; arguments as in `__call__`."""
        return generate_patches(
            self.model,
            self._conditions(phonemes, self.encode_prompt(prompt)),
            self._conditions("", None),
            settings or GenerationSettings(),
            max_patches=self.max_patches(max_seconds),
            generator=torch.Generator(device=self.device).manual_seed(seed),
        )

    def max_patches(self, max_seconds: float) -> int:
        """Whole patches in this many seconds.

        Raises:
            SongBloomError: not even one.
        """
        size = self.model.config.patch_size
        count = int(max_seconds * FRAME_RATE) // size
        if count < 1:
            raise SongBloomError(
                f"max_seconds is {max_seconds}; a song needs at least {size / FRAME_RATE} s."
            )
        return count

    @torch.inference_mode()
    def encode_prompt(self, prompt: str | Path | Tensor) -> Tensor:
        """Latents (1, D, F) of a style prompt: its first seconds, mixed to mono in two channels.

        A shorter prompt is padded with zero latents.

        Raises:
            AudioFileError: an unusable file.
            SongBloomError: a waveform that is not (channels, S).
        """
        audio = read_audio(prompt) if isinstance(prompt, str | Path) else prompt
        if audio.ndim != 2 or audio.shape[1] == 0:
            raise SongBloomError(
                f"The style prompt has shape {tuple(audio.shape)}; give (channels, samples)."
            )
        frames = self.model.config.prompt_frames
        audio = audio[:, : frames * self.codec.samples_per_frame].to(self.device)
        stereo = audio.mean(0, keepdim=True).expand(2, -1)
        latents = self.codec.encode(stereo[None]).mean
        return F.pad(latents, (0, frames - latents.shape[-1]))

    @torch.inference_mode()
    def assemble(self, patches: list[Patch], phonemes: str, max_seconds: float) -> Song:
        """Decode finished patches to audio.

        Raises:
            SongBloomError: there is no patch.
        """
        if not patches:
            raise SongBloomError(
                "The model ended the song before its first patch; try another seed, or train on."
            )
        latents = torch.cat([patch.latents for patch in patches]).T
        return Song(
            audio=self.codec.decode_chunked(latents[None].float())[0].cpu(),
            sketch=torch.cat([patch.sketch for patch in patches]).cpu(),
            latents=latents.cpu(),
            phonemes=phonemes,
            ended=len(patches) < self.max_patches(max_seconds),
        )

    def _conditions(self, phonemes: str, prompt: Tensor | None) -> Conditions:
        config = self.model.config
        lyrics = lyrics_tensor(phonemes, self.card.batch_format, self.card.vocabulary)
        null_prompt = torch.zeros(1, config.latent_dim, config.prompt_frames)
        prompts = null_prompt if prompt is None else prompt
        return Conditions(
            lyrics=lyrics[None].to(self.device),
            prompts=prompts.to(self.device, self.model.bos.dtype),
        )
