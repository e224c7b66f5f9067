"""Every kind of problem is found and named with participant, trial and line."""

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from metacontrol.fitting import load_fit
from metacontrol.tasks import (
    DAW_2011,
    KOOL_2016_DETERMINISTIC,
    OTTO_2013,
    ChoicesError,
    TwoStep,
    read_choices,
    validate,
)

GOOD = pd.DataFrame(
    {
        "participant": ["a", "a", "a", "b", "b", "b"],
        "trial": [1, 2, 3, 1, 2, 3],
        "first_choice": [0, 1, 0, 1, 0, 1],
        "second_state": [0, 1, 0, 1, 0, 1],
        "second_choice": [1, 0, 0, 1, 1, 0],
        "reward": [1, 0, 1, 0, 1, 1],
        "first_state": [0, 1, 0, 1, 0, 1],
        "first_left_option": [0, 1, 1, 0, 0, 1],
        "load": [0, 1, 0.5, 0, 1, 0],
        "transition": "common",
    }
)
TEXT = GOOD.to_csv(index=False)


def spoilt(column: str, value: Any, row: int = 4) -> pd.DataFrame:
    """Return the table with one value changed: by default that of b's trial 2, line 6."""
    frame = GOOD.astype({column: object})
    frame.loc[row, column] = value
    return frame


AT = r"participant 'b', trial 2, line 6"
CASES: list[tuple[TwoStep, str, object, str]] = [
    (DAW_2011, "first_choice", 2, r"first_choice must be 0 or 1, got 2 \("),
    (DAW_2011, "first_choice", 0.5, r"first_choice must be 0 or 1, got 0.5 \("),
    (DAW_2011, "second_state", np.inf, r"second_state must be 0 or 1, got inf \("),
    (
        DAW_2011,
        "second_choice",
        -1,
        r"got -1. If that is how a miss is coded, pass missed=\[-1\], .* line --missed -1 \(",
    ),
    (DAW_2011, "first_choice", "left", r"first_choice must be a number, got 'left' \("),
    (DAW_2011, "reward", 2, r"reward must be 0 or 1 in daw-2011, got 2 \("),
    (DAW_2011, "reward", 0.5, r"reward must be 0 or 1 in daw-2011, got 0.5 \("),
    (DAW_2011, "reward", None, r"reward is missing on a trial whose choices are all there \("),
    (
        KOOL_2016_DETERMINISTIC,
        "reward",
        6,
        r"reward must be from -4 to 5 in kool-2016-det.*, got 6 ",
    ),
    (KOOL_2016_DETERMINISTIC, "first_state", 2, r"first_state must be 0 or 1, got 2(\.0)? \("),
    (
        KOOL_2016_DETERMINISTIC,
        "first_state",
        None,
        r"first_state is missing on a complete trial \(",
    ),
    (
        KOOL_2016_DETERMINISTIC,
        "second_state",
        1,
        r"impossible transition in kool.*: first_choice 0 cannot lead to second_state 1 \(",
    ),
    (DAW_2011, "first_left_option", 3, r"first_left_option must be 0 or 1, got 3(\.0)? \("),
    (DAW_2011, "first_left_option", None, r"first_left_option is missing on a complete trial \("),
    (OTTO_2013, "load", 1.5, r"load must be from 0 to 1, got 1.5 \("),
    (OTTO_2013, "load", None, r"load is missing on a complete trial \("),
    (OTTO_2013, "load", "high", r"load must be a number, got 'high' \("),
    (
        DAW_2011,
        "transition",
        "rare",
        r"called rare, but first_choice 0 leads to second_state 0 commonly",
    ),
    (DAW_2011, "trial", 0, r"trial 0 comes after a later trial: sort the rows by trial \("),
]


@pytest.mark.parametrize(
    ("task", "column", "value", "message"), CASES, ids=lambda x: str(getattr(x, "name", x))[:30]
)
def test_one_wrong_value(
    task: TwoStep, column: str, value: object, message: str, tmp_path: Path
) -> None:
    """Found once, with its place; in a frame as in a file; by validate as by read_choices."""
    frame = spoilt(column, value)
    file = tmp_path / "choices.csv"
    frame.to_csv(file, index=False)
    for source in (frame, file):
        problems = validate(source, task)
        assert problems["column"].tolist() == [column]
        assert problems[["participant", "line"]].to_numpy().tolist() == [["b", 6]]
        with pytest.raises(ChoicesError, match=message) as caught:
            read_choices(source, task)
        pd.testing.assert_frame_equal(caught.value.problems, problems)
        assert ": 1 problem\n" in str(caught.value)
        place = AT.replace("trial 2", f"trial {value}") if column == "trial" else AT
        assert place in str(caught.value)


@pytest.mark.parametrize("column", ["participant", "reward"])
def test_a_column_that_is_missing_is_named_by_validate_too(column: str) -> None:
    frame = GOOD.rename(columns={column: column.title()})
    with pytest.raises(ChoicesError, match=f"there is no column '{column}'; the table") as caught:
        read_choices(frame, DAW_2011)
    pd.testing.assert_frame_equal(validate(frame, DAW_2011), caught.value.problems)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1, "trial 1 is there more than once"),
        (None, "trial is missing or not a number"),
        ("x", "trial must be a number, got 'x'|trial is missing or not a number"),
        (np.inf, "trial"),
        (1e30, "trial"),
    ],
)
def test_wrong_trial_numbers(value: object, message: str) -> None:
    """On b's last trial, so that its order with others is not also wrong."""
    with pytest.raises(ChoicesError, match=message) as caught:
        read_choices(spoilt("trial", value, row=5), DAW_2011)
    assert "participant 'b'" in str(caught.value)
    assert "line 7" in str(caught.value)
    assert len(caught.value.problems) == 1


def test_a_shuffled_table_is_told_once_for_each_participant() -> None:
    problems = validate(GOOD[::-1], DAW_2011)
    assert problems["participant"].tolist() == ["b", "a"]
    assert problems["problem"].str.endswith("sort the rows by trial").all()


@pytest.mark.parametrize("value", [None, "", " ", "NA"])
def test_missing_participants(value: object) -> None:
    with pytest.raises(ChoicesError, match=r"participant is missing \(trial 2, line 6\)"):
        read_choices(spoilt("participant", value), DAW_2011)


def test_two_nameless_rows_are_not_one_participant() -> None:
    problems = validate(GOOD.assign(participant=None), DAW_2011)
    assert problems["problem"].tolist() == ["participant is missing"] * 6


def test_choices_that_count_from_one_are_recognised() -> None:
    frame = GOOD.assign(first_choice=GOOD["first_choice"] + 1)
    with pytest.raises(ChoicesError, match="if yours count from 1, pass choices_from=1, on the"):
        read_choices(frame, DAW_2011)


def test_choices_that_count_from_one_have_misses_besides() -> None:
    """Each number has the hint that is right for it, in Python and on the command line."""
    frame = GOOD.assign(first_choice=[1, 2, -1, 1, -9, 2])
    said = validate(frame, DAW_2011).groupby("line")["problem"].first()
    from_one = (
        "first_choice must be 0 or 1, got 2. Choices count from 0; if yours count from 1, pass "
        "choices_from=1, on the command line --choices-from 1"
    )
    assert said[3] == said[7] == from_one
    for line, code in ((4, -1), (6, -9)):
        assert said[line] == (
            f"first_choice must be 0 or 1, got {code}. If that is how a miss is coded, pass "
            f"missed=[{code}], on the command line --missed {code}"
        )


def test_a_miss_may_be_coded_as_0_or_in_the_reward() -> None:
    frame = GOOD.assign(first_choice=[1, 2, 0, 1, 1, 2], reward=[0, 1, -1, 1, 0, 1])
    problems = validate(frame, DAW_2011).set_index(["line", "column"])["problem"]
    assert "; and if 0 is how a miss is coded, missed=[0] too, or" in problems[3, "first_choice"]
    assert problems[4, "reward"] == (
        "reward must be 0 or 1 in daw-2011, got -1. If that is how a miss is coded, pass "
        "missed=[-1], on the command line --missed -1"
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("second_choice", 3, "second_choice must be 1 or 2, got 3"),
        (
            "second_choice",
            0,
            r"second_choice must be 1 or 2, got 0. If .* missed=\[0\], .* --missed 0",
        ),
        ("first_left_option", 0, "first_left_option must be 1 or 2, got 0"),
        ("second_state", 2, "first_choice 1 (cannot lead|leads) to second_state 2"),
    ],
)
def test_messages_count_as_the_source_counts(column: str, value: int, message: str) -> None:
    counted = ["first_choice", "second_state", "second_choice", "first_left_option", "first_state"]
    frame = GOOD.assign(**{name: GOOD[name] + 1 for name in counted})
    frame.loc[4, column] = value
    with pytest.raises(ChoicesError, match=message):
        read_choices(frame, DAW_2011, choices_from=1)


@pytest.mark.parametrize("value", [5, "x"])
def test_hbayesdm_choices_that_are_none(value: Any) -> None:
    frame = pd.DataFrame({"subjID": "a", "level1_choice": [1, 2], "level2_choice": [1, 4]})
    frame = frame.assign(reward=[0, 1]).astype({"level2_choice": object})
    frame.loc[1, "level2_choice"] = value
    with pytest.raises(ChoicesError, match=f"(level2|second)_choice must be .*{value}.*line 3"):
        read_choices(frame, DAW_2011)


def test_problems_are_sorted_by_line_and_the_message_shows_ten() -> None:
    frame = GOOD.assign(first_choice=7, reward=8)
    problems = validate(frame, DAW_2011)
    assert problems["line"].tolist() == sorted([2, 3, 4, 5, 6, 7] * 2)
    with pytest.raises(ChoicesError, match="12 problems\n") as caught:
        read_choices(frame, DAW_2011)
    assert str(caught.value).count("\n  ") == 11
    assert str(caught.value).endswith("and 2 more")


def test_absent_columns_are_named_with_what_is_there() -> None:
    with pytest.raises(ChoicesError, match="there is no column 'reward'; the table has: part") as e:
        read_choices(GOOD.drop(columns=["reward", "first_choice"]), DAW_2011)
    assert e.value.problems["column"].tolist() == ["first_choice", "reward"]
    assert "pass columns={'reward': 'yours'}, on the command line --column reward=y" in str(e.value)


FILES: list[tuple[str, bytes, str]] = [
    ("empty", b"", "the file is empty"),
    ("blank lines", b"\n\n", "the file is empty, or its first line is"),
    ("header only", TEXT.split("\n")[0].encode(), "there are no trials: only a header"),
    ("delimiter", TEXT.replace(",", "|").encode(), "its header is a single column, 'participant|"),
    ("latin-1", TEXT.replace("b,", "é,").encode("latin-1"), "not a text table in UTF-8"),
    ("utf-16", TEXT.encode("utf-16"), "not a text table in UTF-8"),
    ("more fields", TEXT.replace("b,2", "b,2,0,0").encode(), "cannot be read as a table: .*line 6"),
    ("open quote", TEXT.replace("b,2", '"b,2').encode(), "it cannot be read as a table"),
    ("two rewards", TEXT.replace("load", "reward").encode(), "names a column twice: reward"),
]


@pytest.mark.parametrize(("name", "content", "message"), FILES, ids=[f[0] for f in FILES])
def test_files_that_are_no_tables(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    file = tmp_path / "choices.csv"
    file.write_bytes(content)
    with pytest.raises(ChoicesError, match="1 problem") as caught:
        read_choices(file, DAW_2011)
    assert str(caught.value).startswith(f"{file}: ")
    assert caught.match(message.replace("|", r"\|"))
    assert len(validate(file, DAW_2011)) == 1


@pytest.mark.parametrize(
    "spoil",
    [lambda z: z[:-12], lambda z: z[:30] + b"\xff" * 9 + z[39:], lambda z: TEXT.encode()],
    ids=["truncated", "corrupt", "not gzip"],
)
def test_archives_that_are_broken(tmp_path: Path, spoil: Any) -> None:
    file = tmp_path / "choices.csv.gz"
    file.write_bytes(spoil(gzip.compress(TEXT.encode())))
    with pytest.raises(ChoicesError, match="called .gz, but is not whole, or not packed by gzip: "):
        read_choices(file, DAW_2011)


def test_what_is_no_file_is_called_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path, "is a folder: give a file"),
        (tmp_path / "pipe", "pipe is a pipe or a device: save what it gives as a file first"),
        ("/dev/null", "/dev/null is a pipe or a device"),
        (tmp_path / "nowhere", "there is no file .*nowhere"),
    ):
        with pytest.raises(OSError, match=message):
            read_choices(path, DAW_2011)
        with pytest.raises(OSError, match=message):
            load_fit(path)
    for source in (None, [1, 2], np.zeros((2, 3))):
        with pytest.raises(TypeError, match="are read from a path or a DataFrame, got (N|l|nda)"):
            read_choices(source, DAW_2011)


def test_frames_that_are_no_tables() -> None:
    with pytest.raises(ChoicesError, match="there are no trials: only a header"):
        read_choices(GOOD.iloc[:0], DAW_2011)
    with pytest.raises(ChoicesError, match="the data frame: 1 problem\n  it is empty"):
        read_choices(pd.DataFrame(), DAW_2011)
    with pytest.raises(ChoicesError, match="names a column twice: reward"):
        read_choices(pd.concat([GOOD, GOOD[["reward"]]], axis=1), DAW_2011)


def test_validate_finds_nothing_in_good_data() -> None:
    assert validate(GOOD, OTTO_2013).empty
    assert list(validate(GOOD, OTTO_2013)) == ["participant", "trial", "line", "column", "problem"]


def test_no_usable_trial_at_all() -> None:
    frame = GOOD.assign(first_choice=np.nan)
    with pytest.raises(ChoicesError, match="no participant has a usable trial"):
        read_choices(frame, DAW_2011)
    problems = validate(frame, DAW_2011)
    assert problems["participant"].tolist() == ["a", "b"]
    assert set(problems["problem"]) == {"participant has no usable trial"}
