"""Writing a folder in the published format, which the published tool opens as it is."""

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from songbloom.audio_format import NUM_CHANNELS, SAMPLE_RATE, SAMPLES_PER_FRAME
from songbloom.checkpoint import Checkpoint, ModelCard
from songbloom.codec.base import Codec
from songbloom.codec.files import VAE_CONFIG, VAE_WEIGHTS
from songbloom.codec.oobleck import Oobleck
from songbloom.errors import SongBloomError
from songbloom.lyrics.sections import SECTION_SEPARATOR, SENTENCE_END
from songbloom.models import PatchDiTConfig
from songbloom.released.description import description
from songbloom.released.folder import VAE_PREFIX, VOCABULARY
from songbloom.released.layout import to_released
from songbloom.released.output import JsonFile, OutputFile, WeightsOutput, YamlFile, write_all


def export_released(
    folder: str | Path,
    name: str,
    checkpoint: Checkpoint,
    codec: Codec,
    *,
    with_safetensors: bool = False,
    overwrite: bool = False,
) -> None:
    """Write `<name>.yaml`, `<name>.pt`, the VAE's json and ckpt, and `vocab_g2p.yaml`.

    The weights keep their type; each file appears whole or not at all. Models of one vocabulary
    and VAE may share a folder: a file that is there with the same content stays.

    Args:
        folder: made if it is not there.
        name: of the model, without folders: letters, digits, `_`, `-` and `.`.
        checkpoint: of any size and vocabulary.
        codec: the VAE that the model was trained on.
        with_safetensors: also write the weights as `<name>.safetensors`, for tools that read it.
        overwrite: replace files that are there with other content.

    Raises:
        SongBloomError: the model is one that the published tool cannot run, a file is there with
            other content (then nothing is written), or the place cannot be written to.
    """
    reserved = Path(VOCABULARY).stem
    if not re.fullmatch(r"[\w-][\w.-]*", name) or name == reserved:
        raise SongBloomError(
            f"{name!r} is no name for a model; give one of letters, digits, '_', '-' and '.', "
            f"other than {reserved}."
        )
    codec = _require_publishable(checkpoint.card, codec)
    folder = Path(folder)
    vae = codec.to_released()
    state = to_released(checkpoint.state)
    if checkpoint.card.vae_in_weights:
        state |= {f"{VAE_PREFIX}{key}": value for key, value in vae.items()}
    write_all(_files(folder, name, checkpoint.card, state, vae, codec, with_safetensors), overwrite)


def _files(
    folder: Path,
    name: str,
    card: ModelCard,
    state: Mapping[str, Tensor],
    vae: Mapping[str, Tensor],
    codec: Oobleck,
    with_safetensors: bool,
) -> list[OutputFile]:
    """The yaml comes last: without it the folder holds no model."""
    weights = [folder / f"{name}.pt"]
    if with_safetensors:
        weights.append(folder / f"{name}.safetensors")
    return [
        *(WeightsOutput(path, state, state) for path in weights),
        WeightsOutput(folder / VAE_WEIGHTS, vae, {"state_dict": vae}),
        JsonFile(folder / VAE_CONFIG, codec.config_to_released()),
        YamlFile(folder / VOCABULARY, card.vocabulary.to_list()),
        YamlFile(folder / f"{name}.yaml", description(name, card)),
    ]


def _require_publishable(card: ModelCard, codec: Codec) -> Oobleck:
    """The codec as an Oobleck VAE; SongBloomError for what the published tool has no place for."""
    if not isinstance(codec, Oobleck):
        raise SongBloomError(
            f"The published tool decodes with an Oobleck VAE only, but this model was trained on "
            f"the latents of {card.codec.name!r}; train on shards encoded with the released VAE."
        )
    card.codec.require(codec.fingerprint, "codec")
    problems = {
        "its feed-forward width is no whole multiple of dim": card.config.feed_forward_multiple % 1,
        "its diffusion transformer has another rope_theta": (
            card.config.dit.rope_theta != PatchDiTConfig().rope_theta
        ),
        f"its vocabulary lacks {SECTION_SEPARATOR!r} or {SENTENCE_END!r}": (
            not {SECTION_SEPARATOR, SENTENCE_END} <= set(card.vocabulary.symbols)
        ),
        "its latents are not the VAE's": card.config.latent_dim != codec.latent_dim,
        "it is as wide as its latents": card.config.dim == codec.latent_dim,
        "its VAE is not of 48 kHz stereo at 1920 samples a frame": (
            (codec.sample_rate, codec.config.num_channels, codec.samples_per_frame)
            != (SAMPLE_RATE, NUM_CHANNELS, SAMPLES_PER_FRAME)
        ),
    }
    for problem, present in problems.items():
        if present:
            raise SongBloomError(f"The published tool cannot run this model: {problem}.")
    return codec
