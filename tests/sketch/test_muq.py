"""The MuQ tokeniser, with a stand-in model of MuQ's interface."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from songbloom.audio_format import SAMPLE_RATE, SAMPLES_PER_FRAME
from songbloom.errors import SongBloomError
from songbloom.sketch import muq
from songbloom.sketch.files import load_sketch_tokenizer
from songbloom.sketch.fit import fit_muq_quantizer
from songbloom.sketch.muq import (
    MuQConfig,
    MuQEncoder,
    MuQTokenizer,
    load_muq,
    save_muq_tokenizer,
)

CONFIG = MuQConfig(
    model="stand-in", layer=1, embedding_dim=8, num_codes=50, codebook_dim=4, window_seconds=2.0
)


class StandIn(nn.Module):
    """Mono audio (B, S) at 24 kHz to two hidden states (B, S // 960 + 1, 8)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList(nn.Linear(960, 8) for _ in range(2))
        self.lengths: list[int] = []

    def forward(self, x: Tensor, output_hidden_states: bool = True) -> SimpleNamespace:
        assert output_hidden_states and x.shape[1] >= 24_000
        self.lengths.append(x.shape[1])
        frames = nn.functional.pad(x, (0, -x.shape[1] % 960 + 960)).unfold(1, 960, 960)
        return SimpleNamespace(hidden_states=tuple(layer(frames) for layer in self.layers))


@pytest.fixture
def tokenizer() -> MuQTokenizer:
    tokenizer = MuQTokenizer(CONFIG, StandIn())
    generator = torch.Generator().manual_seed(1)
    tokenizer.load_quantizer(
        {
            "projection": torch.randn(4, 8, generator=generator),
            "bias": torch.randn(4, generator=generator),
            "codebook": torch.randn(50, 4, generator=generator),
        }
    )
    return tokenizer


def noise(num_samples: int) -> Tensor:
    return torch.randn(1, 2, num_samples, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("num_samples", [1, SAMPLES_PER_FRAME + 1, 5 * SAMPLE_RATE + 7])
def test_one_code_for_each_frame(tokenizer: MuQTokenizer, num_samples: int) -> None:
    codes = tokenizer.encode(noise(num_samples))
    assert codes.shape == (1, tokenizer.num_frames(num_samples))
    assert codes.min() >= 0 and codes.max() < 50


def test_long_audio_is_read_in_windows(tokenizer: MuQTokenizer) -> None:
    audio = noise(5 * SAMPLE_RATE)
    codes = tokenizer.encode(audio)
    assert tokenizer.muq.lengths == [48_000, 48_000, 24_000]
    whole = MuQTokenizer(MuQConfig(**{**vars(CONFIG), "window_seconds": 30.0}), tokenizer.muq)
    whole.load_quantizer(tokenizer.state_dict())
    assert torch.equal(codes, whole.encode(audio))


class MuQInside(nn.Module):
    """The parts of `muq.MuQ` that are called, with a conformer as transformers 5 has it."""

    class Conformer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.config: dict[str, str] = {}
            self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))

        def forward(self, hidden_states: Tensor) -> SimpleNamespace:
            for layer in self.layers:
                hidden_states = layer(hidden_states)
            return SimpleNamespace(last_hidden_state=hidden_states.tanh())

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Module()
        self.model.preprocessing = lambda x, features: {name: x for name in features}
        self.model.normalize = lambda x: {name: 2 * value for name, value in x.items()}
        self.model.conv = lambda x: x.unfold(1, 960, 960)[..., :8]
        self.model.conformer = self.Conformer()


def test_hidden_states_are_the_inputs_of_the_layers_and_the_output() -> None:
    torch.manual_seed(0)
    inside = MuQInside()
    mono = noise(SAMPLE_RATE).mean(1)
    states = MuQEncoder(inside)(mono).hidden_states
    layers = inside.model.conformer.layers
    assert len(states) == 4
    assert torch.equal(states[0], 2 * mono.unfold(1, 960, 960)[..., :8])
    for layer, before, after in zip(layers, states[:2], states[1:3], strict=False):
        assert torch.equal(layer(before), after)
    assert torch.equal(layers[2](states[2]).tanh(), states[3])
    assert inside.model.conformer.config["_attn_implementation"] == "eager"


def test_layer_and_quantiser_are_the_chosen_ones(tokenizer: MuQTokenizer) -> None:
    mono = noise(SAMPLE_RATE).mean(1)[:, ::2]
    expected = tokenizer.muq.layers[1](mono.unfold(1, 960, 960))
    assert torch.allclose(tokenizer.embed(mono), expected)
    other = MuQTokenizer(MuQConfig(**{**vars(CONFIG), "layer": 2}), tokenizer.muq)
    with pytest.raises(SongBloomError, match="only 2 hidden states"):
        other.embed(mono)


def test_file_round_trip(
    tokenizer: MuQTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "muq_vq.safetensors"
    save_muq_tokenizer(tokenizer, path)
    monkeypatch.setattr(muq, "load_muq", lambda model: StandIn())
    loaded = load_sketch_tokenizer(path)
    assert loaded.fingerprint == tokenizer.fingerprint
    assert torch.equal(loaded.encode(noise(SAMPLE_RATE)), tokenizer.encode(noise(SAMPLE_RATE)))


def test_missing_package_or_weights_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(muq.importlib.sys.modules, "muq", None)
    with pytest.raises(SongBloomError, match=r"install songbloom\[prep\]"):
        load_muq("OpenMuQ/MuQ-large-msd-iter")

    class Unreachable:
        @staticmethod
        def from_pretrained(model: str) -> nn.Module:
            raise OSError("no connection\nand a long explanation")

    monkeypatch.setitem(muq.importlib.sys.modules, "muq", SimpleNamespace(MuQ=Unreachable))
    with pytest.raises(SongBloomError, match=r"cannot be loaded .no connection.; fetch them"):
        load_muq("OpenMuQ/MuQ-large-msd-iter")


def test_quantiser_of_another_size_is_refused(tokenizer: MuQTokenizer) -> None:
    state = {**tokenizer.state_dict(), "codebook": torch.zeros(51, 4)}
    with pytest.raises(ValueError, match="codebook must be"):
        tokenizer.load_quantizer(state)


def test_fitted_quantiser_tells_embeddings_apart() -> None:
    generator = torch.Generator().manual_seed(3)
    centres = 5 * torch.randn(6, 8, generator=generator)
    which = torch.arange(600) % 6
    embeddings = centres[which] + 0.01 * torch.randn(600, 8, generator=generator)
    config = MuQConfig(**{**vars(CONFIG), "num_codes": 6})
    tokenizer = MuQTokenizer(config, nn.Identity())
    tokenizer.load_quantizer(fit_muq_quantizer(config, embeddings, num_iterations=10))
    codes = tokenizer.quantize(embeddings[None])[0]
    assert all(codes[which == i].unique().numel() == 1 for i in range(6))
    assert codes.unique().numel() == 6
