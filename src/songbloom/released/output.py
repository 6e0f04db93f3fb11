"""Files of an export: none of another model is replaced unasked, each appears whole or not."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from songbloom.errors import SongBloomError
from songbloom.released.plain_yaml import load_plain_yaml
from songbloom.weights import load_state, save_safetensors
from songbloom.whole_file import whole_file


class OutputFile(ABC):
    """A file to be written.

    Args:
        path: where.
        content: what it is to hold.
    """

    def __init__(self, path: Path, content: Any) -> None:
        self.path = path
        self.content = content

    def is_there(self) -> bool:
        """Whether the path holds this content already, however it is laid out."""
        try:
            return self.path.is_file() and self.equals()
        except (SongBloomError, OSError, ValueError, RecursionError):
            return False

    @abstractmethod
    def equals(self) -> bool:
        """Whether the file that is there reads as the content."""

    @abstractmethod
    def write(self, path: Path) -> None:
        """Write the content to a temporary path."""


class YamlFile(OutputFile):
    """Plain data."""

    def equals(self) -> bool:
        """See `OutputFile`."""
        return bool(load_plain_yaml(self.path) == self.content)

    def write(self, path: Path) -> None:
        """See `OutputFile`."""
        text = yaml.safe_dump(self.content, allow_unicode=True, sort_keys=False, width=1000)
        path.write_text(text + "\n", encoding="utf-8")


class JsonFile(OutputFile):
    """Plain data."""

    def equals(self) -> bool:
        """See `OutputFile`."""
        return bool(json.loads(self.path.read_text(encoding="utf-8")) == self.content)

    def write(self, path: Path) -> None:
        """See `OutputFile`."""
        path.write_text(json.dumps(self.content, indent=1) + "\n", encoding="utf-8")


class WeightsOutput(OutputFile):
    """Tensors by name.

    Args:
        path: of a `.safetensors`, or of a file of `torch.save`.
        state: the tensors.
        content: what `torch.save` is given, in which they may lie deeper.
    """

    def __init__(self, path: Path, state: Mapping[str, Tensor], content: Mapping[str, Any]) -> None:
        super().__init__(path, content)
        self.state = state

    def equals(self) -> bool:
        """See `OutputFile`."""
        found = load_state(self.path)
        return found.keys() == self.state.keys() and all(
            found[key].dtype == value.dtype and torch.equal(found[key], value.cpu())
            for key, value in self.state.items()
        )

    def write(self, path: Path) -> None:
        """See `OutputFile`."""
        if self.path.suffix == ".safetensors":
            save_safetensors(path, self.state)
        else:
            torch.save(self.content, path)


def write_all(files: Sequence[OutputFile], overwrite: bool) -> None:
    """Write those files that are not there with the same content.

    Raises:
        SongBloomError: one is there with other content and is not to be replaced (then nothing is
            written), or the place cannot be written to.
    """
    needed = [file for file in files if not file.is_there()]
    others = [str(file.path) for file in needed if file.path.exists() or file.path.is_symlink()]
    if others and not overwrite:
        raise SongBloomError(
            f"{', '.join(others)} would be replaced, with other content than is there; export "
            "into another folder, or ask to overwrite."
        )
    for file in needed:
        try:
            with whole_file(file.path) as temporary:
                file.write(temporary)
        except (OSError, RuntimeError) as error:
            raise SongBloomError(
                f"{file.path} could not be written ({error}); free some space, or give a folder "
                "that can be written to."
            ) from error
