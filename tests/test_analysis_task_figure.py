"""Figures of tasks: every state and option of every task, nothing on top of anything else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from command_line import run
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnnotationBbox
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.path import Path as Line
from matplotlib.text import Text

import metacontrol as mc
from metacontrol.analysis.style import BLUE, ORANGE
from metacontrol.tasks import TASKS, PlanningTree

TREES = [task for task in TASKS if isinstance(task, PlanningTree)]
GRAPHS = [task for task in TASKS if not isinstance(task, PlanningTree)]


@pytest.fixture(params=TASKS, ids=lambda task: task.name)
def drawn(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Axes, Axes]]:
    with mc.style():
        figure, (graph, schedule) = mc.panels(1, 2)
        mc.plot_graph(request.param, graph)
        mc.plot_schedule(request.param, schedule, seed=1)
        figure.canvas.draw()
        yield request.param, graph, schedule
    plt.close(figure)


@pytest.mark.parametrize("drawn", GRAPHS, indirect=True, ids=lambda task: task.name)
def test_every_state_and_option_is_drawn(drawn: tuple[Any, Axes, Axes]) -> None:
    task, graph, _ = drawn
    states = [state for stage in task.stages for state in stage.leads_to]
    moves = [move for state in states for move in state]
    nodes = [text.get_text() for text in graph.texts if text.get_bbox_patch()]
    ends = getattr(task, "walk_columns", map(str, range(task.ends)))
    expected = [str(i) for stage in task.stages for i in range(stage.states)]
    expected += [str(i) for state in states if len(state) > 1 for i in range(len(state))]
    assert sorted(nodes) == sorted([*expected, *ends])
    arrows = [patch for patch in graph.patches if isinstance(patch, FancyArrowPatch)]
    assert [arrow.get_linestyle() for arrow in arrows].count("-") == len(moves)
    rare = (
        sum(common != rare for common, rare in moves)
        if min(task.common, getattr(task, "uncertain", 1)) < 1
        else 0
    )
    assert len(arrows) == len(moves) + rare


@pytest.mark.parametrize("drawn", TREES, indirect=True, ids=lambda task: task.name)
def test_every_move_of_a_tree_is_drawn_and_says_what_it_pays(drawn: tuple[Any, Axes, Axes]) -> None:
    task, graph, _ = drawn
    amounts = [amount for pair in task.amounts for amount in pair]
    said = [text for text in graph.texts if text.get_text()[0] in "+\N{MINUS SIGN}"]
    assert [float(t.get_text().replace("\N{MINUS SIGN}", "-")) for t in said] == amounts
    assert sorted(t.get_text() for t in graph.texts if t not in said) == [*map(str, range(6))]
    arrows = [patch for patch in graph.patches if isinstance(patch, FancyArrowPatch)]
    assert [arrow.get_linestyle() == "-" for arrow in arrows] == [True, False] * 6
    for arrow, text in zip(arrows, said, strict=True):
        line = graph.transData.transform_path(arrow.get_path())
        dots = [
            Line(dots).interpolated(50).vertices for dots in line.to_polygons(closed_only=False)
        ]
        place = graph.transData.transform(text.get_position())
        assert np.hypot(*(np.vstack(dots) - place).T).min() < 1  # pixel
    assert {(a > 0, t.get_color()) for a, t in zip(amounts, said, strict=True)} == {
        (True, BLUE),
        (False, ORANGE),
    }


def test_nothing_is_small_or_overlaps(drawn: tuple[Any, Axes, Axes]) -> None:
    _, graph, schedule = drawn
    figure: Any = graph.figure
    assert all(t.get_fontsize() >= 6 for t in figure.findobj(Text) if t.get_text())
    boxes = [(text.get_bbox_patch() or text).get_window_extent() for text in graph.texts]
    keys = [key.get_window_extent() for key in figure.findobj(AnnotationBbox)]
    strips = [p.get_window_extent() for p in schedule.patches if isinstance(p, Rectangle)]
    assert not any(a.overlaps(b) for a, b in combinations([*boxes, *keys], 2))
    assert not any(key.overlaps(strip) for key in keys for strip in strips)
    assert all(0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in [*boxes, *keys])


@pytest.mark.parametrize("drawn", GRAPHS, indirect=True, ids=lambda task: task.name)
def test_no_arrow_hides_another_or_passes_a_disc(drawn: tuple[Any, Axes, Axes]) -> None:
    _, graph, _ = drawn
    arrows: list[Any] = [a for a in graph.patches if isinstance(a, FancyArrowPatch)]
    share = np.linspace(0, 1, 101)[:, None]
    paths = []
    for arrow in arrows:
        start, end = graph.transData.transform(arrow._posA_posB)
        paths.append(start + share * (end - start))
    for text in graph.texts:
        box = text.get_bbox_patch()
        if box is None or type(box.get_boxstyle()).__name__ != "Circle":
            continue
        extent = box.get_window_extent()
        middle, radius = extent.get_points().mean(axis=0), extent.width / 2
        for path in paths:
            near = np.hypot(*(path - middle).T) < radius
            assert not near.any() or near[0]  # it starts there
    for one, other in combinations(paths, 2):
        apart = np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1)).min(axis=1)
        assert (apart < 1.5).mean() < 0.25  # of its length; two may end or start together


def test_phases_are_drawn_and_what_never_changes_is_said() -> None:
    for task, strips in ((mc.tasks.GERSHMAN_2014, 3), (mc.tasks.DAW_2005, 1)):
        with mc.style():
            figure, (ax,) = mc.panels()
            mc.plot_schedule(task, ax, seed=2)
        heights = {p.get_y() for p in ax.patches if isinstance(p, Rectangle)}
        assert len(heights) == strips
        said = [text.get_text() for text in figure.findobj(Text)]
        assert ("Throughout: load 0, rest 0, end 1 pays 0, end 2 pays 0" in said) == (strips == 3)
        plt.close(figure)


def test_schedule_holds_what_was_drawn() -> None:
    task = mc.tasks.OTTO_2013
    columns = task.schedule(1, task.trials, np.random.default_rng(2))
    with mc.style():
        figure, (ax,) = mc.panels()
        mc.plot_schedule(task, ax, seed=2)
    for name, line in zip(task.walk_columns, ax.lines, strict=True):
        np.testing.assert_array_equal(np.asarray(line.get_ydata()), columns[name][:, 0])
    assert len(ax.patches) == np.count_nonzero(np.diff(columns["load"][:, 0])) + 1
    plt.close(figure)


def test_command_line_shows_a_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tasks", "show", "kim-2019", "--out", tmp_path / "new") == 0
    written = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert written == ["kim-2019.pdf", "kim-2019.png", "kim-2019.svg"]
    assert "second_choice (4 options), third_state (8 states)" in capsys.readouterr().out


def test_unknown_task_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tasks", "show", "daw", "--out", tmp_path / "new") == 2
    assert "there is no task 'daw'; known: daw-2011" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
