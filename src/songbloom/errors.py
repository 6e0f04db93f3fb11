"""The errors that a user meets: one sentence that names the file or field and the mend."""


class SongBloomError(ValueError):
    """Bad input or configuration; command lines print its sentence and exit with status 2."""
