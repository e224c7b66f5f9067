"""What one participant's trials of a task hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from metacontrol.analysis.keys import add_key, part, text_part, walk_colours
from metacontrol.analysis.style import BLUE, COLOURS
from metacontrol.tasks.otto_2013 import SECONDARY_COLUMNS
from metacontrol.tasks.task import Task

_PALE = "#E4E4E4"
_FEW = 12  # a column with more distinct values than that is a line, not a strip
_NOT_DRAWN = ("first_left_option", *SECONDARY_COLUMNS)
_WORDS = {
    "p": "Probability of reward",
    "points": "Points",
    "devalued": "devalued outcome",
    "p_common": "probability of common",
    "rewarded_state": "State that pays",
    "told_first": "first choice",
    "told_second": "second choice",
}
_LEVELS: Mapping[str, Mapping[float, str]] = {
    "devalued": {0: "none", 1: "of state 0", 2: "of state 1"},
    "goal": {0: "any"},
    "rewards_known": {0: "no", 1: "yes"},
    "told_first": {-1: "not told", 0: "told 0", 1: "told 1"},
    "told_second": {-1: "not told", 0: "told 0", 1: "told 1"},
}


def plot_schedule(task: Task, ax: Axes, *, seed: int) -> Axes:
    """Draw what one participant's trials hold before any choice is made.

    Reward walks, the state that pays and what else takes many values are lines; a column of few
    values is a strip under them, with its key above it. What never changes is said above all. Left
    out are the option on the left and a first state that is drawn evenly all along, and the digits
    and answers of a dual task.

    Parameters
    ----------
    task : Task
        Whose schedule to draw.
    ax : Axes
        Where to draw: a journal column wide and 6 cm high, or more.
    seed : int
        Of all chance.
    """
    drawn = task.schedule(1, task.trials, np.random.default_rng(seed))
    columns = {name: v[:, 0].astype(float) for name, v in drawn.items() if name not in _NOT_DRAWN}
    if "first_state" in columns and _is_even(columns["first_state"]):
        del columns["first_state"]
    walks = getattr(task, "walk_columns", ())
    lines = {
        name: values
        for name, values in columns.items()
        if name in walks or name == "rewarded_state" or len(np.unique(values)) > _FEW
    }
    strips = {name: values for name, values in columns.items() if name not in lines}
    still = {name: strips.pop(name)[0] for name in list(strips) if np.ptp(strips[name]) == 0}
    still.pop("p_common", None)  # the graph says it
    head = 0.1 if still else 0.0
    room = (0.75 if lines else 1) - head
    pitch = min(0.19 if lines else 0.3, room / max(1, len(strips)))
    top = head + pitch * len(strips) if lines else 1.0
    if still:
        said = [f"{_WORDS.get(n, n.replace('_', ' '))} {value:g}" for n, value in still.items()]
        add_key(ax, [text_part(f"Throughout: {', '.join(said)}")], (0, top - 0.06), (0, 0))
    for i, (name, values) in enumerate(strips.items(), start=1):
        words = dict(_LEVELS.get(name, {}))
        if name == "goal" and hasattr(task, "coins"):
            words |= {i: f"{coin:g}" for i, coin in enumerate(task.coins, start=1)}
        if name == "devalued" and not getattr(task, "feedback", True):
            words |= {level: f"{words[level]}, outcomes hidden" for level in (1, 2)}
        _strip(ax, name, values, words, top - head - pitch * i + 0.03, pitch - 0.12)
    ax.set(xlim=(0.5, task.trials + 0.5), xlabel="Trial")
    if lines:
        _draw_lines(lines, top, ax)
    else:
        ax.set(ylim=(0, 1), yticks=[])
        ax.spines["left"].set_visible(False)
        ax.spines["bottom"].set_position(("axes", 1 - head - pitch * len(strips)))
    return ax


def _is_even(states: np.ndarray) -> bool:
    """Whether the same states come in both halves, so that they do not tell phases apart."""
    first, second = np.array_split(states, 2)
    return set(first) == set(second)


def _draw_lines(lines: Mapping[str, np.ndarray], foot: float, ax: Axes) -> None:
    """Draw lines in the part of the panel above `foot`."""
    colours = walk_colours(tuple(lines))
    drawn = list(lines.values())
    for i, (values, colour) in enumerate(zip(drawn, colours, strict=True)):
        trial = np.arange(1, len(values) + 1)
        if len(np.unique(values)) > _FEW:
            ax.plot(trial, values, color=colour, linewidth=1)
            continue
        ax.plot(trial, values, color=colour, linewidth=0.6, alpha=0.6, drawstyle="steps-mid")
        starts, ends = _runs(values)
        over = sum((other == values).any() for other in drawn[i + 1 :])  # would hide this one
        width = 1.5 + 1.5 * over
        ax.hlines(values[starts], starts + 0.5, ends + 0.5, color=colour, linewidth=width)
    every = np.stack(drawn)
    low, high = every.min(), every.max()
    margin = 0.04 * (high - low or 1)
    bottom, top = low - margin, high + margin
    ax.set_ylim(top - (top - bottom) / (1 - foot), top)
    ticks = np.unique(every)
    if len(ticks) > 4:
        steps = [1, 2.5, 5, 10] if (every % 1).any() else [1, 2, 3, 5, 10]
        ticks = np.asarray(MaxNLocator(4, steps=steps).tick_values(low, high))
    ax.set_yticks(ticks[(bottom <= ticks) & (ticks <= top)])
    ax.spines["left"].set_bounds(bottom, top)
    first = next(iter(lines))
    label = _WORDS.get(first, _WORDS.get(first.split("_")[0], first.replace("_", " ")))
    ax.set_ylabel(label, y=(1 + foot) / 2)
    if len(lines) > 1:
        parts = [
            part(Line2D([0, 10], [3, 3], color=colour, linewidth=1.5), name, 10)
            for name, colour in zip(lines, colours, strict=True)
        ]
        add_key(ax, parts, (1, 1.03), (1, 0))


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where runs of the same value start, and where the next ones do."""
    ends = np.append(np.flatnonzero(np.diff(values)) + 1, len(values))
    return np.append(0, ends[:-1]), ends


def _strip(
    ax: Axes,
    name: str,
    values: np.ndarray,
    words: Mapping[float, str],
    bottom: float,
    height: float,
) -> None:
    """Draw one strip of trials, with its name and key above it; places in parts of the panel."""
    levels = np.unique(values)
    if len(levels) <= 1 + len(COLOURS):
        colours: dict[float, Any] = dict(zip(levels, (_PALE, *COLOURS), strict=False))
        shown = levels
    else:
        shades = np.linspace(to_rgb(_PALE), to_rgb(BLUE), len(levels))
        colours, shown = dict(zip(levels, shades, strict=True)), levels[[0, -1]]
    for start, end in zip(*_runs(values), strict=True):
        corner, across = (start + 0.5, bottom), ax.get_xaxis_transform()
        block = Rectangle(corner, end - start, height, transform=across)
        block.set(facecolor=colours[values[start]], linewidth=0)
        ax.add_patch(block)
    parts: list[Any] = [text_part(_WORDS.get(name, name.replace("_", " ")))]
    for level in shown:
        swatch = Rectangle((0, 0), 6, 6, facecolor=colours[level], linewidth=0)
        parts.append(part(swatch, words.get(level, f"{level:g}"), 6))
    add_key(ax, parts, (0, bottom + height + 0.012), (0, 0))
