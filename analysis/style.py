"""How figures look: journal widths, plain fonts, colours that everyone can tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from metacontrol.tasks.files import whole_file

SINGLE, DOUBLE = 8.5, 17.8  # widths of one and of two journal columns, in cm

# Okabe & Ito's palette for colour-blind readers.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#777777"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE)

# What differs from seaborn's "ticks" on "paper".
_RC: dict[Any, Any] = {
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8,
    "font.size": 8,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.title_fontsize": 7,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,
    "savefig.dpi": 300,
    "svg.fonttype": "none",
    "xtick.labelsize": 7,
    "xtick.major.size": 3,
    "xtick.major.width": 0.6,
    "ytick.labelsize": 7,
    "ytick.major.size": 3,
    "ytick.major.width": 0.6,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in metacontrol's style within the context; nothing changes outside.

    Examples
    --------
    >>> with style():
    ...     figure, axes = panels(1, 2)
    >>> round(float(figure.get_size_inches()[0]) * 2.54, 1)
    17.8
    >>> plt.close(figure)
    """
    with sns.plotting_context("paper"), sns.axes_style("ticks"), plt.rc_context(_RC):
        yield


def panels(
    rows: int = 1, columns: int = 1, *, width: float | None = None, height: float = 6.0
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, row by row.

    Parameters
    ----------
    rows, columns : int
        Panels.
    width : float, optional
        In cm; by default one journal column for one panel across, else two.
    height : float
        Of each row, in cm.
    """
    width = width or (SINGLE if columns == 1 else DOUBLE)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(width / 2.54, rows * height / 2.54),
        squeeze=False,
        layout="constrained",
    )
    for letter, ax in zip("ABCDEFGHIJKL", axes.flat, strict=False):
        if rows * columns > 1:
            ax.set_title(letter, loc="left", fontweight="bold")
    return figure, list(axes.flat)


def in_words(level: object) -> str:
    """Return the level of a condition as it is written: a number without needless digits.

    Examples
    --------
    >>> in_words(5.0), in_words("long")
    ('5', 'long')
    """
    return f"{level:g}" if isinstance(level, float) else f"{level}"


def save_figure(
    figure: Figure, path: str | Path, formats: tuple[str, ...] = ("pdf", "svg", "png")
) -> list[Path]:
    """Write a figure in several formats, each whole or not at all; text stays text.

    Parameters
    ----------
    figure : Figure
        What to write.
    path : path
        Without a suffix; the folder must be there.
    formats : tuple of str
        Suffixes.

    Returns
    -------
    list of Path
    """
    paths = [Path(f"{path}.{suffix}") for suffix in formats]
    with style():
        for target in paths:
            content = BytesIO()  # matplotlib's PDF hides a full disk behind a fault of its own
            figure.savefig(content, format=target.suffix[1:])
            with whole_file(target) as part:
                part.write_bytes(content.getvalue())
    return paths
