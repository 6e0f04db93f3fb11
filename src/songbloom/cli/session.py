"""A loaded model that works off jobs: one sample of a song each, with its files."""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from songbloom.audio import AUDIO_FORMATS, audio_seconds
from songbloom.cli.options import DEFAULT_MODEL, SAMPLES_PER_ROW
from songbloom.cli.recipe import Record, describe
from songbloom.cli.requests import SongRequest
from songbloom.config import read_sampling
from songbloom.errors import SongBloomError
from songbloom.pipeline import Song, SongBloomPipeline
from songbloom.released import PRESETS, HubSettings
from songbloom.sampling import GenerationSettings
from songbloom.whole_file import whole_file


@dataclass(frozen=True, kw_only=True)
class Job:
    """One sample of a request: its seed, and where its song goes; other files lie beside it."""

    request: SongRequest
    seed: int
    audio: Path

    @property
    def record(self) -> Path:
        """The JSON."""
        return self.audio.with_suffix(".json")

    @property
    def latents(self) -> Path:
        """Its latents (D, T), float32."""
        return self.audio.with_suffix(".latent.npy")

    @property
    def sketch(self) -> Path:
        """Its sketch tokens (T,), uint16."""
        return self.audio.with_suffix(".sketch.npy")

    @property
    def spectrogram(self) -> Path:
        """Its picture."""
        return self.audio.with_suffix(".png")


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
    ending = arguments.output_format or "flac"
    folder = Path(arguments.output_dir)
    jobs = []
    for sample in range(count):
        audio = folder / f"{request.idx}_s{sample}.{ending}"
        if one:
            audio = output_file(arguments.output, arguments.output_format)
        jobs.append(Job(request=request, seed=first + sample, audio=audio))
    return jobs


def output_file(name: str, form: str | None) -> Path:
    """The file that `--output` names, with an ending if it has none.

    Raises:
        SongBloomError: a folder, an unknown ending, or another one than the format asked for.
    """
    path = Path(name)
    if not path.name or path.is_dir():
        raise SongBloomError(f"--output {name!r} is a folder; name a file, or use --output-dir.")
    if not path.suffix:
        return path.with_name(f"{path.name}.{form or 'flac'}")
    if path.suffix.lower() not in AUDIO_FORMATS or (form and path.suffix.lower() != f".{form}"):
        known = form or ", ".join(AUDIO_FORMATS)
        raise SongBloomError(f"--output {name} ends in {path.suffix}; it should end in {known}.")
    return path


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

    def check(self, request: SongRequest) -> None:
        """Find what this model cannot read before anything is made.

        Raises:
            SongBloomError: lyrics without phonemes, or a prompt that is no audio.
        """
        self.pipeline.phonemize(request.lyrics)
        audio_seconds(request.prompt)

    def run(self, job: Job, title: str) -> None:
        """Make one song and its files, unless they are there.

        Raises:
            SongBloomError: it cannot be made or written, or a file that is not ours is in the way.
        """
        if job.audio.exists() and job.audio.samefile(job.request.prompt):
            raise SongBloomError(f"{job.audio} is the prompt itself; name another output.")
        recipe = describe(
            job.request,
            self.pipeline,
            seed=job.seed,
            settings=self.settings,
            max_seconds=self.max_seconds,
        )
        record = Record(job.record)
        files = self._files(job)
        if not self.arguments.overwrite and record.vouches_for(recipe, files):
            tqdm.write(f"{job.audio}: done before")
            return
        begin = time.monotonic()
        song = sing(self.pipeline, job, self.settings, self.max_seconds, title)
        elapsed = time.monotonic() - begin
        self._write(job, song)
        record.write(recipe, self._sources(job), song, files, elapsed)
        ending = "ended by the model" if song.ended else "cut at the length limit"
        tqdm.write(f"{job.audio}: {song.seconds:.1f} s, {ending}, made in {elapsed:.0f} s")

    def _write(self, job: Job, song: Song) -> None:
        song.save(job.audio)
        if self.arguments.save_latents:
            _save_array(job.latents, song.latents.float().numpy())
        if self.arguments.save_sketch:
            _save_array(job.sketch, song.sketch.numpy().astype(np.uint16))
        if self.arguments.spectrogram:
            from songbloom.plots import save_spectrograms  # matplotlib is slow to import

            save_spectrograms(job.spectrogram, {job.audio.name: song.audio})

    def _sources(self, job: Job) -> dict[str, str | None]:
        """Where the parts of the recipe were found, which does not decide the song."""
        names = ("local_dir", "repo_id", "revision", "codec")
        return {
            "model": str(self.source),
            "prompt": str(job.request.prompt),
            **{name: getattr(self.arguments, name) for name in names},
        }

    def _files(self, job: Job) -> list[Path]:
        extras = {
            job.latents: self.arguments.save_latents,
            job.sketch: self.arguments.save_sketch,
            job.spectrogram: self.arguments.spectrogram,
        }
        return [job.audio, *(file for file, wanted in extras.items() if wanted)]


def _save_array(path: Path, array: np.ndarray) -> None:
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)


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
        disable=None,  # a log is no place for a bar
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
    return pipeline.assemble(patches)
