"""Whatever a table holds, reading gives choices or says what is the matter."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metacontrol as mc
from metacontrol.fitting import fit
from metacontrol.tasks import (
    DAW_2011,
    KOOL_2016_DETERMINISTIC,
    TASKS,
    Choice,
    Choices,
    Outcome,
    TwoStep,
    read_choices,
    validate,
)
from metacontrol.tasks.choices import event_columns

MODEL = mc.models.HYBRID_KOOL
MOST = 36  # trials
COLUMNS = [
    "participant",
    "trial",
    "first_choice",
    "second_state",
    "second_choice",
    "reward",
    "first_state",
    "first_left_option",
    "load",
    "transition",
]


def good(trials: int) -> pd.DataFrame:
    """Return choices of one participant, or of two with more than two trials."""
    half = trials // 2 if trials > 2 else 0
    rng = np.random.default_rng(trials)
    first, second, reward, left, load = rng.integers(0, 2, (5, trials))
    people = ["Zoé"] * half + ["b"] * (trials - half)
    number = [*range(1, half + 1), *range(1, trials - half + 1)]
    values = (people, number, first, first, second, reward, first, left, load, "common")
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


TRIALS = st.integers(1, MOST)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(["NA", "", " 1", "1.0", "1e400", "inf", "-1", "common", "rare", pd.NA]),
)
MANGLES = st.lists(
    st.tuples(
        st.sampled_from(["cell", "cell", "cell", "column", "drop", "rename", "repeat", "shuffle"]),
        st.sampled_from(COLUMNS),
        st.integers(0, MOST - 1),
        VALUES,
    ),
    max_size=4,
)


def mangled(frame: pd.DataFrame, steps: list[tuple[str, str, int, Any]]) -> pd.DataFrame:
    for kind, column, place, value in steps:
        row = place % len(frame)
        if kind == "repeat":
            frame = pd.concat([frame, frame.iloc[[row]]], ignore_index=True)
        elif kind == "shuffle":
            frame = frame.sample(frac=1, random_state=row, ignore_index=True)
        elif column not in frame:
            continue
        elif kind == "cell":
            frame[column] = frame[column].astype(object)
            frame.at[row, column] = value
        elif kind == "column":
            frame[column] = pd.Series([value] * len(frame), dtype=object)
        elif kind == "drop":
            frame = frame.drop(columns=column)
        else:
            frame = frame.rename(columns={column: str(value)})
    return frame


def read_or_refuse(source: pd.DataFrame | Path, task: TwoStep, **options: Any) -> Choices | None:
    """Return the choices, or None if they were refused; ChoicesError is a ValueError."""
    try:
        return read_choices(source, task, **options)
    except ValueError:
        return None


def assert_in_order(data: Choices) -> None:
    """Choices that were accepted are as the task allows."""
    task = data.task
    for event in task.events:
        if event.name not in event_columns(task):
            continue
        seen = data.frame[event.name].dropna().astype(float)
        if isinstance(event, Choice):
            assert seen.isin(range(event.options)).all()
        elif isinstance(event, Outcome) and event.states is not None:
            assert seen.isin(range(event.states)).all()
        else:
            assert seen.between(event.low, event.high).all()
    assert data.frame["participant"].notna().all()
    assert np.isfinite(data.frame["trial"].astype(float)).all()
    assert data.frame.groupby("participant")["trial"].is_monotonic_increasing.all()
    assert data.counted.any()


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    trials=TRIALS,
    steps=MANGLES,
    task=st.sampled_from(TASKS),
    options=st.fixed_dictionaries(
        {},
        optional={
            "choices_from": st.integers(0, 1),
            "missed": st.lists(st.sampled_from([-1, 0, 9]), max_size=2),
            "exclude_first": st.integers(-1, 3),
            "learn_only_first": st.integers(-1, 3),
        },
    ),
)
def test_mangled_frames(
    trials: int, steps: list[tuple[str, str, int, Any]], task: TwoStep, options: dict[str, Any]
) -> None:
    frame = mangled(good(trials), steps)
    data = read_or_refuse(frame, task, **options)
    if data is None:
        return
    assert_in_order(data)
    checks = {k: v for k, v in options.items() if k in ("choices_from", "missed")}
    assert set(validate(frame, task, **checks)["problem"]) <= {"participant has no usable trial"}


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    trials=TRIALS,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"]),
    place=st.floats(0, 1),
    cut=st.integers(0, 6),
    put=st.one_of(st.binary(max_size=6), st.sampled_from([b",", b'"', b"\n", b"\r", b"\0", b"\t"])),
    task=st.sampled_from(TASKS),
)
def test_mangled_files(
    trials: int, encoding: str, place: float, cut: int, put: bytes, task: TwoStep
) -> None:
    text = good(trials).to_csv(index=False).encode(encoding)
    at = round(place * len(text))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "choices.csv"
        file.write_bytes(text[:at] + put + text[at + cut :])
        data = read_or_refuse(file, task)
    if data is not None:
        assert_in_order(data)


@pytest.mark.parametrize(
    "examples", [20, pytest.param(150, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_what_can_be_read_can_be_fitted_or_is_refused(examples: int) -> None:
    @settings(deadline=None, max_examples=examples, derandomize=True)
    @given(trials=TRIALS, steps=MANGLES, task=st.sampled_from([DAW_2011, KOOL_2016_DETERMINISTIC]))
    def check(trials: int, steps: list[tuple[str, str, int, Any]], task: TwoStep) -> None:
        data = read_or_refuse(mangled(good(trials), steps), task)
        if data is None:
            return
        refused = ""
        try:
            found = fit(MODEL, data, method="map", seed=1, starts=1)
            played = mc.simulate(MODEL, task, found.parameters.reset_index(), trials=4, seed=1)
        except ValueError as error:
            refused = str(error)
        if refused:
            assert len(refused.split()) > 4
            return
        assert list(found.parameters.index) == list(data.participants)
        assert np.isfinite(found.parameters).all(axis=None)
        assert_in_order(played)

    check()
