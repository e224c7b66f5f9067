"""What the command line reads, prints and writes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

import metacontrol as mc
from metacontrol.tasks.files import must_be_file, whole_file


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV table; participants are text. Raise OSError or ValueError saying what is wrong."""
    must_be_file(path)
    try:
        return pd.read_csv(path, dtype={"participant": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as a CSV table: {error}") from error


def must_be_writable(folder: Path) -> None:
    """Raise OSError unless a folder can be written to, or made; nothing is made yet.

    Commands ask this before they begin: an hour's work should not end at a closed door.
    """
    try:
        there = _nearest(folder.absolute())
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        do = "write to" if folder.is_dir() else "make"
        raise type(error)(f"cannot {do} the folder {folder}: {error.strerror}") from error


def _nearest(path: Path) -> Path:
    """Return a path if something is there, else the nearest one above it."""
    try:
        path.lstat()
    except FileNotFoundError:
        return _nearest(path.parent)
    return path


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, if they are not there; raise OSError naming it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"cannot make the folder {path}: {error.strerror}") from error


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV table, whole or not at all, and say where."""
    make_folder(path.parent)
    with whole_file(path) as part:
        table.to_csv(part, index=False)
    print(f"wrote {path}")


def draw(path: Path, *plots: Callable[[Axes], object], height: float = 6.0) -> None:
    """Draw a figure, a panel for each plot; write it as PDF, SVG and PNG, and say where."""
    draw_panels(
        path,
        len(plots),
        lambda axes: [plot(ax) for plot, ax in zip(plots, axes, strict=True)],
        height=height,
    )


def draw_panels(
    path: Path, count: int, plot: Callable[[Sequence[Axes]], object], height: float = 6.0
) -> None:
    """Draw a figure of that many panels, four in a row at most; write it, and say where."""

    def whole() -> Figure:
        figure, axes = mc.panels(ceil(count / 4), min(count, 4), height=height)
        plot(axes)
        return figure

    draw_figure(path, whole)


def draw_figure(path: Path, plot: Callable[[], Figure]) -> None:
    """Draw a figure that lays itself out; write it as PDF, SVG and PNG, and say where."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    import matplotlib.pyplot as plt

    make_folder(path.parent)
    with mc.style():
        figure = plot()
        written = mc.save_figure(figure, path)
        plt.close(figure)
    print("wrote " + ", ".join(str(p) for p in written))


def show(table: pd.DataFrame, title: str) -> None:
    """Print a table with three decimals."""
    shown = Table(*map(str, table.columns), title=title, title_justify="left", title_style="bold")
    for row in table.itertuples(index=False):
        shown.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row))
    Console().print(shown)
