"""The phoneme vocabulary: which symbols a model knows, and phoneme text as the ids it reads."""

import hashlib
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import yaml

from songbloom.errors import SongBloomError
from songbloom.lyrics.sections import SECTION_SEPARATOR, SENTENCE_END

PADDING_ID = -1
"""Marks an empty lyric position in a batch."""

MAX_SENTENCES = 50
"""Rows of the sentence-index embedding in the releases; indices are capped one below."""


class VocabularyError(SongBloomError):
    """A vocabulary that is malformed or does not fit."""


class UnknownPhonemeError(SongBloomError):
    """Phoneme text that holds symbols which the vocabulary does not know."""


@dataclass(frozen=True, kw_only=True)
class LyricIds:
    """Three equally long tuples: symbol ids, structure ids and sentence indices."""

    ids: tuple[int, ...] = ()
    structure_ids: tuple[int, ...] = ()
    sentence_index: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.structure_ids) == len(self.sentence_index):
            raise SongBloomError(
                "LyricIds.ids, structure_ids and sentence_index must have one length, not "
                f"{len(self.ids)}, {len(self.structure_ids)} and {len(self.sentence_index)}."
            )

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Vocabulary:
    """Symbols in the order of their ids."""

    symbols: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.symbols:
            raise VocabularyError("Vocabulary.symbols is empty; it needs at least one symbol.")
        for symbol in self.symbols:
            if not isinstance(symbol, str) or any(c.isspace() for c in symbol):
                raise VocabularyError(
                    f"Vocabulary.symbols holds {reprlib.repr(symbol)}; a symbol is a string "
                    "without spaces."
                )
        if len(set(self.symbols)) < len(self.symbols):
            twice = next(s for s in self.symbols if self.symbols.count(s) > 1)
            raise VocabularyError(
                f"Vocabulary.symbols holds {reprlib.repr(twice)} twice; ids must be unique."
            )

    @classmethod
    def default(cls) -> "Vocabulary":
        """The built-in vocabulary: the released symbols, which hold all that our G2P emits."""
        return cls.from_yaml(Path(str(files("songbloom.assets") / "lyrics" / "vocabulary.yaml")))

    @classmethod
    def from_yaml(cls, path: str | Path) -> "Vocabulary":
        """Read a plain YAML list of symbols, such as a release's `vocab_g2p.yaml`."""
        try:
            symbols = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = str(error).splitlines()[0]
            raise VocabularyError(
                f"{path} cannot be read as a YAML list of symbols: {reason}."
            ) from error
        if not isinstance(symbols, list):
            raise VocabularyError(f"{path} must hold a plain YAML list of symbols.")
        return cls.from_list(symbols)

    @classmethod
    def from_list(cls, symbols: Iterable[str]) -> "Vocabulary":
        """The vocabulary of a checkpoint's plain list."""
        return cls(tuple(symbols))

    def to_list(self) -> list[str]:
        """The symbols as plain data for a checkpoint."""
        return list(self.symbols)

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._ids

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {symbol: index for index, symbol in enumerate(self.symbols)}

    @cached_property
    def section_ids(self) -> frozenset[int]:
        """Ids of the section tags: the symbols in square brackets."""
        return frozenset(
            index for symbol, index in self._ids.items() if len(symbol) > 1 and symbol[0] == "["
        )

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that name this ordered list."""
        return hashlib.sha256("\n".join(self.symbols).encode()).hexdigest()[:16]

    def id(self, symbol: str) -> int:
        """The id of a symbol; UnknownPhonemeError if there is none."""
        if symbol not in self._ids:
            raise UnknownPhonemeError(self._unknown([symbol]))
        return self._ids[symbol]

    def encode(self, text: str, *, max_sentences: int = MAX_SENTENCES) -> LyricIds:
        """Phoneme text, split on single spaces, as ids (paper section 4.3.1's conditions).

        A phoneme's structure id is that of the last tag (0 before any), its sentence index counts
        from 1 in the section and stops at `max_sentences - 1`. A tag, `.` or `,` has its own id
        as structure id and sentence index 0. Where the vocabulary holds the empty string, two
        spaces in a row, or an empty text, make one such symbol, as in the releases.
        Raises UnknownPhonemeError, which names every symbol that the vocabulary lacks.
        """
        symbols = text.split(" ")
        if "" not in self._ids:
            symbols = [symbol for symbol in symbols if symbol]
        unknown = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self._ids]
        if unknown:
            raise UnknownPhonemeError(self._unknown(unknown))
        structure_ids: list[int] = []
        sentence_index: list[int] = []
        section, sentence = 0, 1
        for symbol in symbols:
            index = self._ids[symbol]
            is_tag = index in self.section_ids
            if is_tag or symbol in (SENTENCE_END, SECTION_SEPARATOR):
                structure_ids.append(index)
                sentence_index.append(0)
            else:
                structure_ids.append(section)
                sentence_index.append(min(sentence, max_sentences - 1))
            if is_tag:
                section, sentence = index, 1
            elif symbol == SENTENCE_END:
                sentence += 1
        return LyricIds(
            ids=tuple(self._ids[symbol] for symbol in symbols),
            structure_ids=tuple(structure_ids),
            sentence_index=tuple(sentence_index),
        )

    def _unknown(self, symbols: list[str]) -> str:
        named = ", ".join(reprlib.repr(symbol) for symbol in symbols[:8])
        more = f" and {len(symbols) - 8} more" if len(symbols) > 8 else ""
        return (
            f"The vocabulary ({len(self)} symbols, {self.fingerprint}) does not hold {named}{more};"
            " phonemise the lyrics for this model, or use a vocabulary that has them."
        )
