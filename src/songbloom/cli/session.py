"""A loaded model that works off jobs: one sample of a song each, with its files."""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from songbloom.audio import AUDIO_FORMATS
from songbloom.cli.options import DEFAULT_MODEL, SAMPLES_PER_ROW
from songbloom.cli.recipe import describe, is_done, write_record
from songbloom.cli.requests import SongRequest
from songbloom.config import read_sampling
from songbloom.errors import SongBloomError
from songbloom.pipeline import Song, SongBloomPipeline
from songbloom.released import PRESETS, HubSettings
from songbloom.sampling import GenerationSettings


@dataclass(frozen=True, kw_only=True)
class Job:
    """One sample of a request: its seed, and where its files go."""

    request: SongRequest
    seed: int
    audio: Path

    @property
    def record(self) -> Path:
        """The JSON beside the song."""
        return self.audio.with_suffix(".json")

    @property
    def latents(self) -> Path:
        """Its latents (D, T), float32."""
        return self.audio.with_suffix(".latent.npy")

    @property
    def sketch(self) -> Path:
        """Its sketch tokens (T,), uint16."""
        return self.audio.with_suffix(".sketch.npy")


def plan_jobs(arguments: argparse.Namespace, request: SongRequest) -> list[Job]:
    """The samples of a request.

    Raises:
        SongBloomError: a number of samples that cannot be, or one file for several.
    """
    one = arguments.output is not None
    several = arguments.input_jsonl or arguments.input_csv
    count = arguments.n_samples
    if count is None:
        count = SAMPLES_PER_ROW if several else 1
    if count < 1 or (one and count > 1):
        raise SongBloomError(f"--n-samples is {count}; with --output it can only be 1, else more.")
    first = arguments.seed if request.seed is None else request.seed
    ending = f".{arguments.output_format or 'flac'}"
    jobs = []
    for sample in range(count):
        audio = Path(arguments.output_dir) / f"{request.idx}_s{sample}{ending}"
        if one:
            audio = Path(arguments.output)
            audio = audio if audio.suffix.lower() in AUDIO_FORMATS else audio.with_suffix(ending)
        jobs.append(Job(request=request, seed=first + sample, audio=audio))
    return jobs


class Session:
    """A loaded model that works off jobs."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.source = arguments.checkpoint or arguments.model_name or DEFAULT_MODEL
        preset = PRESETS[arguments.preset] if arguments.preset else GenerationSettings()
        read_sampling(arguments.overrides, preset)  # a mistake here should not wait for weights
        self.pipeline = SongBloomPipeline.from_pretrained(
            self.source,
            device=arguments.device,
            dtype=getattr(torch, arguments.dtype),
            codec=arguments.codec,
            hub=HubSettings(
                local_dir=arguments.local_dir,
                repository=arguments.repo_id,
                revision=arguments.revision,
            ),
        )
        card = self.pipeline.card
        base = preset if arguments.preset else card.generation
        self.settings = read_sampling(arguments.overrides, base)
        limit = arguments.max_duration
        self.max_seconds = card.max_seconds if limit is None else limit
        self.pipeline.max_patches(self.max_seconds)  # refuses a length that cannot be

    def run(self, job: Job, title: str) -> None:
        """Make one song and its files, unless they are there.

        Raises:
            SongBloomError: it cannot be made or written.
        """
        recipe = describe(
            job.request,
            self.pipeline,
            source=str(self.source),
            seed=job.seed,
            settings=self.settings,
            max_seconds=self.max_seconds,
        )
        wanted = self._files(job)
        if not self.arguments.overwrite and is_done(job.record, recipe, wanted):
            tqdm.write(f"{job.audio}: done before")
            return
        begin = time.monotonic()
        song = sing(self.pipeline, job, self.settings, self.max_seconds, title)
        elapsed = time.monotonic() - begin
        job.record.unlink(missing_ok=True)  # it would vouch for files that are being replaced
        song.save(job.audio)
        if self.arguments.save_latents:
            np.save(job.latents, song.latents.float().numpy())
        if self.arguments.save_sketch:
            np.save(job.sketch, song.sketch.numpy().astype(np.uint16))
        if self.arguments.spectrogram:
            from songbloom.plots import save_spectrograms  # matplotlib is slow to import

            save_spectrograms(str(job.audio.with_suffix(".png")), {job.audio.name: song.audio})
        write_record(job.record, recipe, song, elapsed)
        ending = "ended by the model" if song.ended else "cut at the length limit"
        tqdm.write(f"{job.audio}: {song.seconds:.1f} s, {ending}, made in {elapsed:.0f} s")

    def _files(self, job: Job) -> list[Path]:
        extras = {
            job.latents: self.arguments.save_latents,
            job.sketch: self.arguments.save_sketch,
            job.audio.with_suffix(".png"): self.arguments.spectrogram,
        }
        return [job.audio, *(file for file, wanted in extras.items() if wanted)]


def sing(
    pipeline: SongBloomPipeline,
    job: Job,
    settings: GenerationSettings,
    max_seconds: float,
    title: str,
) -> Song:
    """Generate under a progress bar, decode."""
    limit = pipeline.max_patches(max_seconds) * pipeline.patch_seconds
    patches = []
    with tqdm(
        total=limit,
        desc=title,
        leave=False,
        bar_format="{desc}: {n:.1f} s of at most {total:.0f} s |{bar}| {elapsed}<{remaining}",
    ) as progress:
        for patch in pipeline.patches(
            job.request.lyrics,
            job.request.prompt,
            seed=job.seed,
            settings=settings,
            max_seconds=max_seconds,
        ):
            patches.append(patch)
            progress.update(min(pipeline.patch_seconds, limit - progress.n))
    return pipeline.assemble(patches, max_seconds=max_seconds)
