"""Chinese word segmentation with parts of speech: jieba, without its cache file.

jieba keeps its parsed dictionary as a marshal file in the shared temporary folder and trusts
whatever lies there. Here the dictionary is parsed anew, once, from the package's own text.
"""

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jieba import Tokenizer


@lru_cache(maxsize=1)
def _segmenters() -> tuple["Tokenizer", Any]:
    """The plain tokenizer and the one that tags parts of speech."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's old escapes and its import of pkg_resources
        import jieba
        import jieba.posseg
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer, jieba.posseg.POSTokenizer(tokenizer)


@lru_cache(maxsize=4096)
def cut_with_tags(text: str) -> tuple[tuple[str, str], ...]:
    """Words of a text, each with its part of speech."""
    return tuple((pair.word, pair.flag) for pair in _segmenters()[1].cut(text))


@lru_cache(maxsize=16384)
def split_word(word: str) -> tuple[str, str]:
    """A word as its shortest known part and the rest, in their order."""
    shortest = min(_segmenters()[0].cut_for_search(word), key=len)
    if word.startswith(shortest):
        return shortest, word[len(shortest) :]
    return word[: -len(shortest)], shortest
