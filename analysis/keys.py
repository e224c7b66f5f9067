"""What figures of tasks share: ink, keys, and the colours of walks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnnotationBbox, DrawingArea, HPacker, TextArea

from metacontrol.analysis.style import COLOURS

INK = "#333333"
SMALL = 6.5  # points; nothing is written smaller
_LIGHTER = ("#56B4E9", "#E69F00")  # the palette's other blue and orange, for the other state


def walk_colours(names: Sequence[str]) -> list[str]:
    """Return a colour for each line: the hue says the option, the lightness the state.

    Examples
    --------
    >>> walk_colours(["p_0_0", "p_1_0"])
    ['#0072B2', '#56B4E9']
    """
    found = []
    for i, name in enumerate(names):
        numbers = [int(part) for part in name.split("_") if part.isdigit()]
        if len(numbers) == 2 and max(numbers) <= 1:
            found.append((COLOURS, _LIGHTER)[numbers[0]][numbers[1]])
        else:
            found.append(COLOURS[i % len(COLOURS)])
    return found


def text_part(text: str) -> TextArea:
    """Return a part of a key that is text alone."""
    return TextArea(text, textprops={"fontsize": SMALL, "color": INK})


def part(artist: Artist, text: str, width: float) -> HPacker:
    """Return a part of a key: something `width` points wide and 6 high, and what it means."""
    sample = DrawingArea(width, 6)
    sample.add_artist(artist)
    return HPacker(children=[sample, text_part(text)], pad=0, sep=3, align="baseline")


def add_key(
    ax: Axes, parts: Sequence[Any], at: tuple[float, float], corner: tuple[float, float]
) -> None:
    """Place a key: its `corner` (0 to 1 from left and bottom) at that part of the panel."""
    row = HPacker(children=list(parts), pad=0, sep=8, align="baseline")
    placed = AnnotationBbox(row, at, xycoords="axes fraction", box_alignment=corner, frameon=False)
    placed.patch.set_boxstyle("square", pad=0)
    ax.add_artist(placed)
