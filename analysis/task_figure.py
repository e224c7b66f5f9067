"""A task in two panels: where choices lead, and what one participant's trials hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnnotationBbox, DrawingArea, HPacker, TextArea
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.ticker import MaxNLocator

from metacontrol.analysis.style import BLUE, COLOURS, GREY, ORANGE
from metacontrol.tasks.graph import Graph, Stage
from metacontrol.tasks.huys_2012 import PlanningTree
from metacontrol.tasks.otto_2013 import SECONDARY_COLUMNS
from metacontrol.tasks.task import Task

_INK, _PALE = "#333333", "#E4E4E4"
_LIGHTER = ("#56B4E9", "#E69F00")  # the palette's other blue and orange, for the other state
_DASHES = (0, (3.5, 1.8))
_SMALL = 6.5  # points; nothing is written smaller
_LINES: Any = ("-", _DASHES)  # of the first move and the second
# By steps round a circle: how far an arrow bends, and how far along it its amount stands.
_BENDS = {1: (0.27, 0.5), 2: (0.18, 0.35), 3: (0.12, 0.29)}

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
                colour, start = _INK, (column + 0.3, places[column][state][option])
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
            edge = _walk_colours(walks)[end]
            _node(ax, (column - 0.03, height), walks[end], edge=edge, ha="left")
        else:
            _node(ax, (column, height), f"{end}")
        if paid:
            _write(ax, (column + 0.11, height), paid[end], fontsize=_SMALL)


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
    parts = [_part(line, f"move {move}", 18) for move, line in enumerate(lines)]
    parts += [_part(sign, word, 6) for sign, word in zip(signs, ("gain", "loss"), strict=True)]
    _key(ax, parts, (0.5, -0.02), (0.5, 1))
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
        parts = [_part(disc, "option", 6), _part(solid, "certain", 18)]
    else:
        parts = [
            _part(disc, "option", 6),
            _part(solid, f"common, {said[0]}", 18),
            _part(dashed, f"rare, {said[1]}", 18),
        ]
    _key(ax, parts, (0.5, -0.02), (0.5, 1))


def _node(
    ax: Axes,
    at: tuple[float, float],
    text: str,
    shape: str = "round,pad=0.35",
    edge: str = _INK,
    face: str = "white",
    ink: str = _INK,
    ha: str = "center",
) -> None:
    box = {"boxstyle": shape, "facecolor": face, "edgecolor": edge, "linewidth": 0.8}
    _write(ax, at, text, ha=ha, fontsize=_SMALL, color=ink, bbox=box, zorder=3)


def _write(ax: Axes, at: tuple[float, float], text: str, **how: Any) -> None:
    ax.text(*at, text, **{"va": "center_baseline", "fontsize": 7, "color": _INK, **how})


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
        _key(ax, [_text(f"Throughout: {', '.join(said)}")], (0, top - 0.06), (0, 0))
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
    colours = _walk_colours(tuple(lines))
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
            _part(Line2D([0, 10], [3, 3], color=colour, linewidth=1.5), name, 10)
            for name, colour in zip(lines, colours, strict=True)
        ]
        _key(ax, parts, (1, 1.03), (1, 0))


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where runs of the same value start, and where the next ones do."""
    ends = np.append(np.flatnonzero(np.diff(values)) + 1, len(values))
    return np.append(0, ends[:-1]), ends


def _walk_colours(names: Sequence[str]) -> list[str]:
    """Return a colour for each line: the hue says the option, the lightness the state.

    Examples
    --------
    >>> _walk_colours(["p_0_0", "p_1_0"])
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
    parts: list[Any] = [_text(_WORDS.get(name, name.replace("_", " ")))]
    for level in shown:
        swatch = Rectangle((0, 0), 6, 6, facecolor=colours[level], linewidth=0)
        parts.append(_part(swatch, words.get(level, f"{level:g}"), 6))
    _key(ax, parts, (0, bottom + height + 0.012), (0, 0))


def _text(text: str) -> TextArea:
    return TextArea(text, textprops={"fontsize": _SMALL, "color": _INK})


def _part(artist: Artist, text: str, width: float) -> HPacker:
    """Return a part of a key: something `width` points wide and 6 high, and what it means."""
    sample = DrawingArea(width, 6)
    sample.add_artist(artist)
    return HPacker(children=[sample, _text(text)], pad=0, sep=3, align="baseline")


def _key(
    ax: Axes, parts: Sequence[Any], at: tuple[float, float], corner: tuple[float, float]
) -> None:
    """Place a key: its `corner` (0 to 1 from left and bottom) at that part of the panel."""
    row = HPacker(children=list(parts), pad=0, sep=8, align="baseline")
    placed = AnnotationBbox(row, at, xycoords="axes fraction", box_alignment=corner, frameon=False)
    placed.patch.set_boxstyle("square", pad=0)
    ax.add_artist(placed)
