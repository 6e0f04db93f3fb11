"""Writing a folder in the published format, which the published tool opens as it is."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml

from songbloom.checkpoint import Checkpoint, ModelCard
from songbloom.codec.base import Codec
from songbloom.codec.files import VAE_CONFIG, VAE_WEIGHTS
from songbloom.codec.oobleck import Oobleck
from songbloom.errors import SongBloomError
from songbloom.lyrics.sections import SECTION_SEPARATOR, SENTENCE_END
from songbloom.models import PatchDiTConfig
from songbloom.released.folder import GRACE_SECONDS, OWN_SECTION, VOCABULARY
from songbloom.released.layout import to_released
from songbloom.released.settings import settings_to_released
from songbloom.weights import save_safetensors
from songbloom.whole_file import whole_file


def export_released(
    folder: str | Path,
    name: str,
    checkpoint: Checkpoint,
    codec: Codec,
    *,
    with_safetensors: bool = False,
) -> None:
    """Write `<name>.yaml`, `<name>.pt`, the VAE's json and ckpt, and `vocab_g2p.yaml`.

    The weights keep their type; each file appears whole or not at all.

    Args:
        folder: made if it is not there.
        name: of the model, without folders.
        checkpoint: of any size and vocabulary.
        codec: the VAE that the model was trained on.
        with_safetensors: also write the weights as `<name>.safetensors`, for tools that read it.

    Raises:
        SongBloomError: the model is one that the published tool cannot run, or the disk is full.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise SongBloomError(f"{name!r} is no name for a model; give a plain file name.")
    codec = _require_publishable(checkpoint.card, codec)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = to_released(checkpoint.state)
    description = _description(name, checkpoint.card)
    symbols = checkpoint.card.vocabulary.to_list()

    _write(folder / f"{name}.pt", lambda path: torch.save(state, path))
    if with_safetensors:
        save_safetensors(folder / f"{name}.safetensors", state)
    _write(folder / VAE_WEIGHTS, lambda path: torch.save({"state_dict": codec.to_released()}, path))
    _write_text(folder / VAE_CONFIG, json.dumps(codec.config_to_released(), indent=1))
    _write_text(folder / VOCABULARY, yaml.safe_dump(symbols, allow_unicode=True, width=1000))
    _write_text(
        folder / f"{name}.yaml",
        yaml.safe_dump(description, allow_unicode=True, sort_keys=False, width=1000),
    )


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
    }
    for problem, present in problems.items():
        if present:
            raise SongBloomError(f"The published tool cannot run this model: {problem}.")
    return codec


def _description(name: str, card: ModelCard) -> dict[str, Any]:
    """The yaml's content; paths are written with the resolver that the published tool fills in."""
    config = card.config
    rate = config.lm.rope_theta
    return {
        "precision": "bf16-mixed",
        "min_dur": 10,
        "max_dur": max(1, math.ceil(card.max_seconds - GRACE_SECONDS)),
        "sr": 48_000,
        "pretrained_path": _path(f"{name}.pt"),
        "train_dataset": {
            "lyric_processor": "phoneme",
            # Whole seconds: the published tool counts samples by it.
            "prompt_len": math.ceil(card.prompt_seconds),
        },
        "vae": {
            "vae_cfg": _path(VAE_CONFIG),
            "vae_ckpt": _path(VAE_WEIGHTS),
            "sr": "${sr}",
        },
        "model": {
            "block_size": config.patch_size,
            "latent_dim": config.latent_dim,
            "dim": config.dim,
            "num_heads": config.num_heads,
            "hidden_scale": int(config.feed_forward_multiple),
            "lm_layers": config.lm.num_layers,
            "diff_layers": config.dit.num_layers,
            "num_pitch": config.num_codes,
            "time_cond_type": "prepend",
            "timestep_features_dim": config.dit.time_features,
            "diffusion_objective": "rectified_flow",
            "timestep_sampler": "logit_normal",
            "backend": "llama",
            "rotary_base_val": int(rate) if rate % 1 == 0 else rate,
            "init_std": 0.02,
            "h_dropout": 0.05,
            "condition_provider_cfg": {
                "prompt_wav": {
                    "type": "audio_tokenizer_wrapper",
                    "output_dim": "${model.dim}",
                    "audio_tokenizer": None,
                    "max_len": config.prompt_frames,
                },
                "lyrics": {
                    "type": "phoneme_tokenizer",
                    "output_dim": "${model.dim}",
                    "vocab_list": f"${{load_yaml:{_path(VOCABULARY)}}}",
                    "max_len": config.max_lyrics,
                    "max_sentence_per_structure": config.max_sentences,
                    "mode": "sum",
                },
            },
            "cfg_dropout": 0.1,
            "attribute_dropout": {"text": {"lyrics": 0.0}, "wav": {"prompt_wav": 0.1}},
            "fuser_cfg": {
                "cross_attention_pos_emb": False,
                "cross_attention_pos_emb_scale": 1,
                "sum": [],
                "prepend": ["lyrics", "prompt_wav"],
                "cross": [],
                "input_interpolate": [],
            },
        },
        "inference": settings_to_released(card.generation),
        OWN_SECTION: {
            "sketch": vars(card.sketch),
            "g2p": card.g2p,
            "tag_seconds": card.tag_seconds,
            "prompt_seconds": card.prompt_seconds,
            "max_seconds": card.max_seconds,
        },
    }


def _path(file: str) -> str:
    return f'${{dynamic_path:"???/{file}"}}'


def _write_text(path: Path, text: str) -> None:
    _write(path, lambda temporary: temporary.write_text(text + "\n", encoding="utf-8"))


def _write(path: Path, write: Callable[[Path], object]) -> None:
    try:
        with whole_file(path) as temporary:
            write(temporary)
    except (OSError, RuntimeError) as error:
        raise SongBloomError(
            f"{path} could not be written ({error}); free some space and try again."
        ) from error
