"""Every shipped configuration composes and makes what it names; the large ones on no device."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from songbloom.config import build, partial, register
from songbloom.models import SongBloom

CONF = Path(__file__).resolve().parents[1] / "conf"
MILLIONS = {
    "nano": 10.9,
    "small": 68.9,
    "tiny": 966.3,
    "full_150s": 1419.3,
    "full_150s_released": 1872.4,
    "full_240s": 1872.4,
}


def configuration(*overrides: str):
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", ["data.root=x", "paths.output=x", *overrides])


def test_every_model_file_is_listed():
    assert {path.stem for path in (CONF / "model").iterdir()} == set(MILLIONS)


@pytest.mark.parametrize("name", MILLIONS)
def test_a_model_has_the_size_that_it_says(name):
    config = partial(configuration(f"model={name}"), "model")(
        vocab_size=330, num_codes=16_384, latent_dim=64
    )
    with torch.device("meta"):
        model = SongBloom(config)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert round(count / 1e6, 1) == MILLIONS[name]


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "trainer").iterdir()))
def test_a_trainer_is_made(name):
    config = configuration(f"trainer={name}", "trainer.devices=1", "trainer.accelerator=cpu")
    trainer = build(config, "trainer", logger=False, callbacks=[])
    assert trainer.max_steps == 150_000


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "experiment").iterdir()))
def test_an_experiment_makes_its_parts(name):
    config = configuration(f"experiment={name}", "init=x", "trainer.devices=1")
    assert config.name == name
    trainer = build(
        config, "trainer", accelerator="cpu", precision="32-true", logger=False, callbacks=[]
    )
    assert trainer.max_steps == config.trainer.max_steps
    parameters = [torch.nn.Parameter(torch.zeros(2))]
    optimizer = partial(config, "optimizer")(parameters)
    partial(config, "scheduler")(optimizer)
    assert build(config, "corruption").drop_conditions == 0.1
