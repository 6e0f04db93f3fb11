"""The options of the command line; the published ones keep their names and meaning."""

import argparse

from songbloom.audio import AUDIO_FORMATS
from songbloom.released import PRESETS, RELEASES

DEFAULT_MODEL = "songbloom_full_150s"
SAMPLES_PER_ROW = 2
"""Of a list, as the published command makes; a single song is made once."""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="songbloom-infer",
        description="Make songs from lyrics and style prompts.",
        epilog="Generation settings are added as Hydra overrides, sampling.steps=20 "
        "sampling.top_k=200; they change those of the model or of --preset.",
    )
    model = parser.add_argument_group("model")
    chosen = model.add_mutually_exclusive_group()
    chosen.add_argument(
        "--checkpoint",
        metavar="PATH",
        help=".safetensors or .ckpt of a training, or a released model's folder",
    )
    chosen.add_argument(
        "--model-name",
        metavar="NAME",
        help=f"a released model: {', '.join(RELEASES)} (default: {DEFAULT_MODEL})",
    )
    model.add_argument(
        "--local-dir", default="cache", help="where released models are kept (%(default)s)"
    )
    model.add_argument("--repo-id", help="repository on the model hub that mirrors them")
    model.add_argument("--revision", help="branch, tag or commit there")
    model.add_argument("--codec", help="codec, if not where it was in training")
    model.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: the best there is)")
    model.add_argument(
        "--dtype", default="float32", choices=["float32", "bfloat16"], help="(%(default)s)"
    )

    song = parser.add_argument_group("one song")
    song.add_argument("--lyrics", metavar="FILE", help="text file of the lyrics, or - for stdin")
    song.add_argument("--lyrics-text", metavar="TEXT", help="the lyrics themselves")
    song.add_argument("--prompt", metavar="FILE", help="audio file of the wanted style")
    song.add_argument("--output", metavar="FILE", help="the song's file, if not in --output-dir")

    many = parser.add_argument_group("many songs")
    many.add_argument(
        "--input-jsonl", metavar="FILE", help="a song a line: idx, lyrics, prompt_wav [, seed]"
    )
    many.add_argument("--input-csv", metavar="FILE", help="the same columns, comma-separated")

    output = parser.add_argument_group("output")
    output.add_argument("--output-dir", default="./output", help="folder of songs (%(default)s)")
    output.add_argument("--output-format", choices=[ending[1:] for ending in AUDIO_FORMATS])
    output.add_argument(
        "--n-samples", type=int, help=f"of each song (lists: {SAMPLES_PER_ROW}, one song: 1)"
    )
    output.add_argument(
        "--seed", type=int, default=0, help="of the first sample; the next has the next (0)"
    )
    output.add_argument(
        "--max-duration", type=float, metavar="SECONDS", help="longest song (the model's own)"
    )
    output.add_argument("--preset", choices=list(PRESETS), help="published generation settings")
    output.add_argument("--save-latents", action="store_true", help="also write the latents")
    output.add_argument("--save-sketch", action="store_true", help="also write the sketch tokens")
    output.add_argument(
        "--spectrogram", action="store_true", help="also draw the song's spectrogram as PNG"
    )
    output.add_argument(
        "--overwrite", action="store_true", help="make songs again that are there already"
    )
    parser.add_argument("overrides", nargs="*", metavar="sampling.NAME=VALUE")
    return parser
