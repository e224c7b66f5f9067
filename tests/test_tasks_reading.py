"""Reading choices: our form, hBayesDM's, anyone's; what is left out is said."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from metacontrol.tasks import (
    DAW_2011,
    KOOL_2016_DETERMINISTIC,
    Choices,
    ChoicesError,
    read_choices,
)

OURS = pd.DataFrame(
    {
        "participant": ["a", "a", "a", "b", "b"],
        "trial": [1, 2, 3, 1, 2],
        "first_choice": [0, 1, 0, 1, 0],
        "second_state": [0, 0, 1, 1, 0],
        "second_choice": [1, 0, 0, 1, 1],
        "reward": [1, 0, 1, 0, 1],
        "first_left_option": [0, 1, 1, 0, 0],
        "condition": ["calm", "calm", "stress", "calm", "stress"],
    }
)
EVERY = [str(column) for column in OURS]
EVENTS = ["first_choice", "second_state", "second_choice", "reward"]
COUNTED = ["first_choice", "second_state", "second_choice", "first_left_option"]


def assert_is_ours(data: Choices, columns: list[str] | None = None) -> None:
    """The data are those of OURS, whatever form they came in."""
    columns = columns or ["participant", "trial", *EVENTS]
    for column in columns:
        assert data.frame[column].tolist() == OURS[column].tolist(), column


def written(path: Path, separator: str = ",", **change: Any) -> Path:
    text = OURS.assign(**change).to_csv(index=False, sep=separator).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def test_a_first_line_by_excel_names_the_separator(tmp_path: Path) -> None:
    file = written(tmp_path / "choices.csv", ";")
    expected = read_choices(file, DAW_2011).frame
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    file.write_text("\n".join(["sep=;", *lines]), encoding="utf-8")
    pd.testing.assert_frame_equal(read_choices(file, DAW_2011).frame, expected)
    file.write_text("\n".join(["sep=;", lines[0], lines[1].replace(";", ";x", 1)]))
    with pytest.raises(ChoicesError, match="line 3"):
        read_choices(file, DAW_2011)


@pytest.mark.parametrize("name", ["ours.csv", "ours.csv.gz", "ours"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_files_say_what_frames_say(tmp_path: Path, name: str, separator: str) -> None:
    from_file = read_choices(written(tmp_path / name, separator), DAW_2011)
    assert_is_ours(from_file, EVERY)
    pd.testing.assert_frame_equal(from_file.frame, read_choices(OURS, DAW_2011).frame)
    assert_is_ours(read_choices(str(tmp_path / name), DAW_2011))


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(",", " , "),
        lambda text: text.replace("a,3", "\na,3"),  # an empty line
        lambda text: text + "\n\n",
        lambda text: text.replace("calm", '"calm"').replace("participant", '"participant"'),
        lambda text: text.replace("a,2,1", "a,2,1.0"),
    ],
    ids=["byte order mark", "CRLF", "blanks", "empty line", "empty end", "quotes", "1.0"],
)
def test_ways_of_writing_a_file(tmp_path: Path, disguise: Any) -> None:
    path = tmp_path / "ours.csv"
    path.write_bytes(disguise(OURS.to_csv(index=False)).encode())
    assert_is_ours(read_choices(path, DAW_2011))


def test_a_frame_is_not_changed() -> None:
    frame = OURS.copy()
    read_choices(frame, DAW_2011, missed=[-1], exclude_first=1)
    pd.testing.assert_frame_equal(frame, OURS)


@pytest.mark.parametrize("dtype", ["float64", "Int8", "str", "category"])
def test_frames_of_any_type(dtype: str) -> None:
    assert_is_ours(read_choices(OURS.astype(dict.fromkeys(COUNTED, dtype)), DAW_2011))


def test_participants_are_text_and_trials_count_themselves() -> None:
    data = read_choices(OURS.drop(columns="trial").assign(participant=[7, 7, 7, 3, 3]), DAW_2011)
    assert data.participants == ["7", "3"]
    assert data.frame["trial"].tolist() == [1, 2, 3, 1, 2]


def test_choices_that_count_from_one() -> None:
    shifted = OURS.assign(**{column: OURS[column] + 1 for column in COUNTED})
    assert_is_ours(read_choices(shifted, DAW_2011, choices_from=1), EVERY)


@pytest.mark.parametrize(
    "names",
    [
        ["subjID", "level1_choice", "level2_choice", "reward"],
        ["SUBJID", "Level1Choice", "level2choice", "Reward"],
        ["subj_id", "LEVEL1_CHOICE", "level_2_choice", "reward"],
    ],
)
def test_hbayesdm_form(names: list[str]) -> None:
    """level2_choice: 1 and 2 are the options of state 0, 3 and 4 those of state 1."""
    theirs = pd.DataFrame(
        {
            names[0]: OURS["participant"],
            names[1]: OURS["first_choice"] + 1,
            names[2]: 2 * OURS["second_state"] + OURS["second_choice"] + 1,
            names[3]: OURS["reward"],
        }
    )
    assert_is_ours(read_choices(theirs, DAW_2011))


def test_columns_with_names_of_their_own() -> None:
    names = {"participant": "subj", "first_choice": "a1", "reward": "win", "trial": "n"}
    theirs = OURS.rename(columns=names)
    assert_is_ours(read_choices(theirs, DAW_2011, columns=names))


def test_columns_may_take_each_others_names() -> None:
    swapped = OURS.rename(
        columns={"first_choice": "second_choice", "second_choice": "first_choice"}
    )
    crossed = {"first_choice": "second_choice", "second_choice": "first_choice"}
    assert_is_ours(read_choices(swapped, DAW_2011, columns=crossed))


def test_columns_name_what_the_table_lacks() -> None:
    message = "columns names subj, but the table has: participant, trial"
    with pytest.raises(ValueError, match=message):
        read_choices(OURS, DAW_2011, columns={"participant": "subj"})


@pytest.mark.parametrize("blank", ["", "NA", "N/A", "NaN", " ", "nan"])
def test_blanks_are_missed(tmp_path: Path, blank: str) -> None:
    change: dict[str, Any] = {
        name: OURS[name].astype(str).where(OURS["trial"] != 2, blank) for name in EVENTS
    }
    data = read_choices(written(tmp_path / "ours.csv", **change), DAW_2011)
    assert data.frame[EVENTS].isna().all(axis=1).tolist() == [False, True, False, False, True]
    assert data.complete.tolist() == [True, False, True, True, False]
    assert "3 complete trials" in repr(data)
    assert "not counted: 2 missed trials" in repr(data)


@pytest.mark.parametrize(("origin", "codes"), [(0, [-1]), (1, [0]), (1, [-1, 0]), (0, [-99.0, -1])])
def test_codes_of_a_miss(origin: int, codes: list[float]) -> None:
    """Codes are as the file has them; a reward of 0 is a reward even if 0 is a code."""
    shifted = OURS.assign(**{column: OURS[column] + origin for column in COUNTED})
    shifted.loc[1, ["second_choice", "reward"]] = codes[0], codes[0] or np.nan
    data = read_choices(shifted, DAW_2011, choices_from=origin, missed=codes)
    assert data.complete.tolist() == [True, False, True, True, True]
    assert data.frame["reward"].isna().tolist() == [False, True, False, False, False]
    assert data.frame.loc[[0, 2, 3, 4], EVENTS].eq(OURS.loc[[0, 2, 3, 4], EVENTS]).all(axis=None)


def test_practice_is_left_out() -> None:
    data = read_choices(OURS, DAW_2011, exclude_first=1)
    assert data.frame["trial"].tolist() == [2, 3, 2]
    assert data.left_out == {"trials (the first 1 of each participant)": 2}
    assert "not counted: 2 trials (the first 1 of each participant)" in repr(data)


def test_practice_may_be_learned_from() -> None:
    data = read_choices(OURS, DAW_2011, exclude_first=1, learn_only_first=1)
    assert data.participants == ["a"]  # b has no trial left to score
    assert data.counted.tolist() == [False, True]
    assert data.complete.tolist() == [True, True]
    assert "1 trials learned from but not scored" in repr(data)


def test_participants_without_a_usable_trial_are_left_out_and_counted() -> None:
    frame = OURS.assign(second_choice=OURS["second_choice"].where(OURS["participant"] == "a"))
    frame["reward"] = frame["reward"].where(frame["participant"] == "a")
    data = read_choices(frame, DAW_2011)
    assert data.participants == ["a"]
    assert data.left_out == {"participants without a usable trial (b)": 1}
    assert "1 participants, 3 complete trials" in repr(data)
    assert "not counted: 1 participants without a usable trial (b)" in repr(data)


@pytest.mark.parametrize("given", [{"exclude_first": -1}, {"learn_only_first": -1}])
def test_counts_below_zero(given: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be 0 or more"):
        read_choices(OURS, DAW_2011, **given)  # type: ignore[arg-type]


def test_choices_from_is_zero_or_one() -> None:
    with pytest.raises(ValueError, match="choices_from must be 0 or 1, got 2"):
        read_choices(OURS, DAW_2011, choices_from=2)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file .*none.csv"):
        read_choices(tmp_path / "none.csv", DAW_2011)


@pytest.mark.parametrize("second", [None, "", "space bar", 7])
def test_a_task_without_second_choice_takes_no_notice_of_one(second: object) -> None:
    frame = OURS.assign(second_choice=second)
    frame = frame.assign(second_state=frame["first_choice"], first_state=[0, 1, 1, 0, 1])
    data = read_choices(frame.assign(reward=[-4, 5, 0, 1, 2]), KOOL_2016_DETERMINISTIC)
    assert data.complete.all()
    assert data.frame["reward"].tolist() == [-4, 5, 0, 1, 2]


def test_participants_need_not_stand_together() -> None:
    mixed = OURS.sort_values(["trial", "participant"])
    data = read_choices(mixed, DAW_2011)
    assert data.participants == ["a", "b"]
    assert data.frame["trial"].tolist() == [1, 1, 2, 2, 3]


def test_whole_numbers_that_were_read_as_floats_are_names_without_a_point() -> None:
    frame = pd.DataFrame(
        {
            "participant": [7.0, 7.0],
            "first_choice": [0, -1],
            "second_state": [0, -1],
            "second_choice": [1, -1],
            "reward": [1, -1],
        }
    )
    data = read_choices(frame, DAW_2011, missed=-1)
    assert data.participants == ["7"]
    assert data.complete.tolist() == [True, False]


def test_a_column_called_line_is_not_lost_silently() -> None:
    frame = pd.DataFrame(
        {
            "participant": ["a"],
            "first_choice": [0],
            "second_state": [0],
            "second_choice": [1],
            "reward": [1],
            "line": ["bus 4"],
        }
    )
    with pytest.raises(ChoicesError, match="a name that reports of problems use: rename yours"):
        read_choices(frame, DAW_2011)
