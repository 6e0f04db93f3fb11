"""Judge a codec on held-out songs: `python -m scripts.evaluate_codec FOLDER`.

FOLDER holds renditions with their dry voices (`python -m data_prep.demo_corpus --split test
--vocals`). Prints a table, then one JSON line; `--picture` writes spectrograms before and after.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from scripts.match_lines import Transform, match_sung_lines
from songbloom.audio import read_audio
from songbloom.codec import Codec, load_codec
from songbloom.codec.fidelity import latent_statistics, measure_fidelity
from songbloom.errors import SongBloomError
from songbloom.plots import save_spectrograms

PICTURE_SECONDS = 12
PICTURE_COLOURS = 48
CANDIDATE_LINES = 20


def main() -> None:
    """Measure every rendition, then the words, and print what was found."""
    parser = argparse.ArgumentParser(description="Judge a codec on held-out songs.")
    parser.add_argument("folder", type=Path, help="renditions: KEY.flac, KEY.vocal.flac, KEY.json")
    parser.add_argument("--codec", default="spectral-demo", help="a name or a file")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    parser.add_argument("--picture", type=Path, help="PNG of spectrograms before and after")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    codec = load_codec(options.codec)
    paths = sorted(options.folder.glob("*.flac"))
    if not paths:
        raise SongBloomError(f"{options.folder} holds no FLAC files; render held-out songs first.")
    figures: dict[str, list[dict[str, float]]] = {"mix": [], "voice": []}
    songs = []
    print(f"{'':36s}{'SI-SDR':>8s}{'<1 kHz':>8s}{'log-mel':>9s}{'STFT':>7s}")
    for path in tqdm(paths, unit="file", desc="Encoding and decoding", file=sys.stderr):
        audio = read_audio(path)
        found = asdict(measure_fidelity(round_trip(codec, audio), audio, codec.sample_rate))
        kind = "voice" if path.stem.endswith(".vocal") else "mix"
        figures[kind].append(found)
        if kind == "mix":
            songs.append(audio)
        print_row(path.stem, found)
    summary: dict[str, object] = {"codec": codec.fingerprint}
    for kind, rows in figures.items():
        if rows:
            means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
            print_row(f"mean of {len(rows)} ({kind})", means)
            summary[kind] = {name: round(value, 3) for name, value in means.items()}
    summary["latents"] = asdict(latent_statistics(codec, songs))
    print(f"latents: {summary['latents']}")
    report = match_sung_lines(options.folder, voice_through(codec), CANDIDATE_LINES)
    for key, text, nearest in report.mistakes:
        print(f"{key}: {text!r} was taken for {nearest!r}")
    summary["lines_matched"] = report.matched
    summary["lines"] = report.total
    print(f"lines matched after the codec: {report.matched} of {report.total}")
    if options.picture:
        save_before_and_after(options.picture, codec, paths)
    print(json.dumps(summary))


@torch.inference_mode()
def round_trip(codec: Codec, audio: torch.Tensor) -> torch.Tensor:
    """Encode audio (2, S) to the mean of its latents, decode it, and cut off the padding."""
    latents = codec.encode_chunked(audio[None]).mean
    return codec.decode_chunked(latents)[0, :, : audio.shape[-1]]


def voice_through(codec: Codec) -> Transform:
    """Return the function that takes a dry voice, mono (S,) at 48 kHz, through the codec."""

    def transform(samples: np.ndarray) -> np.ndarray:
        audio = torch.from_numpy(samples).float().expand(2, -1)
        return round_trip(codec, audio).mean(0).numpy()

    return transform


def print_row(title: str, figures: dict[str, float]) -> None:
    """Print one line of the table."""
    print(
        f"{title:36s}{figures['si_sdr']:8.2f}{figures['si_sdr_low']:8.2f}"
        f"{figures['log_mel_distance']:9.2f}{figures['stft_distance']:7.3f}"
    )


def save_before_and_after(path: Path, codec: Codec, paths: list[Path]) -> None:
    """Write spectrograms of the loudest seconds of the first mix and the first dry voice."""
    excerpts = {}
    for kind, is_voice in (("Mix", False), ("Dry voice", True)):
        chosen = [each for each in paths if each.stem.endswith(".vocal") == is_voice]
        if not chosen:
            continue
        audio = read_audio(chosen[0])
        output = round_trip(codec, audio)
        rate = codec.sample_rate
        seconds = audio.square().mean(0).unfold(0, rate * PICTURE_SECONDS, rate).mean(1)
        start = int(seconds.argmax()) * rate
        window = slice(start, start + rate * PICTURE_SECONDS)
        excerpts[f"{kind} of a held-out song ({chosen[0].stem})"] = audio[:, window]
        excerpts[f"{kind}, encoded and decoded"] = output[:, window]
    save_spectrograms(path, excerpts, codec.sample_rate)
    # A palette makes the file four times smaller.
    Image.open(path).convert("RGB").quantize(PICTURE_COLOURS, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


if __name__ == "__main__":
    try:
        main()
    except SongBloomError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
