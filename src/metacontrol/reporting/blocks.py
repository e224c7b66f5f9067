"""What a report's page is made of: texts, tables and figures under headings."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any, ClassVar

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from metacontrol.analysis.style import panels, save_figure, style

LARGE = 500_000  # bytes of SVG beyond which a figure goes into the page as PNG


@dataclass(frozen=True)
class Text:
    """A paragraph, with citations as `to_html` reads them; a warning stands out."""

    kind: ClassVar[str] = "text"

    text: str
    warning: bool = False


@dataclass(frozen=True)
class Code:
    """Lines to be shown as they are, such as equations."""

    kind: ClassVar[str] = "code"

    text: str


@dataclass(frozen=True)
class Column:
    """A column of a table as it is shown.

    Parameters
    ----------
    name : str
        Of the frame's column.
    heading : str
        What stands over it; an interval's second column has none and stands under the first's.
    decimals : int, optional
        Of numbers; by default values are shown as text, and at the left.
    whole : bool
        Whether a text is kept on one line.
    """

    name: str
    heading: str
    decimals: int | None = None
    whole: bool = False

    def cell(self, value: Any) -> str:
        """Return a value as text, with a minus sign in place of a hyphen.

        Examples
        --------
        >>> Column("x", "x", 2).cell(-1234.567)
        '−1,234.57'
        """
        if pd.isna(value):
            return "–"
        if self.decimals is None:
            return number(value) if isinstance(value, int | float | np.number) else str(value)
        return f"{value:,.{self.decimals}f}".replace("-", "−")


INTERVAL = (Column("lower", "95 % interval", 2), Column("upper", "", 2))
QUARTILES = (Column("q25", "25 %", 2), Column("q50", "median", 2), Column("q75", "75 %", 2))


@dataclass(frozen=True)
class Table:
    """A table: shown rounded in the page, and whole in a CSV file.

    Parameters
    ----------
    name : str
        Of the file.
    caption : str
        What it says, with citations.
    frame : DataFrame
        What the file holds.
    columns : sequence of Column
        What is shown, in order; the first heads each row. None: the table is a file only.
    shown : DataFrame, optional
        What is shown in place of the frame.
    """

    kind: ClassVar[str] = "table"

    name: str
    caption: str
    frame: pd.DataFrame
    columns: Sequence[Column] = ()
    shown: pd.DataFrame | None = None

    @property
    def rows(self) -> list[list[str]]:
        """The cells that are shown."""
        frame = self.frame if self.shown is None else self.shown
        return [
            [column.cell(frame[column.name].iloc[i]) for column in self.columns]
            for i in range(len(frame))
        ]

    @property
    def headings(self) -> list[tuple[Column, int]]:
        """The columns that have a heading, each with the number of columns it spans."""
        spans: list[tuple[Column, int]] = []
        for column in self.columns:
            if column.heading:
                spans.append((column, 1))
            else:
                spans[-1] = spans[-1][0], spans[-1][1] + 1
        return spans


@dataclass(frozen=True)
class Figure:
    """A figure: inside the page, and as PDF, SVG and PNG.

    Parameters
    ----------
    name : str
        Of the files.
    plot : function
        Draws into a list of axes.
    caption : str
        What is seen, with citations.
    alt : str
        The same in a sentence for those who do not see it.
    count : int
        Panels, four in a row at most.
    height : float
        Of each row, in cm.
    """

    kind: ClassVar[str] = "figure"

    name: str
    plot: Callable[[Sequence[Axes]], object]
    caption: str
    alt: str
    count: int = 1
    height: float = 6.0

    def draw(self, folder: Path) -> str:
        """Write the files into a folder; return the figure as a data address."""
        # Letters as shapes look alike everywhere; without date and salt so do all bytes.
        alike: Any = {"svg.fonttype": "path", "svg.hashsalt": "metacontrol"}
        with style():
            figure, axes = panels(ceil(self.count / 4), min(self.count, 4), height=self.height)
            try:
                self.plot(axes)
                save_figure(figure, folder / self.name)
                with plt.rc_context(alike):
                    svg = BytesIO()
                    figure.savefig(svg, format="svg", metadata={"Date": None})
            finally:
                plt.close(figure)
        if svg.tell() > LARGE:
            return _address("image/png", (folder / f"{self.name}.png").read_bytes())
        return _address("image/svg+xml", svg.getvalue())


Block = Text | Code | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; sections within it have smaller headings."""

    heading: str
    blocks: list[Block] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)


def number(value: Any, digits: int = 3) -> str:
    """Return a number as people write it.

    Examples
    --------
    >>> number(1234), number(0.05263), number(-2.0), number(1234.5)
    ('1,234', '0.0526', '−2', '1,234')
    """
    whole = float(value).is_integer() or abs(value) >= 10**digits
    return (f"{value:,.0f}" if whole else f"{value:.{digits}g}").replace("-", "−")


def interval(lower: float, upper: float, decimals: int = 2) -> str:
    """Return a 95 % interval in words.

    Examples
    --------
    >>> interval(-0.2, 0.514)
    '95 % interval −0.20 to 0.51'
    """
    column = Column("", "", decimals)
    return f"95 % interval {column.cell(lower)} to {column.cell(upper)}"


def listed(words: Sequence[str]) -> str:
    """Return words as a list within a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"
