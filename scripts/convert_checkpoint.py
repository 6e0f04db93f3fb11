"""Convert a model between our format and the published one.

    python scripts/convert_checkpoint.py to-ours songbloom_full_150s model.safetensors
    python scripts/convert_checkpoint.py to-released model.safetensors FOLDER --name my_model

The first writes the model and, beside it, its VAE as one file each; the second a folder that the
published tool opens as it is. No weight changes: there and back again is bit-equal.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from songbloom.checkpoint import save_checkpoint
from songbloom.codec.files import save_codec
from songbloom.errors import SongBloomError
from songbloom.pipeline import open_model
from songbloom.released import HubSettings, export_released


def to_ours(source: str, target: Path, hub: HubSettings) -> None:
    """A released model as `target` and its VAE beside it."""
    if target.suffix != ".safetensors":
        raise SongBloomError(f"{target} must end in .safetensors.")
    checkpoint, codec = open_model(source, hub=hub)
    codec_file = target.with_name(f"{target.stem}.codec.safetensors")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SongBloomError(
            f"{target.parent} cannot be made ({error.strerror}); give a folder that can be "
            "written to."
        ) from error
    save_codec(codec, codec_file)
    reference = replace(checkpoint.card.codec, name=codec_file.name)
    card = replace(checkpoint.card, codec=reference)
    save_checkpoint(target, replace(checkpoint, card=card))
    print(f"{target}\n{codec_file}")


def to_folder(arguments: argparse.Namespace) -> None:
    """One of our checkpoints as a folder in the published format."""
    checkpoint, codec = open_model(arguments.source, codec=arguments.codec)
    export_released(
        arguments.folder,
        arguments.name,
        checkpoint,
        codec,
        with_safetensors=arguments.safetensors,
        overwrite=arguments.overwrite,
    )
    for file in sorted(arguments.folder.iterdir()):
        print(file)


def main() -> int:
    """Convert as asked."""
    parser = argparse.ArgumentParser(description="Convert between our and the published format.")
    commands = parser.add_subparsers(dest="command", required=True)
    ours = commands.add_parser("to-ours", help="a released model -> our two files")
    ours.add_argument("source", help="released folder, yaml, or name")
    ours.add_argument("target", type=Path, help=".safetensors to write")
    ours.add_argument("--local-dir", default="cache")
    ours.add_argument("--repo-id")
    ours.add_argument("--revision")
    released = commands.add_parser("to-released", help="our checkpoint -> a published folder")
    released.add_argument("source", help="our checkpoint, or a training run's folder")
    released.add_argument("folder", type=Path)
    released.add_argument("--name", required=True, help="of the model in the published format")
    released.add_argument("--codec", help="its VAE, if not where it was in training")
    released.add_argument(
        "--safetensors",
        action="store_true",
        help="also write NAME.safetensors, for tools that read no .pt",
    )
    released.add_argument(
        "--overwrite",
        action="store_true",
        help="replace files of other content in FOLDER, such as another model's vocabulary",
    )
    arguments = parser.parse_args()
    if arguments.command == "to-ours":
        hub = HubSettings(
            local_dir=arguments.local_dir,
            repository=arguments.repo_id,
            revision=arguments.revision,
        )
        to_ours(arguments.source, arguments.target, hub)
    else:
        to_folder(arguments)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SongBloomError as error:
        sys.exit(f"error: {error}")
