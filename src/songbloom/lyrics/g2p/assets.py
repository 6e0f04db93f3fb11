"""Where the embedded dictionaries lie; they are read when first needed, never at import."""

from importlib.resources import files
from importlib.resources.abc import Traversable


def asset(name: str) -> Traversable:
    """A data file of the lyrics package."""
    return files("songbloom.assets") / "lyrics" / name
