"""Hydra schemas of the root scripts; the only module that knows Hydra.

Groups name a class and its arguments (`_target_`); here they become objects. A key that the schema
or the class does not know is refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, InstantiationException
from hydra.utils import instantiate
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from songbloom.errors import SongBloomError
from songbloom.sampling import GenerationSettings


@dataclass
class TrainSchema:
    """Top-level keys of `conf/train.yaml`."""

    name: str = MISSING
    seed: int = 0
    codec: str = "spectral-demo"
    sketch: str = "chroma-demo"
    weight_decay: float = 0.1
    flow_weight: float = 0.1
    init: str | None = None
    resume: str | None = None
    num_threads: int | None = None
    paths: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    corruption: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    scheduler: dict[str, Any] = field(default_factory=dict)
    trainer: dict[str, Any] = field(default_factory=dict)
    callbacks: dict[str, Any] = field(default_factory=dict)
    logger: dict[str, Any] = field(default_factory=dict)


def register() -> None:
    """Make the schemas known to Hydra; before `hydra.main`."""
    ConfigStore.instance().store(name="train_schema", node=TrainSchema)


def build(config: DictConfig, group: str, **arguments: Any) -> Any:
    """Make the object that a group of the configuration names.

    Args:
        config: the whole configuration.
        group: the group's key.
        arguments: passed on beside the group's own.

    Raises:
        SongBloomError: a misspelt or missing argument; the sentence names the group.
    """
    try:
        return instantiate(config[group], _convert_="all", **arguments)
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, SongBloomError):
            raise cause from None
        raise SongBloomError(
            f"The configuration group {group!r} cannot be built: {cause or error}."
        ) from error
    except OmegaConfBaseException as error:
        reason = str(error).partition("\n")[0]
        raise SongBloomError(
            f"The configuration group {group!r} cannot be read: {reason}."
        ) from error


def build_each(config: DictConfig, group: str) -> list[Any]:
    """Make every member of a group of named parts; a member set to null is left out."""
    return [build(config[group], name) for name, part in config[group].items() if part is not None]


def partial(config: DictConfig, group: str) -> Callable[..., Any]:
    """The group's class or function with its arguments bound, to be called later.

    The call raises SongBloomError for a misspelt or missing argument.
    """
    function = build(config, group, _partial_=True)

    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except TypeError as error:
            raise SongBloomError(f"The configuration group {group!r} is wrong: {error}.") from error

    return call


def read_sampling(overrides: Sequence[str], base: GenerationSettings) -> GenerationSettings:
    """Generation settings with Hydra overrides of the group `sampling`, `sampling.steps=20`.

    Raises:
        SongBloomError: another group, an unknown setting, or a value of the wrong kind.
    """
    types = {item.name: item.type for item in fields(GenerationSettings)}
    values: dict[str, Any] = {}
    for text in overrides:
        try:
            override = OverridesParser.create().parse_override(text)
            value = override.value()
        except HydraException as error:
            reason = str(error).partition("\n")[0]
            raise SongBloomError(f"The override {text!r} cannot be read: {reason}.") from error
        group, _, name = str(override.key_or_group).partition(".")
        if group != "sampling" or name not in types or override.is_sweep_override():
            raise SongBloomError(
                f"The override {text!r} is not understood; settings are "
                f"{', '.join(f'sampling.{known}' for known in types)}."
            )
        wanted = types[name]
        if wanted is float and type(value) is int:
            value = float(value)
        if wanted in (bool, int, float) and type(value) is not wanted:
            raise SongBloomError(f"{text!r}: sampling.{name} must be of type {wanted.__name__}.")
        values[name] = value
    return replace(base, **values)


def to_yaml(config: DictConfig) -> str:
    """The resolved configuration as text."""
    return OmegaConf.to_yaml(config, resolve=True)
