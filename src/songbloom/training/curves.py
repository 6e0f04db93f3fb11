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


def read_metrics(path: str | Path) -> dict[str, list[tuple[int, float]]]:
    """(step, value) pairs of each metric in a CSV of Lightning's logger."""
    series: dict[str, list[tuple[int, float]]] = defaultdict(list)
    with Path(path).open(newline="") as file:
        for row in csv.DictReader(file):
            for name, value in row.items():
                if value and name not in ("step", "epoch"):
                    series[name].append((int(row["step"]), float(value)))
    return dict(series)


def save_curves(metrics: str | Path, picture: str | Path) -> None:
    """Draw training and validation losses and the frame rate against steps."""
    series = read_metrics(metrics)
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
