"""A yaml file as plain data: of a sane size, also once its aliases are followed."""

from pathlib import Path
from typing import Any

import yaml

from songbloom.errors import SongBloomError

MAX_BYTES = 1_000_000
"""Of a yaml file: a released one holds some kilobytes."""
MAX_VALUES = 100_000
"""Values in a file once its aliases are followed: a few nested ones would fill any memory."""


class FileList(list[Any]):
    """A list that is a file's whole content, and which file's."""

    def __init__(self, values: list[Any], path: Path) -> None:
        super().__init__(values)
        self.path = path


class _Loader(yaml.SafeLoader):
    """Plain data without merge keys, which multiply while they are read."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.YAMLError("it merges mappings with '<<'; write their values out")
        super().flatten_mapping(node)


def load_plain_yaml(path: Path) -> Any:
    """Plain data of a yaml file; a list remembers its file.

    Raises:
        SongBloomError: no regular file, too large, or no valid yaml.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SongBloomError(f"{path} is larger than {MAX_BYTES} bytes; it is no such file.")
        if not path.is_file():
            raise SongBloomError(f"{path} cannot be read: it is no regular file; put one there.")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SongBloomError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SongBloomError(f"{path} is no valid yaml: it is no UTF-8 text.") from error
    try:
        data = _construct(text)
    except SongBloomError as error:
        raise SongBloomError(f"{path}: {error}") from error
    except RecursionError as error:
        raise SongBloomError(f"{path} is no valid yaml: it is nested too deeply.") from error
    except Exception as error:  # the constructors of dates and numbers raise many kinds
        reason = (str(error).splitlines() or [""])[0][:200]
        raise SongBloomError(f"{path} is no valid yaml: {reason}.") from error
    return FileList(data, path) if isinstance(data, list) else data


def _construct(text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _num_values(node, {}) > MAX_VALUES:
            raise SongBloomError("its values are nested too deeply or refer to one another.")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _num_values(node: yaml.Node, known: dict[int, int]) -> int:
    """Values below a node, each alias counted as what it stands for; endless where it recurs."""
    if id(node) not in known:
        known[id(node)] = MAX_VALUES + 1  # what a node that holds itself finds
        children: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            children = node.value
        elif isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
        known[id(node)] = 1 + sum(_num_values(child, known) for child in children)
    return known[id(node)]
