"""Set reports side by side as a Markdown table: `python scripts/compare_reports.py REPORT…`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROWS = {
    "unigram entropy of the tokens": ("unigram_entropy",),
    "smoothed bigram": ("bigram_cross_entropy",),
    "model, right lyrics": ("right", "sketch"),
    "model, wrong lyrics": ("wrong_lyrics", "sketch"),
    "gap of the lyrics": ("lyrics_gap",),
    "gap of a foreign prompt, sketch": ("prompt_gap_sketch",),
    "flow loss: mean velocity": ("mean_velocity_flow",),
    "flow loss: model": ("right", "flow"),
    "gap of a foreign prompt, flow": ("prompt_gap_flow",),
}
SETS = {"held_out_renditions": "held-out renditions", "held_out_songs": "held-out songs"}


def read_figure(report: dict[str, Any], *path: str) -> float:
    """The number at a path of keys."""
    value: Any = report
    for key in path:
        value = value[key]
    return float(value)


def table(names: list[str], reports: list[dict[str, Any]]) -> str:
    """Markdown: a row a figure, a column a report."""
    lines = [
        "| nats a token, or mean squared error | " + " | ".join(names) + " |",
        "|---|" + "---:|" * len(names),
    ]
    for key, title in SETS.items():
        for row, path in ROWS.items():
            cells = " | ".join(f"{read_figure(report, key, *path):.3f}" for report in reports)
            lines.append(f"| {title}: {row} | {cells} |")
    for criterion in reports[0]["criteria"]:
        met = " | ".join("yes" if report["criteria"][criterion] else "no" for report in reports)
        lines.append(f"| {criterion.replace('_', ' ')} | {met} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("reports", type=Path, nargs="+", metavar="REPORT")
    paths = parser.parse_args().reports
    try:
        reports = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        print(table([path.parent.name for path in paths], reports))
    except (OSError, json.JSONDecodeError, KeyError) as error:
        sys.exit(f"error: a report cannot be read ({error}); write it with scripts/report.py")


if __name__ == "__main__":
    main()
