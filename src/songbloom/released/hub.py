"""Released models by name: which files they are made of, where they are fetched from."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from songbloom.codec.files import VAE_CONFIG, VAE_WEIGHTS
from songbloom.errors import SongBloomError
from songbloom.released.folder import VOCABULARY

SHORT_SONGS = "CypressYang/SongBloom"
LONG_SONGS = "CypressYang/SongBloom_long"
RELEASES = {
    "songbloom_full_150s": SHORT_SONGS,
    "songbloom_full_150s_dpo": SHORT_SONGS,
    "songbloom_full_240s": LONG_SONGS,
}
"""Name -> the repository on the model hub that first held it. The first pages are gone: a mirror is
named with `repository`."""


ANSWER_SECONDS = 5.0
"""That the hub has to answer, before it counts as out of reach."""


@dataclass(frozen=True, kw_only=True)
class HubSettings:
    """Where released files are fetched from.

    Attributes:
        local_dir: folder that they are put into, and looked for first.
        repository: `owner/name` on the hub that holds all of them; None: the first publisher's.
        revision: branch, tag or commit there.
    """

    local_dir: str | Path = "cache"
    repository: str | None = None
    revision: str | None = None


def required_files(name: str) -> Iterator[tuple[str, str]]:
    """The files of a release, each with the repository that first held it.

    Raises:
        SongBloomError: no release has that name.
    """
    if name not in RELEASES:
        raise SongBloomError(
            f"There is no released model {name!r}; the names are {', '.join(RELEASES)}."
        )
    yield f"{name}.yaml", RELEASES[name]
    yield f"{name}.pt", RELEASES[name]
    for shared in (VAE_CONFIG, VAE_WEIGHTS, VOCABULARY):
        yield shared, SHORT_SONGS


def fetch_release(name: str, settings: HubSettings) -> Path:
    """The folder that holds a release, after downloading what it lacks.

    An interrupted download goes on where it was; a folder that is complete needs no network.

    Raises:
        SongBloomError: unknown name, or files that can neither be found nor downloaded; the
            sentence says which belong where.
    """
    folder = Path(settings.local_dir)
    missing = [
        (file, first) for file, first in required_files(name) if not (folder / file).is_file()
    ]
    for file, first in missing:
        repository = settings.repository or first
        try:
            _download(repository, file, folder, settings.revision)
        except Exception as error:  # the client raises many kinds for a network that is not there
            lacking = ", ".join(file for file, _ in missing if not (folder / file).is_file())
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise SongBloomError(
                f"{name} cannot be downloaded from {repository} ({reason}); name a mirror with "
                f"--repo-id, or put these files into {folder}: {lacking}."
            ) from error
    return folder


def _download(repository: str, file: str, folder: Path, revision: str | None) -> None:
    import huggingface_hub as hub  # slow to import, seldom needed
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # one sentence says it, not a line for each try
    # Asked once first: the download itself tries for half a minute without a network.
    url = hub.hf_hub_url(repository, file, revision=revision)
    hub.get_hf_file_metadata(url, timeout=ANSWER_SECONDS)
    hub.hf_hub_download(
        repository, file, local_dir=folder, revision=revision, etag_timeout=ANSWER_SECONDS
    )
