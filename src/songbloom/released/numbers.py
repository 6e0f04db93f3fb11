"""Numbers of a released configuration: of the right kind, and not so large as to fill a memory."""

import math
import reprlib

from songbloom.errors import SongBloomError


def read_number(value: object, name: str, *, low: float, high: float) -> float:
    """A finite number from `low` to `high`; whole ones stay whole.

    Raises:
        SongBloomError: something else, by the field's name.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SongBloomError(
            f"The released configuration lacks a number for {name}: it is {reprlib.repr(value)}."
        )
    if not low <= value <= high:  # neither is NaN between them
        shown = value if isinstance(value, float) else f"an integer of {value.bit_length()} bits"
        shown = value if abs(value) < 1e15 else shown
        raise SongBloomError(f"{name} is {shown}; it must be from {low} to {high}.")
    return value


def read_whole(value: object, name: str, *, high: int, low: int = 1) -> int:
    """A whole number from `low` to `high`, `20.0` being 20.

    Raises:
        SongBloomError: something else, by the field's name.
    """
    number = read_number(value, name, low=low, high=high)
    if math.floor(number) != number:
        raise SongBloomError(f"{name} is {number}; it must be a whole number.")
    return int(number)
