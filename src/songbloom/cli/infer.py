"""Make a song: `python infer.py --checkpoint CKPT --lyrics song.txt --prompt style.wav`."""

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from tempfile import NamedTemporaryFile

import torch
from tqdm import tqdm

from songbloom.audio_format import FRAME_RATE
from songbloom.errors import SongBloomError
from songbloom.lyrics import parse_lyrics
from songbloom.pipeline import DEFAULT_MAX_SECONDS, Song, SongBloomPipeline
from songbloom.sampling import FlowGuidance, GenerationSettings, RepetitionPenalty

_HELP = {
    "sketch_guidance": "guidance weight of the sketch",
    "flow_guidance": "guidance weight of the diffusion",
    "flow_guidance_type": "how the diffusion is guided",
    "num_steps": "Euler steps per patch",
    "greedy": "take the most likely token instead of sampling",
    "temperature": "sampling temperature of the sketch",
    "top_k": "tokens among which one is drawn; 0 means all",
    "diffusion_temperature": "below 1: less noise, smoother sound",
    "repetition_penalty": "form of the penalty on recent tokens",
    "penalty": "size of that penalty",
    "penalty_window": "tokens that the penalty looks back on",
}


def build_parser() -> argparse.ArgumentParser:
    """The command line; every generation setting is an option."""
    parser = argparse.ArgumentParser(
        prog="songbloom-infer",
        description="Make a song from lyrics and a style prompt.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--checkpoint", required=True, help=".safetensors or .ckpt of a training")
    parser.add_argument(
        "--lyrics", required=True, metavar="FILE", help="text file of the lyrics, or - for stdin"
    )
    parser.add_argument("--prompt", required=True, help="audio file of the wanted style")
    parser.add_argument("--output", default="song.flac", help="FLAC file to write")
    parser.add_argument("--spectrogram", metavar="PNG", help="also draw the song's spectrogram")
    parser.add_argument("--seed", type=int, default=0, help="fixes the song")
    parser.add_argument(
        "--max-seconds", type=float, default=DEFAULT_MAX_SECONDS, help="longest song"
    )
    parser.add_argument("--codec", help="codec file, if not where it was in training")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    group = parser.add_argument_group("generation")
    for field in fields(GenerationSettings):
        flag = f"--{field.name.replace('_', '-')}"
        text = _HELP[field.name]
        if field.type is bool:
            group.add_argument(flag, action="store_true", help=text)
        elif field.type in (FlowGuidance, RepetitionPenalty):
            choices = [member.value for member in field.type]
            group.add_argument(flag, default=field.default.value, choices=choices, help=text)
        else:
            group.add_argument(flag, type=field.type, default=field.default, help=text)
    return parser


def read_settings(arguments: argparse.Namespace) -> GenerationSettings:
    """The generation settings that were asked for."""
    values = {field.name: getattr(arguments, field.name) for field in fields(GenerationSettings)}
    return GenerationSettings(**values)


def read_lyrics(source: str) -> str:
    """Lyrics of a file, or of standard input for `-`.

    Raises:
        SongBloomError: no such file, or not UTF-8.
    """
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise SongBloomError(
            f"The lyrics file {source} cannot be read: {error.strerror}."
        ) from error
    except UnicodeDecodeError as error:
        raise SongBloomError(
            f"The lyrics file {source} is not UTF-8 text; save it as such."
        ) from error


def check_writable(target: str) -> None:
    """Find out before the song is made, not after, whether its file can be written.

    Raises:
        SongBloomError: it cannot.
    """
    folder = Path(target).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SongBloomError(
            f"{target} cannot be written ({error.strerror}); name another place."
        ) from error


def generate(arguments: argparse.Namespace) -> Song:
    """Load, generate under a progress bar, decode."""
    settings = read_settings(arguments)
    lyrics = read_lyrics(arguments.lyrics)
    parse_lyrics(lyrics)  # a mistake in them should not wait for the weights to load
    pipeline = SongBloomPipeline.from_pretrained(
        arguments.checkpoint,
        device=arguments.device,
        dtype=getattr(torch, arguments.dtype),
        codec=arguments.codec,
    )
    phonemes = pipeline.phonemize(lyrics)
    patch_seconds = pipeline.model.config.patch_size / FRAME_RATE
    limit = pipeline.max_patches(arguments.max_seconds) * patch_seconds
    patches = []
    with tqdm(
        total=limit,
        desc="singing",
        bar_format="{desc}: {n:.1f} s of at most {total:.0f} s |{bar}| {elapsed}<{remaining}",
    ) as progress:
        for patch in pipeline.patches(
            phonemes,
            arguments.prompt,
            seed=arguments.seed,
            settings=settings,
            max_seconds=arguments.max_seconds,
        ):
            patches.append(patch)
            progress.update(min(patch_seconds, limit - progress.n))
    return pipeline.assemble(patches, phonemes, arguments.max_seconds)


def run(argv: list[str] | None = None) -> None:
    """Generate and write what was asked for."""
    arguments = build_parser().parse_args(argv)
    for target in filter(None, (arguments.output, arguments.spectrogram)):
        check_writable(target)
    song = generate(arguments)
    song.save(arguments.output)
    ending = "ended by the model" if song.ended else "cut at the length limit"
    print(f"{arguments.output}: {song.seconds:.1f} s, {ending}")
    if arguments.spectrogram:
        from songbloom.plots import save_spectrograms  # matplotlib is slow to import

        save_spectrograms(arguments.spectrogram, {Path(arguments.output).name: song.audio})
        print(arguments.spectrogram)


def main(argv: list[str] | None = None) -> int:
    """Run; a user's mistake is one sentence and exit status 2."""
    try:
        run(argv)
    except SongBloomError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
