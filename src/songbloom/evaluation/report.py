"""The report of a training run: what was learnt, said in figures against baselines."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from songbloom.checkpoint import Checkpoint
from songbloom.data.index import DatasetIndex
from songbloom.data.tar_index import SongSample, TarIndexDataset
from songbloom.evaluation.likelihood import ConditionReport, evaluate_conditions
from songbloom.evaluation.ngram import BigramModel, Tokens, unigram_entropy


def learning_report(checkpoint: Checkpoint, index: DatasetIndex) -> dict[str, Any]:
    """Judge a checkpoint on held-out renditions (`val`) and held-out songs (`test`).

    Every cross-entropy is in nats a sketch token. The criteria say, one by one, whether the run
    learnt what it should.
    """
    card = checkpoint.card
    model = checkpoint.build_model()
    train, renditions, songs = (_read(index, split) for split in ("train", "val", "test"))
    mean_latent = torch.stack([sample.latents.mean(1) for sample in train]).mean(0)
    num_codes = card.config.num_codes
    bigram = BigramModel(_tokens(train), _tokens(renditions), num_codes)

    report: dict[str, Any] = {
        "step": checkpoint.step,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "train_songs": len(train),
        "train_minutes": round(sum(sample.record.duration for sample in train) / 60, 1),
        "bigram_weight": bigram.weight,
    }
    for name, samples in (("held_out_renditions", renditions), ("held_out_songs", songs)):
        conditions = evaluate_conditions(
            model,
            card,
            samples,
            mean_latent=mean_latent,
            # A split of few songs borrows its foreign conditions from the training songs too.
            foreign=train,
            description=name.replace("_", " "),
        )
        tokens = _tokens(samples)
        report[name] = {
            "songs": len(samples),
            "unigram_entropy": unigram_entropy(tokens, num_codes),
            "bigram_cross_entropy": float(bigram.cross_entropy(tokens)),
            **_figures(conditions),
        }
    report["criteria"] = _criteria(report["held_out_renditions"], report["held_out_songs"])
    return report


def _read(index: DatasetIndex, split: str) -> list[SongSample]:
    songs = TarIndexDataset(index, split)
    return [songs[number] for number in range(len(songs))]


def _tokens(samples: Sequence[SongSample]) -> list[Tokens]:
    return [np.asarray(sample.sketch, dtype=np.int64) for sample in samples]


def _figures(conditions: ConditionReport) -> dict[str, Any]:
    right = conditions.right
    return {
        **asdict(conditions),
        "lyrics_gap": conditions.wrong_lyrics.sketch - right.sketch,
        "prompt_gap_sketch": conditions.foreign_prompt.sketch - right.sketch,
        "prompt_gap_flow": conditions.foreign_prompt.flow - right.flow,
    }


def _criteria(renditions: dict[str, Any], songs: dict[str, Any]) -> dict[str, bool]:
    below_unigram = renditions["unigram_entropy"] - renditions["right"]["sketch"]
    criteria = {
        "renditions_3_nats_below_unigram": below_unigram >= 3.0,
        "renditions_half_a_nat_better_with_right_lyrics": renditions["lyrics_gap"] >= 0.5,
        "songs_better_than_bigram": songs["right"]["sketch"] < songs["bigram_cross_entropy"],
        "flow_better_than_mean_velocity": (
            renditions["right"]["flow"] < renditions["mean_velocity_flow"]
            and songs["right"]["flow"] < songs["mean_velocity_flow"]
        ),
    }
    return {name: bool(met) for name, met in criteria.items()}
