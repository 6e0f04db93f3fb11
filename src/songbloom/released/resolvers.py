"""The yaml of a released model as plain data: its resolvers understood, nothing executed.

Released files write `${sr}` and `${model.dim}` (another value of the file), `${dynamic_path:P}`
(`???` in a path is the model's folder), `${load_yaml:P}`, `${concat:A,B}`, `${get_fname:P}` and
`${eval:X}`. The published tool hands the last to Python; here it is arithmetic on numbers.
"""

import ast
import operator
import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from songbloom.errors import SongBloomError
from songbloom.released.plain_yaml import MAX_VALUES, load_plain_yaml

MAX_DEPTH = 20
"""Of interpolations in one another."""
MAX_TEXT = 10_000
"""Letters of a string with interpolations: a few that double each other would fill any memory."""

_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}


def read_released_yaml(path: str | Path) -> dict[str, Any]:
    """Read a released yaml, with every interpolation replaced by its value.

    Paths of `dynamic_path` and `load_yaml` must lie in the folder of the file.

    Raises:
        SongBloomError: no such file, no mapping, or an interpolation that is not understood.
    """
    path = Path(path)
    data = load_plain_yaml(path)
    if not isinstance(data, dict):
        raise SongBloomError(f"{path} must hold a mapping, as released configurations do.")
    try:
        return _Resolver(data, path.parent).resolve(data)
    except SongBloomError as error:
        raise SongBloomError(f"{path}: {error}") from error


def arithmetic(expression: str) -> float:
    """The value of plain arithmetic: numbers, + - * / // %, parentheses.

    Raises:
        SongBloomError: anything else, which is refused and not executed.
    """

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and not isinstance(node.value, bool):
            if isinstance(node.value, int | float):
                return node.value
            raise SongBloomError(refusal)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.operand))
        raise SongBloomError(refusal)

    shown = expression if len(expression) <= 60 else expression[:57] + "…"
    refusal = (
        f"${{eval:{shown}}} is refused: only plain arithmetic on numbers is computed, "
        "nothing is executed; write the value instead."
    )
    if len(expression) > 200:
        raise SongBloomError(refusal)
    try:
        return value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        if isinstance(error, SongBloomError):
            raise
        raise SongBloomError(refusal) from error


class _Resolver:
    """Replaces the interpolations of `data`, whose file lies in `folder`."""

    def __init__(self, data: Mapping[str, Any], folder: Path) -> None:
        self.data = data
        self.folder = folder
        self.num_values = 0
        self.loaded: dict[Path, Any] = {}

    def count(self, num_values: int, depth: int = 0) -> None:
        """Refuse more values than a file of this kind may stand for."""
        self.num_values += num_values
        if self.num_values > MAX_VALUES or depth > MAX_DEPTH:
            raise SongBloomError("its values are nested too deeply or refer to one another.")

    def resolve(self, value: Any, depth: int = 0) -> Any:
        """A copy of plain data without interpolations."""
        self.count(1, depth)
        if isinstance(value, dict):
            return {key: self.resolve(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item, depth + 1) for item in value]
        return self.text(value, depth) if isinstance(value, str) else value

    def text(self, text: str, depth: int) -> Any:
        """A string's value: of any type where it is one interpolation, else a string."""
        start = text.find("${")
        if start < 0:
            return text
        self.count(1, depth)
        end = _closing(text, start)
        value = self.interpolation(text[start + 2 : end], depth + 1)
        if start == 0 and end == len(text) - 1:
            return value
        if isinstance(value, list | dict):
            raise SongBloomError(f"the string {text[:40]!r} needs a plain value in its middle.")
        joined = f"{text[:start]}{value}{text[end + 1 :]}"
        if len(joined) > MAX_TEXT:
            raise SongBloomError(f"the string {text[:40]!r} is longer than {MAX_TEXT} letters.")
        return self.text(joined, depth + 1)

    def interpolation(self, inner: str, depth: int) -> Any:
        """The value of what stands between `${` and `}`."""
        name, colon, argument = inner.partition(":")
        if not colon:
            return self.node(name.strip(), depth)
        resolvers = {
            "eval": self.eval,
            "dynamic_path": self.dynamic_path,
            "load_yaml": self.load_yaml,
            "get_fname": self.get_fname,
            "concat": self.concat,
        }
        if name.strip() not in resolvers:
            raise SongBloomError(
                f"the resolver ${{{name.strip()}:…}} is not known; "
                f"released files use {', '.join(resolvers)}."
            )
        return resolvers[name.strip()](argument, depth)

    def node(self, name: str, depth: int) -> Any:
        """Another value of the file, `model.dim`."""
        value: Any = self.data
        for part in name.split("."):
            if not isinstance(value, Mapping) or part not in value:
                raise SongBloomError(f"${{{name}}} refers to a value that the file does not hold.")
            value = value[part]
        return self.resolve(value, depth)

    def eval(self, argument: str, depth: int) -> float:
        """Arithmetic, after the interpolations inside it."""
        return arithmetic(str(self.text(_unquoted(argument), depth)))

    def dynamic_path(self, argument: str, depth: int) -> str:
        """A path inside the model's folder; `???` stands for the folder."""
        text = str(self.text(_unquoted(argument), depth))
        return str(inside(self.folder, text.replace("???", ".")))

    def load_yaml(self, argument: str, depth: int) -> Any:
        """The data of another yaml of the folder, without interpolations of its own."""
        path = inside(self.folder, str(self.text(_unquoted(argument), depth)))
        if path not in self.loaded:
            self.loaded[path] = load_plain_yaml(path)
        return self.loaded[path]

    def get_fname(self, argument: str, depth: int) -> str:
        """A file's name without folder and ending."""
        return PurePosixPath(str(self.text(_unquoted(argument), depth))).stem

    def concat(self, argument: str, depth: int) -> list[Any]:
        """Lists in a row."""
        joined: list[Any] = []
        for part in _split_arguments(argument):
            value = self.text(_unquoted(part), depth)
            if not isinstance(value, list):
                raise SongBloomError(f"${{concat:…}} needs lists, but {part.strip()!r} is none.")
            self.count(len(value))
            joined += value
        return joined


def inside(folder: Path, name: str) -> Path:
    """The path of a file of this folder.

    Raises:
        SongBloomError: the name leads out of the folder.
    """
    # By name alone: a download's folder may hold links to where its files really lie.
    folder = Path(os.path.abspath(folder))
    path = Path(os.path.normpath(folder / name))
    if not path.is_relative_to(folder):
        raise SongBloomError(f"{name!r} leads out of the model's folder; name a file inside it.")
    return path


def _closing(text: str, start: int) -> int:
    """Where the interpolation that opens at `start` closes."""
    depth = 0
    for position in range(start, len(text)):
        if text.startswith("${", position):
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    raise SongBloomError(f"the interpolation {text[start : start + 40]!r} is not closed.")


def _split_arguments(text: str) -> list[str]:
    """The parts between the commas that stand in no inner interpolation."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _unquoted(text: str) -> str:
    """The text without one pair of quotes around it."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
