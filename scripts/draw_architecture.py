"""Draw the picture of the model in the README: `python scripts/draw_architecture.py`."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

TARGET = Path(__file__).resolve().parents[1] / "docs" / "figures" / "architecture.png"
COLORS = {
    "condition": "#cfe2f3",
    "sketch": "#ffe0a3",
    "acoustic": "#c9e7c4",
    "model": "#e6dcf2",
    "audio": "#eeeeee",
}


def box(axis: Axes, x: float, y: float, width: float, height: float, text: str, kind: str) -> None:
    """A rounded box with text, its lower left corner at (x, y)."""
    axis.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0.02,rounding_size=0.08",
            facecolor=COLORS[kind],
            edgecolor="#444444",
            linewidth=1,
        )
    )
    axis.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=9)


def arrow(
    axis: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    label: str = "",
    bend: float = 0,
) -> None:
    """An arrow, with a label at its middle."""
    axis.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": "#444444",
            "connectionstyle": f"arc3,rad={bend}",
        },
    )
    if label:
        middle = ((start[0] + end[0]) / 2 + 0.08, (start[1] + end[1]) / 2)
        axis.text(*middle, label, fontsize=8, color="#333333", va="center")


def draw() -> Figure:
    """The interleaved sequence below, the two models above it, the codec at the right."""
    figure = Figure(figsize=(13, 4.8), layout="constrained")
    axis = figure.subplots()
    axis.set(xlim=(0, 13), ylim=(0, 4.8))
    axis.axis("off")

    tokens = [
        (0.1, 1.5, "style prompt\n250 latent frames", "condition"),
        (1.7, 1.3, "lyrics\nphonemes", "condition"),
        (3.1, 0.6, "BOS", "sketch"),
        (3.8, 1.5, "sketch tokens\n$s_1 … s_{16}$", "sketch"),
        (5.4, 0.6, "$A_1$", "acoustic"),
        (6.1, 1.5, "sketch tokens\n$s_{17} … s_{32}$", "sketch"),
        (7.7, 0.6, "$A_2$", "acoustic"),
        (8.4, 0.5, "…", "sketch"),
    ]
    for x, width, text, kind in tokens:
        box(axis, x, 0.5, width, 0.8, text, kind)
    axis.text(
        0.1, 0.2, "one sequence: 16 sketch tokens, then their acoustics, and again", fontsize=9
    )

    box(axis, 0.1, 1.9, 8.8, 0.8, "sketch language model (causal transformer)", "model")
    for x, width, _, _ in tokens[:-1]:
        arrow(axis, (x + width / 2, 1.32), (x + width / 2, 1.88))

    box(
        axis,
        3.3,
        3.6,
        4.6,
        0.9,
        "patch diffusion transformer\n[ time | h | s | patch before | noise ] → latents",
        "model",
    )
    arrow(axis, (5.1, 2.72), (5.1, 3.58), "h, hidden vector at the patch's last token")
    box(axis, 0.6, 3.65, 1.9, 0.8, "next sketch token\n(cross-entropy)", "sketch")
    arrow(axis, (1.6, 2.72), (1.6, 3.63))

    box(axis, 9.4, 3.65, 1.6, 0.8, "latents\n16 × 64", "acoustic")
    arrow(axis, (7.92, 4.05), (9.38, 4.05), "")
    axis.text(8.62, 4.25, "Euler\nsteps", fontsize=8, ha="center")
    box(axis, 9.4, 1.9, 1.6, 0.8, "acoustic\nencoder", "model")
    arrow(axis, (10.2, 3.63), (10.2, 2.72))
    arrow(axis, (9.38, 2.1), (8.05, 1.32), "", bend=-0.25)
    axis.text(9.05, 1.45, "$A_i$ returns", fontsize=8)

    box(axis, 11.6, 3.65, 1.3, 0.8, "codec\ndecoder", "model")
    arrow(axis, (11.02, 4.05), (11.58, 4.05))
    box(axis, 11.6, 1.9, 1.3, 0.8, "48 kHz\nstereo", "audio")
    arrow(axis, (12.25, 3.63), (12.25, 2.72))
    axis.text(11.55, 1.6, "0.64 s a patch", fontsize=8)

    return figure


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    draw().savefig(TARGET, dpi=90)
    print(TARGET.name)
