"""The errors that a user meets: one sentence that names the file or field and the mend."""

from enum import StrEnum
from typing import Any


class SongBloomError(ValueError):
    """Bad input or configuration; command lines print its sentence and exit with status 2."""


class SongBloomWarning(UserWarning):
    """Input that is used, but hardly as it was meant; command lines print its sentence."""


def set_choice(settings: Any, name: str, choices: type[StrEnum]) -> None:
    """Turn a field of a frozen dataclass, which may hold a plain string, into its enum member.

    Raises:
        SongBloomError: no member has that value.
    """
    value = getattr(settings, name)
    try:
        object.__setattr__(settings, name, choices(value))
    except ValueError:
        raise SongBloomError(
            f"{type(settings).__name__}.{name} is {value!r}; it must be one of "
            f"{', '.join(choices)}."
        ) from None
