"""Released models: their folder, key names, yaml and settings, read and written.

Imports go one way here too: export and hub -> folder -> model_section, layout,
resolvers, settings -> plain_yaml, numbers.
"""

from songbloom.released.export import export_released
from songbloom.released.folder import ReleasedModel, find_config, load_released
from songbloom.released.hub import RELEASES, HubSettings, fetch_release
from songbloom.released.settings import PRESETS, settings_from_released

__all__ = [
    "PRESETS",
    "RELEASES",
    "HubSettings",
    "ReleasedModel",
    "export_released",
    "fetch_release",
    "find_config",
    "load_released",
    "settings_from_released",
]
