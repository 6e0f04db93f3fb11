"""Fits a codebook on MuQ: python scripts/train_muq_codebook.py --corpus DIR --output FILE.

DIR holds songs (KEY.flac with KEY.json), of which the training split is read. MuQ's weights are
fetched by its package, or read from the folder that --model names. Needs songbloom[prep].
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torchaudio.functional as AF
from torch import Tensor
from tqdm import tqdm

from songbloom.audio import read_audio
from songbloom.audio_format import SAMPLE_RATE
from songbloom.errors import SongBloomError
from songbloom.sketch.fit import fit_muq_quantizer
from songbloom.sketch.measures import codebook_usage
from songbloom.sketch.muq import (
    MUQ_SAMPLE_RATE,
    MuQConfig,
    MuQTokenizer,
    load_muq,
    save_muq_tokenizer,
)


@torch.no_grad()
def read_embeddings(
    tokenizer: MuQTokenizer, corpus: Path, frames_per_song: int, device: str, seed: int
) -> list[Tensor]:
    """Return embeddings (N, E) of each training song: at most so many frames, chosen at random."""
    paths = [
        path
        for path in sorted(corpus.glob("*.json"))
        if json.loads(path.read_text("utf-8")).get("split") == "train"
    ]
    if not paths:
        raise SongBloomError(f"{corpus} holds no song of the training split.")
    generator = torch.Generator().manual_seed(seed)
    songs = []
    for path in tqdm(paths, desc="Embedding", unit="song"):
        mono = tokenizer.to_mono(read_audio(path.with_suffix(".flac"))[None].to(device))
        embeddings = tokenizer.embed(AF.resample(mono, SAMPLE_RATE, MUQ_SAMPLE_RATE))[0]
        chosen = torch.randperm(len(embeddings), generator=generator)[:frames_per_song]
        songs.append(embeddings.cpu()[chosen.sort().values])
    return songs


def fit_and_report(arguments: argparse.Namespace) -> None:
    """Embed the songs, fit the quantiser, write it and print its usage."""
    config = MuQConfig(
        model=arguments.model,
        layer=arguments.layer,
        embedding_dim=arguments.embedding_dim,
        num_codes=arguments.num_codes,
        codebook_dim=arguments.codebook_dim,
    )
    tokenizer = MuQTokenizer(config, load_muq(config.model)).to(arguments.device)
    songs = read_embeddings(
        tokenizer, arguments.corpus, arguments.frames_per_song, arguments.device, arguments.seed
    )
    with tqdm(total=arguments.iterations, desc="k-means") as progress:

        def on_iteration(_: float) -> None:
            progress.update()

        state = fit_muq_quantizer(
            config,
            torch.cat(songs),
            seed=arguments.seed,
            num_iterations=arguments.iterations,
            on_iteration=on_iteration,
        )
    tokenizer.cpu().load_quantizer(state)
    save_muq_tokenizer(tokenizer, arguments.output)
    codes = [tokenizer.quantize(song[None])[0].numpy().astype(np.int64) for song in songs]
    usage = codebook_usage(codes, config.num_codes)
    report = {
        "fingerprint": tokenizer.fingerprint,
        "songs": len(songs),
        "frames": int(usage.counts.sum()),
        "entropy": usage.entropy,
        "perplexity": usage.perplexity,
        "dead_codes": usage.dead_codes,
    }
    print(json.dumps(report, indent=1))


def main() -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help=".safetensors file")
    parser.add_argument("--model", default=MuQConfig.model, help="name or folder of the weights")
    parser.add_argument("--layer", type=int, default=MuQConfig.layer)
    parser.add_argument("--embedding-dim", type=int, default=MuQConfig.embedding_dim)
    parser.add_argument("--num-codes", type=int, default=MuQConfig.num_codes)
    parser.add_argument("--codebook-dim", type=int, default=MuQConfig.codebook_dim)
    parser.add_argument("--frames-per-song", type=int, default=500)
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    try:
        fit_and_report(parser.parse_args())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
