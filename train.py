"""Train a model: `python train.py experiment=quickstart data.root=SHARDS`."""

import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

import hydra
import lightning as L
import torch
import wandb
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig

from songbloom.checkpoint import (
    Checkpoint,
    ComponentReference,
    ModelCard,
    load_checkpoint,
    save_checkpoint,
)
from songbloom.codec.files import load_codec
from songbloom.config import build, build_each, partial, register, to_yaml
from songbloom.data.index import DatasetIndex
from songbloom.data.module import SongDataModule
from songbloom.errors import SongBloomError
from songbloom.lyrics import Vocabulary
from songbloom.models import SongBloom
from songbloom.models.initialization import initialize_weights
from songbloom.pipeline import open_model
from songbloom.training import SongBloomModule
from songbloom.training.curves import save_curves
from songbloom.training.zero_checkpoint import gather_weights

register()


def describe_model(config: DictConfig, index: DatasetIndex) -> ModelCard:
    """The card of a new model for a dataset: sizes that the data fix are taken from its index."""
    vocabulary = Vocabulary(index.vocabulary)
    model_config = partial(config, "model")(
        vocab_size=len(vocabulary), num_codes=index.num_codes, latent_dim=index.latent_dim
    )
    return ModelCard(
        config=model_config,
        vocabulary=vocabulary,
        codec=ComponentReference(name=config.codec, fingerprint=index.codec_fingerprint),
        sketch=ComponentReference(name=config.sketch, fingerprint=index.sketch_fingerprint),
        g2p=index.g2p,
    )


def new_model(config: DictConfig, index: DatasetIndex) -> tuple[ModelCard, SongBloom]:
    """An untrained model for a dataset."""
    card = describe_model(config, index)
    check_codec(card)
    model = SongBloom(card.config)
    initialize_weights(model, torch.Generator().manual_seed(config.seed))
    return card, model


def trained_model(init: str, index: DatasetIndex) -> tuple[ModelCard, SongBloom]:
    """The model of a checkpoint, ours or released, to be trained on with a dataset.

    Raises:
        SongBloomError: the dataset was not encoded for this model.
    """
    checkpoint, _ = open_model(init)
    card = checkpoint.card
    fitting = {
        "codec": (index.codec_fingerprint, card.codec.fingerprint),
        "vocabulary": (index.vocabulary, card.vocabulary.symbols),
        "number of codes": (index.num_codes, card.config.num_codes),
    }
    # A released model does not tell which codebook it was trained on.
    if card.sketch.fingerprint != "released":
        fitting["sketch codebook"] = (index.sketch_fingerprint, card.sketch.fingerprint)
    for name, (found, wanted) in fitting.items():
        if found != wanted:
            raise SongBloomError(
                f"{index.folder} was encoded with another {name} than {init} was trained with; "
                "encode the songs for this model."
            )
    sketch = ComponentReference(name=card.sketch.name, fingerprint=index.sketch_fingerprint)
    model = checkpoint.build_model()
    return replace(card, g2p=index.g2p, sketch=sketch), model.train().requires_grad_(True)


def check_codec(card: ModelCard) -> None:
    """Refuse to train for a codec that could not decode what the model will generate."""
    if (found := load_codec(card.codec.name).fingerprint) != card.codec.fingerprint:
        raise SongBloomError(
            f"The dataset was encoded with a codec of fingerprint {card.codec.fingerprint}, but "
            f"{card.codec.name!r} has {found}; set codec= to the one it was encoded with."
        )


def find_resumed(resume: str | None, output: Path) -> str | None:
    """What Lightning is to go on from; says so, because `last` may find nothing."""
    if resume == "last":
        last = output / "checkpoints" / "last.ckpt"
        say = rank_zero_only(print)
        say(f"going on from {last}" if last.exists() else f"no {last}: starting afresh")
        return str(last) if last.exists() else None
    if resume is not None and not Path(resume).exists():
        raise SongBloomError(f"There is no checkpoint {resume} to resume; check the path.")
    return resume


def train(config: DictConfig) -> Checkpoint:
    """Train as configured; return the best checkpoint, which is also exported."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    output = Path(config.paths.output)
    (output / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
    if config.num_threads:
        torch.set_num_threads(config.num_threads)
    L.seed_everything(config.seed, workers=True, verbose=False)

    data_config = build(config, "data")
    index = DatasetIndex.load(data_config.root, verify="size")
    if config.init is None:
        card, model = new_model(config, index)
    else:
        card, model = trained_model(config.init, index)
    module = SongBloomModule(
        model,
        card,
        corruption=build(config, "corruption"),
        optimizer=partial(config, "optimizer"),
        scheduler=partial(config, "scheduler"),
        weight_decay=config.weight_decay,
        flow_weight=config.flow_weight,
        seed=config.seed,
    )
    resumed = find_resumed(config.resume, output)
    data = SongDataModule(
        data_config,
        card.batch_format,
        vocabulary=card.vocabulary,
        codec_fingerprint=card.codec.fingerprint,
        sketch_fingerprint=card.sketch.fingerprint,
    )
    trainer: L.Trainer = build(
        config,
        "trainer",
        callbacks=build_each(config, "callbacks"),
        logger=build_each(config, "logger"),
        use_distributed_sampler=False,
    )
    try:
        trainer.fit(module, datamodule=data, ckpt_path=resumed, weights_only=True)
    finally:
        wandb.finish()  # or the next job of a multirun would log into this run
    return export(trainer, output)


def as_one_file(trainer: L.Trainer, saved: Path) -> Path:
    """A checkpoint's weights as one file: as it is, or gathered where DeepSpeed saved shards."""
    if saved.is_file():
        return saved
    gathered = saved.with_name(f"{saved.stem}.fp32.ckpt")
    if trainer.is_global_zero:
        gather_weights(saved, gathered)
    trainer.strategy.barrier()
    return gathered


def export(trainer: L.Trainer, output: Path) -> Checkpoint:
    """Write the best checkpoint's weights as one file, and the curves as a picture."""
    saver = trainer.checkpoint_callback
    if not isinstance(saver, ModelCheckpoint) or not saver.best_model_path:
        raise SongBloomError(
            "The run ended before its first validation, so there is no checkpoint to export; "
            "train for more steps."
        )
    checkpoint = load_checkpoint(as_one_file(trainer, Path(saver.best_model_path)))
    if trainer.is_global_zero:
        save_checkpoint(output / "model.safetensors", checkpoint)
        save_curves(output / "csv", output / "curves.png")
        print(f"{output / 'model.safetensors'}: step {checkpoint.step}, the best in validation")
    return checkpoint


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(config: DictConfig) -> None:
    """Train; a user's mistake is one sentence and exit status 2."""
    try:
        train(config)
    except SongBloomError as error:
        # Hydra would print a traceback for an exception that leaves this function.
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    os.environ.setdefault("WANDB_SILENT", "true")
    main()  # pyright: ignore[reportCallIssue]  # Hydra gives the configuration
