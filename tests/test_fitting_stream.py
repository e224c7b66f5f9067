"""Groups in blocks: the same as all at once, after a break too; errors say what is wrong."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.fitting.alike import Meanings
from metacontrol.fitting.stream import fit_stream

MODEL = mc.models.HYBRID.fix(alpha2="alpha1", beta2="beta1", lam=1.0, p=0.0)
PEOPLE, BLOCKS = 80, 3
SETTINGS: dict[str, Any] = {"seed": 1, "importance": 500, "progress": False}


def block(number: int, people: int = PEOPLE) -> mc.Choices:
    """Return simulated people, of whom the older plan less."""
    rng = np.random.default_rng(number)
    age = rng.integers(2, size=people)
    table = pd.DataFrame(
        {
            "alpha1": 1 / (1 + np.exp(-rng.normal(0.0, 0.7, people))),
            "beta1": np.exp(rng.normal(1.2, 0.4, people)),
            "w": 1 / (1 + np.exp(-rng.normal(0.5 - age, 0.8))),
            "participant": [f"{number}-{i}" for i in range(people)],
        }
    )
    data = mc.simulate(MODEL, mc.tasks.DAW_2011, table, trials=80, seed=number)
    ages = dict(zip(table["participant"], age, strict=True))
    frame = data.frame.assign(age=data.frame["participant"].map(ages))
    return mc.Choices(frame, data.task)


def blocks(count: int = BLOCKS) -> Iterator[mc.Choices]:
    return (block(number) for number in range(count))


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> mc.StreamFit:
    folder = tmp_path_factory.mktemp("stream") / "draws"
    return fit_stream(MODEL, blocks(), folder, formulas={"w": "1 + age"}, **SETTINGS)


def test_the_group_is_that_of_all_at_once(streamed: mc.StreamFit) -> None:
    frame = pd.concat([data.frame for data in blocks()], ignore_index=True)
    data = mc.Choices(frame, mc.tasks.DAW_2011)
    whole = mc.fit(
        MODEL, data, method="two-stage", formulas={"w": "1 + age"}, draws=250, tune=250, **SETTINGS
    )
    assert streamed.participants == PEOPLE * BLOCKS
    theirs = whole.group.set_index("parameter")
    ours = streamed.group.set_index("parameter")
    assert list(ours.index) == list(theirs.index)
    for column, near in (("mean", 0.5), ("lower", 0.9), ("upper", 0.9)):  # of few, it is skewed
        apart = (ours[column] - theirs[column]).abs() / theirs["sd"]
        assert apart.max() < near, column
    np.testing.assert_allclose(ours["sd"], theirs["sd"], rtol=0.25)
    assert streamed.ok, streamed
    name = f"Fit of {MODEL.name}: {PEOPLE * BLOCKS:,} participants"
    assert repr(streamed) == f"{name}\n  all diagnostics are as wanted"
    tables = pd.concat(streamed.parameters())
    assert list(tables.index) == list(whole.parameters.index)
    assert list(tables) == list(whole.parameters)
    for name in tables:
        apart = (tables[name] - whole.parameters[name]).abs()
        assert apart.median() < 0.1 * max(1.0, whole.parameters[name].std()), name


def test_a_break_changes_nothing(streamed: mc.StreamFit, tmp_path: Path) -> None:
    def broken() -> Iterator[mc.Choices]:
        yield from blocks(2)
        raise KeyboardInterrupt

    again = {"formulas": {"w": "1 + age"}, **SETTINGS}
    with pytest.raises(KeyboardInterrupt):
        fit_stream(MODEL, broken(), tmp_path / "draws", **again)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "draws").glob("*.nc")}
    assert sorted(kept) == ["block-0.nc", "block-1.nc", "pilot.nc"]
    found = fit_stream(MODEL, blocks(), tmp_path / "draws", **again)
    pd.testing.assert_frame_equal(found.group, streamed.group)
    for name, written in kept.items():
        assert (tmp_path / "draws" / name).stat().st_mtime_ns == written
    with pytest.raises(ValueError, match="block 1 has other choices than when it was drawn"):
        fit_stream(MODEL, (block(n) for n in (0, 7)), tmp_path / "draws", **again)
    with pytest.raises(ValueError, match="another run .*seed"):
        fit_stream(MODEL, blocks(), tmp_path / "draws", **{**again, "seed": 2})


def test_a_pilot_is_of_its_choices(tmp_path: Path) -> None:
    """Also where the run was killed before a block was drawn."""
    quick = {**SETTINGS, "importance": 50}
    fit_stream(MODEL, [block(0, 20)], tmp_path / "draws", **quick)
    (tmp_path / "draws" / "block-0.nc").unlink()
    with pytest.raises(ValueError, match="block 0 has other choices than when it was drawn"):
        fit_stream(MODEL, [block(1, 20)], tmp_path / "draws", **quick)
    assert fit_stream(MODEL, [block(0, 20)], tmp_path / "draws", **quick).participants == 20


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"formulas": {"w": "1 + center(age)"}}, "center"),
        ({"formulas": {"w": "C(age)"}}, r"C\(\.\.\.\)"),
        ({"draws": 3}, "draws must be 50 or more, got 3"),
    ],
)
def test_what_cannot_be_streamed(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        fit_stream(MODEL, blocks(1), tmp_path / "draws", **SETTINGS | wrong)
    with pytest.raises(ValueError, match="there are no blocks"):
        fit_stream(MODEL, iter(()), tmp_path / "draws", **SETTINGS)
    assert not (tmp_path / "draws").exists()


def test_blocks_that_are_not_alike(tmp_path: Path) -> None:
    def changed() -> Iterator[mc.Choices]:
        yield block(0, 30)
        data = block(1, 30)
        yield mc.Choices(data.frame.assign(age=data.frame["trial"] % 2), data.task)

    with pytest.raises(ValueError, match="block 1 has coefficients .*w_age"):
        fit_stream(MODEL, changed(), tmp_path / "draws", formulas={"w": "1 + age"}, **SETTINGS)


def test_nobody_is_in_two_blocks(tmp_path: Path) -> None:
    quick = {**SETTINGS, "importance": 50}
    with pytest.raises(ValueError, match="participant '0-0' of block 1 was in a block before"):
        fit_stream(MODEL, [block(0, 20), block(0, 20)], tmp_path / "draws", **quick)


@pytest.mark.parametrize(
    ("formula", "sites", "said"),
    [
        (
            "1 + site",
            ("Amsterdam", "Paris"),
            r"w, '1 \+ site', .* block 1 .* every block must have",
        ),
        ("1 + site", ("Berlin", "Nice"), "every block must have every level"),
        ("1 + I(age - age.mean())", ("Berlin", "Paris"), "depends on the others of the block"),
        ("1 + I(age - age.iloc[-1])", ("Berlin", "Paris"), "depends on the others of the block"),
    ],
)
def test_a_formula_means_the_same_in_all_blocks(
    formula: str, sites: tuple[str, str], said: str
) -> None:
    """Two levels and a reference give one coefficient of one name, whichever they are."""
    first, second = sited(0, ("Berlin", "Paris")), sited(1, sites)
    meanings = Meanings(MODEL, {"w": formula})
    meanings.compare(0, first)
    with pytest.raises(ValueError, match=said):
        meanings.compare(1, second)
    plain = Meanings(MODEL, {"w": "1 + age * site"})
    for number in (0, 1, 2):
        plain.compare(number, sited(number, ("Berlin", "Paris")))


def test_a_stream_compares_what_formulas_mean(tmp_path: Path) -> None:
    two = [sited(0, ("Berlin", "Paris")), sited(1, ("Amsterdam", "Paris"))]
    quick = {**SETTINGS, "importance": 50, "formulas": {"w": "1 + site"}}
    with pytest.raises(ValueError, match="means something else in block 1 than in the first"):
        fit_stream(MODEL, two, tmp_path / "draws", **quick)


def sited(number: int, sites: tuple[str, str]) -> mc.Choices:
    """Return a block of people at two sites, of ages that depend on the block."""
    data = block(number, 20)
    place = pd.factorize(data.frame["participant"])[0]
    ages = data.frame["age"] + 2 * number * (place == 19)
    return mc.Choices(data.frame.assign(site=np.array(sites)[place % 2], age=ages), data.task)


def test_blocks_that_were_read_do_not_pile_up(streamed: mc.StreamFit) -> None:
    """Without the garbage collector no more than one block is left of them all."""
    block = PEOPLE * (3 + 1) * SETTINGS["importance"] * 8  # bytes of its draws and their densities
    for _ in streamed.parameters():
        pass
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in streamed.parameters():
            pass
        held = tracemalloc.get_traced_memory()[0]
        assert held < 1.5 * block
    finally:
        tracemalloc.stop()
        gc.enable()
