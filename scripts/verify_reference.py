"""Recompute a reference case and compare: `python scripts/verify_reference.py CASE.safetensors`.

The case's settings stand in the json of the same name beside it. One line per tensor (name,
maximum absolute difference), last one JSON line; exit status 1 where a difference exceeds 1e-4.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from songbloom.audio_format import PROMPT_FRAMES
from songbloom.codec.oobleck import Oobleck
from songbloom.errors import SongBloomError
from songbloom.flow_matching import add_noise, velocity_target
from songbloom.losses import flow_loss, sketch_loss, sketch_targets
from songbloom.lyrics import LyricIds, Vocabulary
from songbloom.lyrics.vocabulary import MAX_SENTENCES, PADDING_ID
from songbloom.models import Conditions, SongBloom
from songbloom.models.songbloom import PatchInputs
from songbloom.released.layout import config_from_released, from_released, to_released
from songbloom.released.settings import settings_from_released
from songbloom.sampling import GenerationSettings, generate_patches
from songbloom.weights import check_shapes

TOLERANCE = 1e-4
# What tensors and settings raise that do not fit one another.
MISFITS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
CHUNKED = "vae/decoded_chunked_c128_o32"
Results = Iterator[tuple[str, Tensor]]


def read_settings(path: Path) -> dict[str, Any]:
    """The json of a case."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SongBloomError(f"{path} cannot be read as JSON: {error}.") from error
    needed = {"vocab": list, "lyrics": list, "model": dict, "vae_config": dict}
    for name, kind in needed.items():
        if not isinstance(settings, dict) or not isinstance(settings.get(name), kind):
            raise SongBloomError(f"{path} needs an object whose `{name}` is a {kind.__name__}.")
    return settings


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a case; no valid one holds a value that is not finite."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise SongBloomError(f"{path} cannot be read as safetensors: {error}.") from error
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise SongBloomError(f"{name} in {path} holds values that are not finite.")
    return tensors


class ReferenceCase:
    """A case's tensors and settings, and the model and codec built from its weights."""

    def __init__(self, path: Path) -> None:
        settings_path = path.with_suffix(".json")
        for needed in (path, settings_path):
            if not needed.is_file():
                raise SongBloomError(
                    f"{needed} is missing; a case is a .safetensors and its .json."
                )
        self.path = path
        self.settings = read_settings(settings_path)
        self.tensors = read_tensors(path)
        weights = {
            key.removeprefix("weights/"): value
            for key, value in self.tensors.items()
            if key.startswith("weights/")
        }
        self.vocabulary = Vocabulary(tuple(self.settings["vocab"]))
        state = from_released(weights)
        sentences = state.get("lyrics_conditioner.sentences.weight")
        config = config_from_released(
            {
                "prompt_len": PROMPT_FRAMES,
                **self.settings["model"],
                "vocab_size": len(self.vocabulary.symbols),
                # Told by the weights alone; missing ones are named below.
                "max_sentence_per_structure": MAX_SENTENCES
                if sentences is None
                else len(sentences),
            }
        )
        self.model = SongBloom(config).eval()
        # Under the released names, which are those of the case.
        check_shapes(
            to_released(self.model.state_dict()),
            {key: value for key, value in weights.items() if not key.startswith("vae.")},
            "the model",
        )
        self.model.load_state_dict(state)
        prefix = "vae.vae."
        self.codec = Oobleck.from_released(
            self.settings["vae_config"],
            {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)},
        ).eval()

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.tensors:
            raise SongBloomError(f"{self.path} lacks the tensor {name}.")
        return self.tensors[name]

    def holds(self, group: str) -> bool:
        """Whether any tensor of a group is there, so that all of it should be."""
        return any(name.startswith(f"{group}/") for name in self.tensors)

    def encode(self, text: str) -> LyricIds:
        """Ids of one text."""
        # The published front end drops what its vocabulary does not hold; so must its twin here.
        kept = [symbol for symbol in text.split(" ") if symbol in self.vocabulary.symbols]
        if not kept:
            return LyricIds()
        return self.vocabulary.encode(" ".join(kept), max_sentences=self.model.config.max_sentences)

    def lyrics(self, text: str) -> Tensor:
        """Lyric ids of one text (1, 3, L), padded or cut to the model's length."""
        encoded = self.encode(text)
        rows = torch.tensor([encoded.ids, encoded.structure_ids, encoded.sentence_index])
        length = self.model.config.max_lyrics
        rows = rows[:, :length].long()
        return F.pad(rows, (0, length - rows.shape[1]), value=PADDING_ID)[None]

    @cached_property
    def prompts(self) -> Tensor:
        """Latents of the prompts' audio (B, D, frames); the posterior's mean is their sample."""
        audio = self["in/prompt_wav"].expand(-1, self.codec.num_channels, -1)
        # The bare encoder drops a last piece of a frame, which our `encode` would fill up.
        mean, _ = self.codec.encoder(audio).chunk(2, dim=1)
        return mean[..., : self.model.config.prompt_frames]

    def conditions(self) -> Conditions:
        """All songs' lyrics and prompts, padded to their fixed lengths."""
        missing_frames = self.model.config.prompt_frames - self.prompts.shape[-1]
        return Conditions(
            lyrics=torch.cat([self.lyrics(text) for text in self.settings["lyrics"]]),
            prompts=F.pad(self.prompts, (0, missing_frames)),
        )

    def null(self) -> Conditions:
        """The null conditions, as many as there are songs."""
        songs = len(self.settings["lyrics"])
        config = self.model.config
        return Conditions(
            lyrics=self.lyrics("").expand(songs, -1, -1),
            prompts=torch.zeros(songs, config.latent_dim, config.prompt_frames),
        )


def recompute_conditions(case: ReferenceCase) -> Results:
    """Lyric ids, embeddings and masks of the conditions and of the null conditions."""
    for group, conditions in (("cond", case.conditions()), ("null", case.null())):
        mask = conditions.lyrics[:, 0] != PADDING_ID
        if group == "cond":
            for song, text in enumerate(case.settings["lyrics"]):
                name = f"cond/lyrics_ids_{song}"
                # Stored in full or as many as the model reads.
                length = max(len(case[name]), case.model.config.max_lyrics)
                yield name, torch.tensor(case.encode(text).ids)[:length]
        yield f"{group}/lyrics_embed", case.model.lyrics_conditioner(conditions.lyrics)
        yield f"{group}/lyrics_mask", mask
        yield f"{group}/prompt_wav_embed", case.model.prompt_conditioner(conditions.prompts)
        yield f"{group}/prompt_wav_mask", prompt_mask(case, group)


def prompt_mask(case: ReferenceCase, group: str) -> Tensor:
    """Which frames (B, F) of the prompts are audio."""
    reference = case[f"{group}/prompt_wav_mask"]
    if group == "null":
        return torch.zeros_like(reference)
    # Nothing reads the mask, and the format does not say what it holds for the padding behind
    # short audio: only the frames of audio are compared.
    mask = reference.clone()
    mask[:, : case.prompts.shape[-1]] = 1
    return mask


def recompute_training(case: ReferenceCase) -> Results:
    """The interleaved sequence, both heads, their targets and the two losses."""
    model, config = case.model, case.model.config
    sketch, latents, lengths = case["in/sketch"], case["in/latent"], case["in/length"]
    conditions = case.conditions()
    sequence = model.embed_song(sketch, latents)
    embedded = torch.cat([model.embed_conditions(conditions), sequence], dim=1)
    yield "train/lm_in", sequence
    yield "train/lm_out", model.sketch_lm(embedded)[:, config.num_conditions :]

    patches = latents.transpose(1, 2).unflatten(1, (-1, config.patch_size))
    chosen = torch.arange(patches.shape[1]) < (lengths // config.patch_size)[:, None]
    timesteps, noise = case["train/t_normal"].sigmoid(), case["train/noise"]
    keep = torch.zeros(len(timesteps), dtype=torch.bool)
    predictions = model(
        conditions,
        sketch,
        latents,
        PatchInputs(
            chosen=chosen,
            noised=add_noise(patches[chosen], noise, timesteps),
            timesteps=timesteps,
            drop_hidden=keep,
            drop_sketch=keep,
        ),
    )
    targets = sketch_targets(sketch, lengths, eos_id=config.eos_id, ignored_id=config.ignored_id)
    velocity = velocity_target(patches[chosen], noise)
    yield "train/t", timesteps
    yield "train/ar_logit", predictions.logits
    yield "train/ar_target", targets
    yield "train/nar_pred", predictions.velocity
    yield "train/nar_target", velocity
    yield (
        "train/loss_lm",
        sketch_loss(predictions.logits, targets, ignored_id=config.ignored_id)[None],
    )
    yield "train/loss_flow", flow_loss(predictions.velocity, velocity)[None]


def generation_settings(data: dict[str, Any]) -> GenerationSettings:
    """Our settings for the published names of a `gen_*` entry."""
    settings = settings_from_released({"use_sampling": False, **data})
    if not settings.greedy:
        raise SongBloomError(
            "The case's generation was sampled, so its draws cannot be repeated; make it with "
            "use_sampling false."
        )
    return settings


def recompute_generation(case: ReferenceCase, group: str) -> Results:
    """Greedy generation for the first lyric and prompt with the stored noise."""
    conditions, null = case.conditions(), case.null()
    noise = case[f"{group}/noise"]
    settings = case.settings[group]
    stored = case[f"{group}/sketch"].shape[-1] // case.model.config.patch_size
    # The published loop may draw noise for a patch that it then drops.
    max_patches = settings.get("returned_blocks", stored)
    if max_patches > len(noise):
        raise SongBloomError(
            f"{group}/noise holds the noise of {len(noise)} patches, but {max_patches} were made."
        )
    patches = list(
        generate_patches(
            case.model,
            Conditions(lyrics=conditions.lyrics[:1], prompts=conditions.prompts[:1]),
            Conditions(lyrics=null.lyrics[:1], prompts=null.prompts[:1]),
            generation_settings(settings),
            max_patches=max_patches,
            generator=torch.Generator(),
            noise=lambda index: noise[index],
        )
    )
    # A song that ends in its first patch has no patch at all.
    sketch = [case[f"{group}/sketch"].new_empty(0), *(patch.sketch for patch in patches)]
    latents = [noise.new_empty(0, noise.shape[-1]), *(patch.latents for patch in patches)]
    yield f"{group}/sketch", torch.cat(sketch)[None]
    yield f"{group}/latent", torch.cat(latents).T[None]


def recompute_codec(case: ReferenceCase) -> Results:
    """The autoencoder on audio and on latents, whole and in chunks."""
    yield "vae/encoder_raw", case.codec.encoder(case["vae/in_audio"])
    latents = case["vae/in_latent"]
    yield "vae/decoded", case.codec.decode(latents)
    chunked = [name for name in case.tensors if name.startswith("vae/decoded_chunked_")]
    # The published chunked decoding crashes below one chunk: such a case has no tensor of it.
    if not chunked and latents.shape[-1] >= 128:
        chunked = [CHUNKED]
    for name in chunked:
        chunk, overlap = (int(number) for number in re.findall(r"\d+", name))
        yield name, case.codec.decode_chunked(latents, chunk, overlap)


def recompute(case: ReferenceCase) -> Results:
    """Every tensor of every group that the case holds."""
    yield from recompute_conditions(case)
    if case.holds("train"):
        yield from recompute_training(case)
    for group, settings in sorted(case.settings.items()):
        if group.startswith("gen_") and isinstance(settings, dict):
            yield from recompute_generation(case, group)
    if case.holds("vae"):
        yield from recompute_codec(case)


def is_input(name: str) -> bool:
    """Whether a stored tensor is given rather than computed."""
    given = {"train/t_normal", "train/noise", "vae/in_audio", "vae/in_latent"}
    return name.startswith(("weights/", "in/")) or name.endswith("/noise") or name in given


def difference(ours: Tensor, reference: Tensor) -> float:
    """Maximum absolute difference; infinite where the shapes differ or a value is not a number."""
    if ours.shape != reference.shape:
        return float("inf")
    gap = (ours.double() - reference.double()).abs()
    return float(gap.nan_to_num(nan=float("inf")).max()) if gap.numel() else 0.0


def compare(path: Path) -> dict[str, float]:
    """Differences of a case's computed tensors by name, printed as they come."""
    case = ReferenceCase(path)
    missing = {name for name in case.tensors if not is_input(name)}
    differences: dict[str, float] = {}
    for name, ours in recompute(case):
        differences[name] = difference(ours, case[name])
        missing.discard(name)
        print(f"{name:36s} {differences[name]:.2e}")
    for name in sorted(missing):
        differences[name] = float("inf")
        print(f"{name:36s} not recomputed")
    return differences


@torch.inference_mode()
def main() -> int:
    """Compare one case; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("case", type=Path, help="the .safetensors; its .json lies beside it")
    path = parser.parse_args().case
    try:
        differences = compare(path)
    except SongBloomError:
        raise
    except MISFITS as error:
        reason = str(error).partition("\n")[0]
        raise SongBloomError(
            f"{path} cannot be recomputed: {type(error).__name__}: {reason}"
        ) from error
    failed = sorted(name for name, value in differences.items() if value > TOLERANCE)
    largest = max(differences.values(), default=float("inf"))
    # JSON has no infinity: a shape that differs is told by the name in `failed`.
    print(
        json.dumps({"max_abs_diff": largest if largest < float("inf") else None, "failed": failed})
    )
    return 1 if failed or not differences else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SongBloomError as error:
        sys.exit(f"error: {error}")
