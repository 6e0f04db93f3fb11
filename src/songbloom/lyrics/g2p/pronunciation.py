"""English words to ARPAbet: the CMU dictionary, and a small network for words outside it."""

import gzip
from functools import lru_cache

import numpy as np

from songbloom.lyrics.g2p.assets import asset

_GRAPHEMES = {g: i for i, g in enumerate(["<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz"])}
_START, _END, _MAX_PHONEMES = 2, 3, 20
_VOWELS = ["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"]
_CONSONANTS = [
    "B",
    "CH",
    "D",
    "DH",
    "F",
    "G",
    "HH",
    "JH",
    "K",
    "L",
    "M",
    "N",
    "NG",
    "P",
    "R",
    "S",
    "SH",
    "T",
    "TH",
    "V",
    "W",
    "Y",
    "Z",
    "ZH",
]
# The network's output classes: four marks, then all symbols in alphabetical order.
_PHONEMES = [
    "<pad>",
    "<unk>",
    "<s>",
    "</s>",
    *sorted([v + stress for v in _VOWELS for stress in "012"] + [*_CONSONANTS, "UW"]),
]


@lru_cache(maxsize=1)
def cmu_dictionary() -> dict[str, str]:
    """Lower-case word to its first reading in the CMU dictionary, phonemes parted by spaces."""
    with asset("cmudict.txt.gz").open("rb") as stream:
        lines = gzip.decompress(stream.read()).decode().splitlines()
    return dict(line.split(" ", 1) for line in lines)


@lru_cache(maxsize=1)
def _network() -> dict[str, np.ndarray]:
    """Variables of the g2p-en 2.1 encoder-decoder (single-layer GRUs, Apache-2.0)."""
    with asset("g2p_en.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@lru_cache(maxsize=16384)
def spell(word: str) -> tuple[str, ...]:
    """Phonemes that the network gives a word, greedily; a letter it lacks reads as unknown."""
    net = _network()
    state = np.zeros(net["enc_w_hh"].shape[1], np.float32)
    for index in [_GRAPHEMES.get(letter, 1) for letter in word] + [_GRAPHEMES["</s>"]]:
        state = _gru_step(net, "enc", net["enc_emb"][index], state)
    phonemes: list[str] = []
    last = _START
    for _ in range(_MAX_PHONEMES):
        state = _gru_step(net, "dec", net["dec_emb"][last], state)
        last = int((net["fc_w"] @ state + net["fc_b"]).argmax())
        if last == _END:
            break
        phonemes.append(_PHONEMES[last])
    # `UW` without stress is a class of the network, but no symbol of the vocabulary.
    return tuple(p for p in phonemes if not p.startswith("<") and p != "UW")


def _gru_step(
    net: dict[str, np.ndarray], part: str, x: np.ndarray, state: np.ndarray
) -> np.ndarray:
    """One step of a GRU with gates stacked as reset, update, candidate; shapes (C,)."""
    from_input = net[f"{part}_w_ih"] @ x + net[f"{part}_b_ih"]
    from_state = net[f"{part}_w_hh"] @ state + net[f"{part}_b_hh"]
    width = state.shape[0]
    gates = 1 / (1 + np.exp(-(from_input[: 2 * width] + from_state[: 2 * width])))
    reset, update = gates[:width], gates[width:]
    candidate = np.tanh(from_input[2 * width :] + reset * from_state[2 * width :])
    return (1 - update) * candidate + update * state
