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
    """Print a table with three decimals, of which nothing is cut.

    Where it is too wide for the terminal it has no lines, two decimals and broken headings; where
    that is still too wide, rows go on beyond the edge.
    """
    console = Console(markup=False, emoji=False)
    wide = console.options.update(width=10_000)
    for narrow in (False, True):
        shown = _laid_out(table, title, narrow)
        least = console.measure(shown, options=wide).minimum
        if least <= console.width:
            break
    console.width = max(least, console.width)
    console.print(shown, crop=False)


def _laid_out(table: pd.DataFrame, title: str, narrow: bool) -> Table:
    """Return a table in which only cells of several words are broken, between words."""
    shown = Table(title=title, title_justify="left", title_style="bold")
    if narrow:
        shown.box, shown.padding, shown.pad_edge = None, (0, 1, 0, 0), False
    decimals, columns = 2 if narrow else 3, []
    for name in map(str, table.columns):
        values = table[name].tolist()
        cells = [f"{v:.{decimals}f}" if isinstance(v, float) else str(v) for v in values]
        words = [len(word) for cell in cells for word in cell.split()]
        whole = all(len(cell.split()) < 2 for cell in cells)
        heading = _in_two(name) if narrow and len(name) > max([6, *words]) else name
        shown.add_column(heading, no_wrap=whole, min_width=max(words, default=0))
        columns.append(cells)
    for row in zip(*columns, strict=True):
        shown.add_row(*row)
    return shown


def _in_two(heading: str) -> str:
    """Return a heading broken behind its underscore, or in the middle."""
    at = heading.find("_") + 1
    if at:
        return f"{heading[:at]}\n{heading[at:]}"
    at = ceil(len(heading) / 2)
    return f"{heading[:at]}-\n{heading[at:]}"
