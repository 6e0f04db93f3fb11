"""The yaml of an exported model, in the published form."""

import math
from typing import Any

from songbloom.audio_format import SAMPLE_RATE
from songbloom.checkpoint import ModelCard
from songbloom.codec.files import VAE_CONFIG, VAE_WEIGHTS
from songbloom.released.folder import GRACE_SECONDS, OWN_SECTION, VOCABULARY
from songbloom.released.settings import settings_to_released


def description(name: str, card: ModelCard) -> dict[str, Any]:
    """The yaml's content; paths are written with the resolver that the published tool fills in."""
    config = card.config
    rate = config.lm.rope_theta
    return {
        "precision": "bf16-mixed",
        "min_dur": 10,
        "max_dur": max(1, math.ceil(card.max_seconds - GRACE_SECONDS)),
        "sr": SAMPLE_RATE,
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
            "generation": card.generation.to_dict(),
        },
    }


def _path(file: str) -> str:
    return f'${{dynamic_path:"???/{file}"}}'
