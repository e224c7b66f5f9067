"""Whatever a table holds, reading gives choices or says what is the matter."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from metacontrol.tasks import TASKS, Choice, Choices, Outcome, TwoStep, read_choices, validate
from metacontrol.tasks.choices import event_columns

GOOD = pd.DataFrame(
    {
        "participant": ["a", "a", "b", "b"],
        "trial": [1, 2, 1, 2],
        "first_choice": [0, 1, 0, 1],
        "second_state": [0, 1, 0, 1],
        "second_choice": [1, 0, 0, 1],
        "reward": [1, 0, 1, 0],
        "first_state": [0, 1, 0, 1],
        "first_left_option": [0, 1, 1, 0],
        "load": [0, 1, 0, 0],
        "transition": "common",
    }
)
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
        st.sampled_from(list(GOOD)),
        st.integers(0, len(GOOD) - 1),
        VALUES,
    ),
    max_size=4,
)


def mangled(steps: list[tuple[str, str, int, Any]]) -> pd.DataFrame:
    frame = GOOD.copy()
    for kind, column, row, value in steps:
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
    steps: list[tuple[str, str, int, Any]], task: TwoStep, options: dict[str, Any]
) -> None:
    frame = mangled(steps)
    data = read_or_refuse(frame, task, **options)
    if data is None:
        return
    assert_in_order(data)
    checks = {k: v for k, v in options.items() if k in ("choices_from", "missed")}
    assert set(validate(frame, task, **checks)["problem"]) <= {"participant has no usable trial"}


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    place=st.integers(0, len(GOOD.to_csv(index=False))),
    cut=st.integers(0, 6),
    put=st.one_of(st.binary(max_size=6), st.sampled_from([b",", b'"', b"\n", b"\r", b"\0", b"\t"])),
    task=st.sampled_from(TASKS),
)
def test_mangled_files(place: int, cut: int, put: bytes, task: TwoStep) -> None:
    text = GOOD.to_csv(index=False).encode()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "choices.csv"
        file.write_bytes(text[:place] + put + text[place + cut :])
        data = read_or_refuse(file, task)
    if data is not None:
        assert_in_order(data)
