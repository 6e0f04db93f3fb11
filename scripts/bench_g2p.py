"""Time the G2P on lines that it has not seen: `python scripts/bench_g2p.py [--lines 1000]`.

English lines of seven words drawn from the pronouncing dictionary, every twentieth an invented
one, and Mandarin lines of eight characters drawn from the 3755 most common. Loading is timed apart.
A table, then one JSON line (seconds for 1000 lines).
"""

import argparse
import json
import random
import time
from collections.abc import Callable

from tqdm import tqdm

from songbloom.lyrics import Mode, phonemize_line
from songbloom.lyrics.g2p.pronunciation import cmu_dictionary


def english_lines(rng: random.Random, count: int) -> list[str]:
    """Dictionary words, and two of them cut together now and then."""
    words = [word for word in cmu_dictionary() if word.isalpha() and len(word) > 2]

    def word() -> str:
        if rng.random() < 0.05:
            return rng.choice(words)[:4] + rng.choice(words)[-4:]
        return rng.choice(words)

    return [" ".join(word() for _ in range(7)) for _ in range(count)]


def mandarin_lines(rng: random.Random, count: int) -> list[str]:
    """The first level of GB 2312, which holds the common characters."""
    codes = [(row, cell) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)]
    letters = [letter for code in codes if (letter := bytes(code).decode("gb2312", "ignore"))]
    return ["".join(rng.choices(letters, k=8)) for _ in range(count)]


def seconds(work: Callable[[], object]) -> float:
    """Wall time."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Time, print."""
    parser = argparse.ArgumentParser(description="Time the G2P.")
    parser.add_argument("--lines", type=int, default=1000)
    count = parser.parse_args().lines
    modes: tuple[Mode, ...] = ("natural", "released")
    loading = seconds(lambda: [phonemize_line("one xyzzy 好", mode) for mode in modes])
    results = {"loading": round(loading, 2)}
    print(f"loading: {loading:.1f} s\n\n| lines | mode | seconds a thousand |\n|---|---|---:|")
    rng = random.Random(0)
    for language, draw in (("en", english_lines), ("zh", mandarin_lines)):
        for mode in modes:
            lines = draw(rng, count)  # new ones for each mode: words are remembered

            def work(lines: list[str] = lines, mode: Mode = mode) -> None:
                for line in tqdm(lines, leave=False, disable=None):
                    phonemize_line(line, mode)

            took = seconds(work) * 1000 / count
            results[f"{language}_{mode}"] = round(took, 2)
            print(f"| {language} | {mode} | {took:.2f} |")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
