"""Weights of files, mapped into memory: what is kept takes memory, what is only read does not.

`torch.load` and safetensors map a file instead of reading it, but every page that was read stays
counted until the mapping goes. So weights that change their type on the way in are taken in
portions, and the file is mapped anew after each.
"""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from songbloom.errors import SongBloomError
from songbloom.whole_file import whole_file

PORTION_BYTES = 1 << 27
"""Converted between two mappings of a file."""

WEIGHT_TYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


class WeightsFile(Mapping[str, Tensor]):
    """The tensors of a file by name, as views of it.

    Args:
        open_file: maps the file and returns its tensors under the names that are wanted.
        describe: a tensor's name as an error is to say it, where the file has another.
    """

    def __init__(
        self,
        open_file: Callable[[], Mapping[str, Tensor]],
        describe: Callable[[str], str] = str,
    ) -> None:
        self._open = open_file
        self.describe = describe
        self._tensors = open_file()

    def __getitem__(self, key: str) -> Tensor:
        return self._tensors[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def release(self) -> None:
        """Let go of the pages read so far; tensors handed out before keep theirs."""
        self._tensors = {}
        self._tensors = self._open()


@contextmanager
def errors_about(path: str | Path) -> Iterator[None]:
    """Put a file's path before the errors of what is read from it, unless they name it.

    Raises:
        SongBloomError: as raised inside.
    """
    try:
        yield
    except SongBloomError as error:
        if str(path) in str(error):
            raise
        raise SongBloomError(f"{path}: {error}") from error


def load_torch(path: str | Path) -> Any:
    """Plain data and mapped tensors of a file of `torch.save`; nothing in it is executed.

    Raises:
        SongBloomError: no such file, or one that holds more than tensors and plain data.
    """
    path = Path(path)
    if not path.is_file():
        raise SongBloomError(f"There is no file {path}; check the path.")
    try:
        # Files of the old format, which is no zip, cannot be mapped.
        mapped = zipfile.is_zipfile(path)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # the reader raises many kinds for a damaged file
        raise SongBloomError(
            f"{path} cannot be read as weights ({type(error).__name__}): it is damaged, or holds "
            "more than tensors and plain data, which is not executed."
        ) from error


def load_safetensors(path: str | Path) -> dict[str, Tensor]:
    """The mapped tensors of a safetensors file.

    Raises:
        SongBloomError: no such file, or a damaged one.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise SongBloomError(f"{path} cannot be read as weights: {error}") from error


def load_state(path: str | Path) -> Mapping[str, Tensor]:
    """A state dict of either kind of file, by its ending; `state_dict` inside it is looked into.

    Raises:
        SongBloomError: the file cannot be read, or holds something else than named weights.
    """
    if Path(path).suffix == ".safetensors":
        state: Any = load_safetensors(path)
    else:
        data = load_torch(path)
        state = data.get("state_dict", data) if isinstance(data, dict) else data
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise SongBloomError(f"{path} holds no state dict (names and tensors).")
    odd = next((key for key, value in state.items() if not is_weight(value)), None)
    if odd is not None:
        raise SongBloomError(f"{path} holds {odd} as {_kind(state[odd])}; {_WANTED}.")
    return state


_WANTED = "weights are dense floating-point tensors, so save it as float32"


def is_weight(value: Tensor) -> bool:
    """Whether a tensor is dense, holds its values and is of a floating-point type in use."""
    dense = value.layout is torch.strided and not value.is_meta and not value.is_quantized
    return dense and value.dtype in WEIGHT_TYPES


def _kind(value: Tensor) -> str:
    where = "meta " if value.is_meta else ""
    layout = "" if value.layout is torch.strided else f"{value.layout} "
    return f"a {where}{layout}{value.dtype} tensor".replace("torch.", "")


def save_safetensors(
    path: str | Path, state: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file, whole or not at all.

    Raises:
        SongBloomError: the disk is full, or the place cannot be written to.
    """
    tensors: dict[str, Tensor] = {}
    storages: set[int] = set()
    for key, value in state.items():
        tensor = value.detach().cpu().contiguous()
        storage = tensor.untyped_storage().data_ptr()
        # The format refuses tensors that share memory: each is written on its own.
        tensors[key] = tensor.clone() if tensor.numel() and storage in storages else tensor
        storages.add(storage)
    try:
        with whole_file(path) as temporary:
            save_file(tensors, temporary, metadata=metadata)
            temporary.chmod(0o644)  # the library lets only the owner read it
    except (OSError, SafetensorError) as error:
        raise SongBloomError(
            f"{path} could not be written ({error}); free some space, or give a place that can be "
            "written to."
        ) from error


def check_shapes(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], what: str) -> None:
    """Compare two state dicts by key and shape.

    Raises:
        SongBloomError: names every key that is missing, unexpected, misshapen or no weight.
    """
    problems = [f"{key} is missing" for key in expected if key not in found]
    problems += [f"{key} is unexpected" for key in found if key not in expected]
    problems += [
        f"{key} has shape {tuple(value.shape)} instead of {tuple(expected[key].shape)}"
        for key, value in found.items()
        if key in expected and value.shape != expected[key].shape
    ]
    problems += [
        f"{key} is {_kind(value)}; {_WANTED}"
        for key, value in found.items()
        if key in expected and not is_weight(value)
    ]
    if problems:
        raise SongBloomError(f"The weights do not fit {what}: {'; '.join(problems)}.")


def take_weights(
    state: Mapping[str, Tensor], *, device: torch.device | str, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """The tensors on a device and in a type, with no second copy of more than a portion.

    Tensors that are so already are handed on as they are.

    Args:
        state: consumed in its order; a `WeightsFile` is mapped anew after each portion.
        device: where they are wanted.
        dtype: of floating-point tensors; None leaves it.

    Raises:
        SongBloomError: a weight is not finite.
    """
    taken: dict[str, Tensor] = {}
    converted = 0
    for key in list(state):
        value = state[key]
        wanted = value.to(device=device, dtype=dtype if value.is_floating_point() else None)
        if not _is_finite(value):
            name = state.describe(key) if isinstance(state, WeightsFile) else key
            raise SongBloomError(
                f"The weights are damaged: {name} is not finite; fetch them again."
            )
        taken[key] = wanted
        if wanted is not value:
            converted += value.nbytes
        del value, wanted
        if converted > PORTION_BYTES and isinstance(state, WeightsFile):
            state.release()
            converted = 0
    return taken


def _is_finite(value: Tensor) -> bool:
    # By the extremes, which carry any NaN: `isfinite()` would take as much memory as the tensor.
    return value.numel() == 0 or all(bound.isfinite() for bound in torch.aminmax(value.detach()))
