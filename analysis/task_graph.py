"""Where the choices of a task lead."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Rectangle

from metacontrol.analysis.keys import INK, SMALL, add_key, part, walk_colours
from metacontrol.analysis.style import BLUE, COLOURS, GREY, ORANGE
from metacontrol.tasks.graph import Graph, Stage
from metacontrol.tasks.huys_2012 import PlanningTree

_DASHES = (0, (3.5, 1.8))
_LINES: Any = ("-", _DASHES)  # of the first move and the second
# By steps round a circle: how far an arrow bends, and how far along it its amount stands.
_BENDS = {1: (0.27, 0.5), 2: (0.18, 0.35), 3: (0.12, 0.29)}


def plot_graph(task: Graph, ax: Axes) -> Axes:
    """Draw a task's states, the options in each, and where these lead.

    States are boxes and options discs, of one colour for each number; a solid arrow leads to the
    common next state, a dashed one to the rare. A state with a single option has no disc. Ends
    stand in an order that crosses few arrows, with what they pay where that is settled; where a
    walk settles it, the end has the name and colour of the walk. A planning tree is drawn as its
    states on a circle, an arrow for each move with what it pays.

    Parameters
    ----------
    task : Graph
        What to draw.
    ax : Axes
        Where to draw: a journal column wide and 6 cm high, or more.
    """
    if isinstance(task, PlanningTree):
        return _draw_circle(task, ax)
    places = [_options(stage) for stage in task.stages]
    heights = [np.array([np.mean(own) for own in stage]) for stage in places]
    heights.append(_ends(task.stages[-1]))
    for column, stage in enumerate(task.stages):
        _write(ax, (column, 1.05), stage.state.replace("_", " ").capitalize(), ha="center")
        for state, moves in enumerate(stage.leads_to):
            at = (float(column), heights[column][state])
            _node(ax, at, f"{state}")
            for option, (common, rare) in enumerate(moves):
                colour, start = INK, (column + 0.3, places[column][state][option])
                if len(moves) > 1:
                    colour = COLOURS[option % len(COLOURS)]
                ax.plot(*zip(at, start, strict=True), color=colour, linewidth=1.1, zorder=2)
                if len(moves) > 1:
                    _node(ax, start, f"{option}", "circle,pad=0.2", colour, colour, "white")
                _arrow(ax, start, (column + 1, heights[column + 1][common]), colour)
                if rare != common and min(_chances(task)) < 1:
                    _arrow(ax, start, (column + 1, heights[column + 1][rare]), colour, rare=True)
    _draw_ends(task, heights[-1], ax)
    _explain(task, ax)
    ax.set(xlim=(-0.15, len(task.stages) + 0.15), ylim=(0, 1.1))
    ax.set_axis_off()
    return ax


def _spread(count: int) -> np.ndarray:
    """Return heights from top to bottom, evenly spaced."""
    return 1 - (np.arange(count) + 0.5) / count


def _options(stage: Stage) -> list[np.ndarray]:
    """Return the heights of the options of each state."""
    counts = [len(state) for state in stage.leads_to]
    return np.split(_spread(sum(counts)), np.cumsum(counts)[:-1])


def _ends(stage: Stage) -> np.ndarray:
    """Return heights of the next states, in the order of the options that lead to them."""
    common, rare = np.array([move for state in stage.leads_to for move in state]).T
    depths = []
    for end in range(stage.next_states):
        at = np.flatnonzero(common == end)
        depths.append(np.mean(at if len(at) else np.flatnonzero(rare == end)))
    rank = np.argsort(np.argsort(depths, kind="stable"))
    return _spread(stage.next_states)[rank]


def _draw_ends(task: Graph, heights: np.ndarray, ax: Axes) -> None:
    """Draw the ends of a trial, with what they pay."""
    column, state = len(task.stages), task.stages[-1].next_state
    walks = getattr(task, "walk_columns", ())
    if state is None:
        _write(ax, (column - 0.03, 1.05), "Reward", ha="left")
    else:
        _write(ax, (column, 1.05), state.replace("_", " ").capitalize(), ha="center")
    if hasattr(task, "tokens"):
        paid = [f"token {token}" if token else "no token" for token in task.tokens]
    else:
        settled = getattr(task, "coins", getattr(task, "values", ()))
        paid = getattr(task, "ends_pay", [f"pays {value:g}" for value in settled])
    for end, height in enumerate(heights):
        if end < len(walks):
            edge = walk_colours(walks)[end]
            _node(ax, (column - 0.03, height), walks[end], edge=edge, ha="left")
        else:
            _node(ax, (column, height), f"{end}")
        if paid:
            _write(ax, (column + 0.11, height), paid[end], fontsize=SMALL)


def _draw_circle(task: PlanningTree, ax: Axes) -> Axes:
    """Draw the states of a planning tree on a circle, and what moves between them pay."""
    count = len(task.moves)
    angles = np.pi / 2 - 2 * np.pi * np.arange(count) / count
    at = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    largest = np.abs(task.amounts).max()
    for state, (places, amounts) in enumerate(zip(task.moves, task.amounts, strict=True)):
        _node(ax, tuple(at[state]), f"{state}", "circle,pad=0.35")
        for place, amount, line in zip(places, amounts, _LINES, strict=True):
            steps = (place - state) % count  # clockwise
            bend, share = _BENDS[min(steps, count - steps)]
            bend = bend if 2 * steps > count else -bend
            width, colour = 0.8 + abs(amount) / largest, BLUE if amount > 0 else ORANGE
            along = FancyArrowPatch(
                at[state],
                at[place],
                connectionstyle=f"arc3,rad={bend}",
                arrowstyle=f"-|>,head_length={3 + width},head_width={0.8 + width}",
                mutation_scale=1,
                shrinkA=8,
                shrinkB=8,
                color=colour,
                linewidth=width,
                linestyle=line,
                zorder=1,
            )
            ax.add_patch(along)
            spot = _on_arc(at[state], at[place], bend, share)
            text = f"{amount:+g}".replace("-", "\N{MINUS SIGN}")
            _node(ax, spot, text, "square,pad=0.1", "none", ink=colour)
    ax.update_datalim(at)
    ax.margins(0.1)
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_axis_off()
    lines = [Line2D([0, 18], [3, 3], color=GREY, linewidth=1.1, linestyle=line) for line in _LINES]
    signs = [Rectangle((0, 0), 6, 6, facecolor=colour, linewidth=0) for colour in (BLUE, ORANGE)]
    parts = [part(line, f"move {move}", 18) for move, line in enumerate(lines)]
    parts += [part(sign, word, 6) for sign, word in zip(signs, ("gain", "loss"), strict=True)]
    add_key(ax, parts, (0.5, -0.02), (0.5, 1))
    return ax


def _on_arc(start: np.ndarray, end: np.ndarray, bend: float, share: float) -> tuple[float, float]:
    """Return a point on the curve that matplotlib calls arc3, a share of the way along."""
    across = (end - start)[::-1] * (1, -1)
    middle = (start + end) / 2 + bend * across
    x, y = (1 - share) ** 2 * start + 2 * share * (1 - share) * middle + share**2 * end
    return float(x), float(y)


def _chances(task: Graph) -> list[float]:
    """Return the probabilities that common moves have at one time or another."""
    return [task.common, *([task.uncertain] if hasattr(task, "uncertain") else [])]


def _explain(task: Graph, ax: Axes) -> None:
    """Say under the graph what discs and arrows are, and how probable."""
    chances = _chances(task)
    said = [" or ".join(f"{p:.3g}" for p in side) for side in (chances, [1 - p for p in chances])]
    disc = Line2D([3], [3], marker="o", color=GREY, markersize=6)
    solid = Line2D([0, 18], [3, 3], color=GREY, linewidth=1.1)
    dashed = Line2D([0, 18], [3, 3], color=GREY, linewidth=0.7, linestyle=_DASHES)
    if min(chances) == 1:
        parts = [part(disc, "option", 6), part(solid, "certain", 18)]
    else:
        parts = [
            part(disc, "option", 6),
            part(solid, f"common, {said[0]}", 18),
            part(dashed, f"rare, {said[1]}", 18),
        ]
    add_key(ax, parts, (0.5, -0.02), (0.5, 1))


def _node(
    ax: Axes,
    at: tuple[float, float],
    text: str,
    shape: str = "round,pad=0.35",
    edge: str = INK,
    face: str = "white",
    ink: str = INK,
    ha: str = "center",
) -> None:
    box = {"boxstyle": shape, "facecolor": face, "edgecolor": edge, "linewidth": 0.8}
    _write(ax, at, text, ha=ha, fontsize=SMALL, color=ink, bbox=box, zorder=3)


def _write(ax: Axes, at: tuple[float, float], text: str, **how: Any) -> None:
    ax.text(*at, text, **{"va": "center_baseline", "fontsize": 7, "color": INK, **how})


def _arrow(ax: Axes, start: Any, end: Any, colour: str, rare: bool = False) -> None:
    ax.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>,head_length=4,head_width=1.6",
            mutation_scale=1,
            shrinkA=0,
            shrinkB=6.5,
            color=colour,
            linewidth=0.7 if rare else 1.1,
            linestyle=_DASHES if rare else "-",
            zorder=1 if rare else 2,
        )
    )
