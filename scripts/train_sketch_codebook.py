"""Fits the sketch codebook: python scripts/train_sketch_codebook.py --corpus DIR --output FILE.

DIR holds songs (KEY.flac with KEY.json). Songs of the training split are fitted, songs of the
test split are measured. Where the JSON has phoneme times, the codes are fitted to tell phonemes
apart; where KEY.vocal.flac is there too, the sung pitch is measured.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from songbloom.audio import read_audio
from songbloom.audio_format import FRAME_RATE
from songbloom.errors import SongBloomError
from songbloom.sketch.base import nearest
from songbloom.sketch.files import save_kmeans_tokenizer
from songbloom.sketch.fit import fit_tokenizer
from songbloom.sketch.kmeans import KMeansConfig, KMeansTokenizer
from songbloom.sketch.measures import (
    CodebookUsage,
    bigram_cross_entropy,
    codebook_usage,
    label_information,
)
from songbloom.whole_file import whole_file

UNSUNG = ""
_STRESS = str.maketrans("", "", "ˈˌː")


@dataclass(frozen=True, kw_only=True)
class SongFeatures:
    """Features of a song (T frames) and what is sung in each: phoneme, and pitch class or -1."""

    split: str
    cepstra: Tensor
    pitch_classes: Tensor
    phonemes: list[str] | None
    sung_pitch: NDArray[np.int64] | None


def read_song(description: Path, tokenizer: KMeansTokenizer) -> SongFeatures:
    """Read a song's audio and JSON, and compute its features."""
    values = json.loads(description.read_text("utf-8"))
    cepstra, pitch_classes = _features(description.with_suffix(".flac"), tokenizer)
    phonemes, sung_pitch = None, None
    if "espeak_phonemes" in values:
        phonemes = frame_labels(values["espeak_phonemes"], len(cepstra))
        voice = description.with_suffix(".vocal.flac")
        if voice.is_file():
            # Alone, the voice has no accompaniment to be mistaken for it.
            sung_pitch = _features(voice, tokenizer)[1].argmax(1).numpy()
            sung_pitch[[label == UNSUNG for label in phonemes]] = -1
    return SongFeatures(
        split=values["split"],
        cepstra=cepstra,
        pitch_classes=pitch_classes,
        phonemes=phonemes,
        sung_pitch=sung_pitch,
    )


@torch.no_grad()
def _features(path: Path, tokenizer: KMeansTokenizer) -> tuple[Tensor, Tensor]:
    cepstra, pitch_classes = tokenizer.features(tokenizer.to_mono(read_audio(path)[None]))
    return cepstra[0], pitch_classes[0]


def frame_labels(phonemes: Sequence[dict], num_frames: int) -> list[str]:
    """Return the phoneme, without stress and length, at the middle of each frame."""
    labels = [UNSUNG] * num_frames
    for phoneme in phonemes:
        first = max(round(phoneme["start"] * FRAME_RATE), 0)
        end = min(round(phoneme["end"] * FRAME_RATE), num_frames)
        labels[first:end] = [phoneme["symbol"].translate(_STRESS)] * (end - first)
    return labels


def encode(song: SongFeatures, tokenizer: KMeansTokenizer) -> NDArray[np.int64]:
    """Return the codes (T,) of a song's features."""
    points = tokenizer.embed(song.cepstra[None], song.pitch_classes[None])
    return nearest(points, tokenizer.centroids)[0].numpy()


def measure(
    tokenizer: KMeansTokenizer, train: Sequence[SongFeatures], held_out: Sequence[SongFeatures]
) -> tuple[dict[str, float], CodebookUsage]:
    """Measure the usage on the training songs, and what the codes tell on the held-out ones."""
    num_codes = tokenizer.num_codes
    codes = [encode(song, tokenizer) for song in train]
    held_out_codes = [encode(song, tokenizer) for song in held_out]
    usage = codebook_usage(codes, num_codes)
    report = {
        "songs": len(train),
        "frames": int(usage.counts.sum()),
        "entropy": usage.entropy,
        "perplexity": usage.perplexity,
        "dead_codes": usage.dead_codes,
        "repeats": usage.repeats,
        "held_out_songs": len(held_out),
        "bigram_cross_entropy": bigram_cross_entropy(codes, held_out_codes, num_codes),
    }
    for name, labels_of in (("phoneme", _sung_phonemes), ("pitch", _sung_pitches)):
        if all(labels_of(song) is not None for song in [*train, *held_out]):
            parts = []
            for songs, song_codes in ((train, codes), (held_out, held_out_codes)):
                pairs = [
                    (code, label)
                    for song, tokens in zip(songs, song_codes, strict=True)
                    for code, label in zip(tokens, labels_of(song) or [], strict=True)
                    if label != UNSUNG
                ]
                parts.append((np.array([c for c, _ in pairs]), [label for _, label in pairs]))
            information, entropy = label_information(parts[0], parts[1], num_codes)
            report[f"{name}_information"], report[f"{name}_entropy"] = information, entropy
    return report, usage


def _sung_phonemes(song: SongFeatures) -> list[str] | None:
    return song.phonemes


def _sung_pitches(song: SongFeatures) -> list[str] | None:
    if song.sung_pitch is None:
        return None
    return [UNSUNG if pitch < 0 else str(pitch) for pitch in song.sung_pitch]


def plot_usage(usage: CodebookUsage, path: Path) -> None:
    """Draw the share of each code, the most used first, beside even use."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    shares = np.sort(usage.counts)[::-1] / usage.counts.sum()
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    axes.bar(np.arange(len(shares)), shares, width=1.0, color="#3b6ea5")
    axes.axhline(1 / len(shares), color="#c44e52", label="even use")
    axes.set(
        xlabel="code, the most used first",
        ylabel="share of frames",
        xlim=(-0.5, len(shares) - 0.5),
        title=f"{len(shares)} codes: entropy {usage.entropy:.2f} nats, "
        f"perplexity {usage.perplexity:.0f}, {usage.dead_codes} dead",
    )
    axes.legend()
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120, format=path.suffix[1:])
    plt.close(figure)


def fit_and_report(arguments: argparse.Namespace) -> None:
    """Read the songs, fit, measure, and write the codebook, the picture and the figures."""
    config = KMeansConfig(
        num_codes=arguments.num_codes,
        num_timbre=arguments.num_timbre,
        context=arguments.context,
        pitch_weight=arguments.pitch_weight,
    )
    descriptions = sorted(arguments.corpus.glob("*.json"))
    if not descriptions:
        raise SongBloomError(f"{arguments.corpus} holds no song (KEY.flac with KEY.json).")
    reader = KMeansTokenizer(config)
    with ThreadPoolExecutor(arguments.workers) as pool:
        results = pool.map(lambda path: read_song(path, reader), descriptions)
        songs = list(tqdm(results, total=len(descriptions), desc="Reading", unit="song"))
    train = [song for song in songs if song.split == "train"]
    held_out = [song for song in songs if song.split == arguments.held_out_split]
    if not train or not held_out:
        raise SongBloomError(
            f"{arguments.corpus} needs songs of the splits train and {arguments.held_out_split}, "
            f"but it has {len(train)} and {len(held_out)}."
        )
    phonemes = [song.phonemes for song in train if song.phonemes is not None]
    with tqdm(total=arguments.iterations, desc="k-means") as progress:

        def on_iteration(distance: float) -> None:
            progress.set_postfix(distance=f"{distance:.3f}")
            progress.update()

        tokenizer = fit_tokenizer(
            config,
            [song.cepstra for song in train],
            [song.pitch_classes for song in train],
            phonemes if len(phonemes) == len(train) else None,
            seed=arguments.seed,
            num_iterations=arguments.iterations,
            on_iteration=on_iteration,
        )
    report, usage = measure(tokenizer, train, held_out)
    save_kmeans_tokenizer(tokenizer, arguments.output)
    if arguments.picture is not None:
        plot_usage(usage, arguments.picture)
    print(json.dumps({"fingerprint": tokenizer.fingerprint, **report}, indent=1))


def main() -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help=".safetensors file")
    parser.add_argument("--picture", type=Path, help="picture of the codes' usage")
    parser.add_argument("--held-out-split", default="test", help="split that is measured")
    parser.add_argument("--num-codes", type=int, default=KMeansConfig.num_codes)
    parser.add_argument("--num-timbre", type=int, default=KMeansConfig.num_timbre)
    parser.add_argument("--context", type=int, default=KMeansConfig.context)
    parser.add_argument("--pitch-weight", type=float, default=KMeansConfig.pitch_weight)
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    try:
        fit_and_report(parser.parse_args())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
