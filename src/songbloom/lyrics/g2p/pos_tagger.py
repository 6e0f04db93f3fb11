"""English parts of speech by an averaged perceptron (Penn Treebank tags)."""

import gzip
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TypedDict

from songbloom.lyrics.g2p.assets import asset


class _Model(TypedDict):
    tags: dict[str, str]
    weights: dict[str, dict[str, float]]


@lru_cache(maxsize=1)
def _model() -> _Model:
    """Tags of frequent unambiguous words, and a weight per feature and tag (MIT licence)."""
    with asset("pos_tagger.json.gz").open("rb") as stream:
        return json.loads(gzip.decompress(stream.read()))


@lru_cache(maxsize=256)
def tag_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """The tag of each word, found from left to right."""
    model = _model()
    tags = ["-START2-", "-START-"]
    context = ["-START2-", "-START-", *(word.lower() for word in words), "-END-", "-END2-"]
    context[0], context[1] = context[1], context[0]  # the order in which it was trained
    for i, word in enumerate(words):
        tags.append(model["tags"].get(word) or _best_tag(model, word, context, i + 2, tags))
    return tuple(tags[2:])


def _best_tag(model: _Model, word: str, context: Sequence[str], i: int, tags: Sequence[str]) -> str:
    """The tag with the highest sum of weights; `context[i]` is the word."""
    before_last, last = tags[-2], tags[-1]
    features = (
        "bias",
        f"i suffix {word[-3:]}",
        f"i pref1 {word[0]}",
        f"i-1 tag {last}",
        f"i-2 tag {before_last}",
        f"i tag+i-2 tag {last} {before_last}",
        f"i word {context[i]}",
        f"i-1 tag+i word {last} {context[i]}",
        f"i-1 word {context[i - 1]}",
        f"i-1 suffix {context[i - 1][-3:]}",
        f"i-2 word {context[i - 2]}",
        f"i+1 word {context[i + 1]}",
        f"i+1 suffix {context[i + 1][-3:]}",
        f"i+2 word {context[i + 2]}",
    )
    scores: dict[str, float] = {}
    for feature in features:
        for tag, weight in model["weights"].get(feature, {}).items():
            scores[tag] = scores.get(tag, 0.0) + weight
    return max(scores, key=lambda tag: (scores[tag], tag))
