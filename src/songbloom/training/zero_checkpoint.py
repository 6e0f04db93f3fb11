"""DeepSpeed checkpoints, which are folders of shards, as one file of weights."""

from pathlib import Path

from lightning.pytorch.utilities.deepspeed import convert_zero_checkpoint_to_fp32_state_dict

from songbloom.errors import SongBloomError
from songbloom.whole_file import whole_file


def gather_weights(folder: str | Path, target: str | Path) -> None:
    """Write a DeepSpeed checkpoint's weights (float32) and description as one Lightning `.ckpt`.

    Only for folders of one's own runs: DeepSpeed reads them without `weights_only`.

    Args:
        folder: what Lightning saved under ZeRO stage 1, 2 or 3.
        target: the file to write, which `songbloom.checkpoint.load_checkpoint` reads.

    Raises:
        SongBloomError: the folder is no such checkpoint, or not whole.
    """
    folder = Path(folder)
    if not (folder / "latest").is_file():
        raise SongBloomError(f"{folder} is no DeepSpeed checkpoint; it lacks the file `latest`.")
    try:
        with whole_file(target) as temporary:
            convert_zero_checkpoint_to_fp32_state_dict(folder, temporary)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise SongBloomError(f"{folder} cannot be gathered into one file: {error}") from error
