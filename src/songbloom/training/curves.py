"""Training curves as a picture, from the metrics that the CSV logger wrote."""

import csv
from collections import defaultdict
from pathlib import Path

from matplotlib.figure import Figure

PANELS = {
    "sketch": "sketch cross-entropy (nats)",
    "flow": "flow loss",
    "loss": "objective",
}


def read_metrics(folder: str | Path) -> dict[str, list[tuple[int, float]]]:
    """(step, value) pairs of each metric in the CSVs of Lightning's logger.

    Each start of a run has its own `version_N`; where a resumed run repeats steps, its own count.
    """
    series: dict[str, dict[int, float]] = defaultdict(dict)
    for path in sorted(Path(folder).glob("version_*/metrics.csv"), key=_version):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                for name, value in row.items():
                    if value and row["step"] and name not in ("step", "epoch"):
                        series[name][int(row["step"])] = float(value)
    return {name: sorted(points.items()) for name, points in series.items()}


def _version(path: Path) -> int:
    return int(path.parent.name.removeprefix("version_"))


def save_curves(folder: str | Path, picture: str | Path) -> None:
    """Draw training and validation losses and the frame rate against steps."""
    series = read_metrics(folder)
    figure = Figure(figsize=(12, 7), layout="constrained")
    axes = figure.subplots(2, 2)
    for axis, (name, title) in zip(axes.flat, PANELS.items(), strict=False):
        for stage, style in (("train", {"alpha": 0.5}), ("val", {"marker": "o", "ms": 3})):
            points = series.get(f"{stage}/{name}")
            if points:
                axis.plot(*zip(*points, strict=True), label=stage, **style)
        axis.set(title=title, xlabel="step")
        axis.legend()
    rate = series.get("train/frames_per_second")
    if rate:
        axes.flat[3].plot(*zip(*rate, strict=True))
    axes.flat[3].set(title="frames per second", xlabel="step")
    figure.savefig(picture, dpi=80)
