"""From the files that authors published to one common table of trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.io import loadmat

Originals = Mapping[str, bytes]
"""The content of each original file by its path in the authors' repository."""

DAW_FIELDS = (
    *("trial", "rt1", "rt2", "choice1", "choice2", "state2", "win", "common"),
    *("stim_1_left", "stim_2_left", "ps1a1", "ps1a2", "ps2a1", "ps2a2"),
)
NOVEL_FIELDS = ("trial", "rt1", "rt2", "choice1", "state1", "state2", "stim_left", "points", "rews")
WYCKMANS_TRIALS = "Output/UnProcessedData.txt"
WYCKMANS_PEOPLE = "Output/dOKGamFE_Comp7P_OK_HCPG.txt"


def whole(values: npt.ArrayLike, missing: npt.ArrayLike = False) -> pd.Series:
    """Return whole numbers, blank where missing.

    Parameters
    ----------
    values : array, shape (trials,)
        Numbers without a fraction; what stands on missing trials does not matter.
    missing : bool array, shape (trials,), or bool
        Which trials are blank.

    Examples
    --------
    >>> whole([1, 0], [False, True]).tolist()
    [1, <NA>]
    """
    return pd.Series(np.where(missing, np.nan, np.asarray(values, float))).astype("Int64")


def decimal(
    values: npt.ArrayLike, missing: npt.ArrayLike = False, decimals: int | None = None
) -> pd.Series:
    """Return decimal numbers, rounded if asked, blank where missing; arguments as in `whole`.

    Examples
    --------
    >>> decimal([0.73534, 0.1], [False, True], decimals=4).tolist()
    [0.7353, nan]
    """
    numbers = pd.Series(np.where(missing, np.nan, np.asarray(values, float)))
    return numbers if decimals is None else numbers.round(decimals)


def transition(common: npt.ArrayLike, missing: npt.ArrayLike = False) -> pd.Series:
    """Return `common` or `rare`, blank where missing; arguments as in `whole`.

    Examples
    --------
    >>> transition([True, False]).tolist()
    ['common', 'rare']
    """
    words = pd.Series(np.where(np.asarray(common, bool), "common", "rare"))
    return words.mask(np.broadcast_to(missing, words.shape))


def csv(trials: pd.DataFrame) -> bytes:
    r"""Return a table of trials as UTF-8 text, with \n line ends on every system.

    Whole numbers have no decimal point; others are the shortest text of the same double.
    """
    return trials.to_csv(index=False, lineterminator="\n").encode()


def kool2016_daw(originals: Originals) -> pd.DataFrame:
    """Parse the stochastic task of Kool, Cushman & Gershman (2016).

    Parameters
    ----------
    originals : mapping of str to bytes
        `groupdata.mat` by its path.

    Returns
    -------
    DataFrame, one row a trial
    """
    group, people = _kool_group(originals)
    names = [f"k{i:03d}" for i in range(1, len(people) + 1)]
    trial = _stack(people, DAW_FIELDS)
    first_missed = trial["rt1"] == -1
    missed = first_missed | (trial["rt2"] == -1)
    return pd.DataFrame(
        {
            "participant": _names(names, people),
            "trial": whole(trial["trial"] + 1),
            "first_choice": whole(trial["choice1"] - 1, first_missed),
            "transition": transition(trial["common"] == 1, first_missed),
            "second_state": whole(trial["state2"] - 1, first_missed),
            "second_choice": whole(trial["choice2"] - 1, missed),
            "reward": whole(trial["win"], missed),
            "first_rt": decimal(trial["rt1"] / 1000, first_missed),
            "second_rt": decimal(trial["rt2"] / 1000, missed),
            "first_left_option": whole(trial["stim_1_left"] - 1),
            "second_left_option": whole(trial["stim_2_left"] - 1, first_missed),
            "p_0_0": decimal(trial["ps1a1"], decimals=4),
            "p_0_1": decimal(trial["ps1a2"], decimals=4),
            "p_1_0": decimal(trial["ps2a1"], decimals=4),
            "p_1_1": decimal(trial["ps2a2"], decimals=4),
            "authors_included": _included(group, people),
        }
    )


def kool2016_novel(originals: Originals) -> pd.DataFrame:
    """Parse the deterministic task of Kool, Cushman & Gershman (2016); as `kool2016_daw`."""
    group, people = _kool_group(originals)
    names = [f"n{int(name.removeprefix('subject_')):03d}" for name in group["id"]]
    trial = _stack(people, NOVEL_FIELDS)
    first_missed = trial["rt1"] == -1
    missed = first_missed | (trial["rt2"] == -1)
    # Options are numbered through both first states: 1 and 2, then 3 and 4.
    first_option = np.where(trial["state1"] == 1, 1, 3)
    return pd.DataFrame(
        {
            "participant": _names(names, people),
            "trial": whole(trial["trial"] + 1),
            "first_choice": whole(trial["choice1"] - first_option, first_missed),
            "transition": np.nan,
            "second_state": whole(trial["state2"] - 1, first_missed),
            "second_choice": np.nan,
            "reward": whole(trial["points"], missed),
            "first_rt": decimal(trial["rt1"] / 1000, first_missed),
            "second_rt": decimal(trial["rt2"] / 1000, missed),
            "first_state": whole(trial["state1"] - 1),
            "first_left_option": whole(trial["stim_left"] - first_option),
            "points_0": whole(trial["rews"][:, 0]),
            "points_1": whole(trial["rews"][:, 1]),
            "authors_included": _included(group, people),
        }
    )


def wyckmans2022_stress(originals: Originals) -> pd.DataFrame:
    """Parse the trials of Wyckmans et al. (2022).

    Parameters
    ----------
    originals : mapping of str to bytes
        The trials, and the table of people; of that only identifier, sample and condition are
        read, because the rest is personal.

    Returns
    -------
    DataFrame, one row a trial, in the order of the file
    """
    steps = pd.read_csv(BytesIO(originals[WYCKMANS_TRIALS]), sep=" ", dtype={"NS": str})
    first = steps.loc[steps["Step"] == "step_1_no_load", ["NS", "Trial", "Resp1", "RT1"]]
    second = steps.loc[
        steps["Step"] == "step_2_no_load", ["NS", "Trial", "Choice1", "Resp2", "Reward", "RT2"]
    ]
    trial = first.merge(second, how="left", on=["NS", "Trial"], validate="one_to_one")
    first_missed = trial["Choice1"].isna().to_numpy()
    missed = first_missed | (trial["Resp2"] == -1).to_numpy()
    second_state = (trial["Choice1"] == 5).to_numpy()
    return pd.DataFrame(
        {
            "participant": "p" + trial["NS"],
            "trial": whole(trial["Trial"]),
            "first_choice": whole(trial["Resp1"] - 1, first_missed),
            "transition": transition(trial["Resp1"] - 1 == second_state, first_missed),
            "second_state": whole(second_state, first_missed),
            "second_choice": whole(trial["Resp2"] - 3 - 2 * second_state, missed),
            "reward": whole(trial["Reward"], missed),
            "first_rt": decimal(trial["RT1"] / 1000, first_missed),
            "second_rt": decimal(trial["RT2"] / 1000, missed),
            "condition": trial["NS"].map(_wyckmans_conditions(originals[WYCKMANS_PEOPLE])),
        }
    )


def _wyckmans_conditions(people: bytes) -> pd.Series:
    table = pd.read_csv(
        BytesIO(people), sep="\t", usecols=["subjID", "Sample", "Condition"], dtype=str
    ).set_index("subjID")
    # The part of Condition before its underscore contradicts Sample for 13 people; Sample counts.
    arm = table["Condition"].str.split("_").str[1].map({"CPT": "stress", "WPT": "no_stress"})
    return table["Sample"].map({"HC": "control", "Gambler": "gambling_disorder"}) + "_" + arm


def _kool_group(originals: Originals) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the whole structure, and of each person the fields by name."""
    (content,) = originals.values()
    group = loadmat(BytesIO(content), variable_names=["groupdata"], simplify_cells=True)
    return group["groupdata"], list(group["groupdata"]["subdata"])


def _stack(people: list[dict[str, Any]], fields: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    # Float, because several fields are unsigned: there, 0 - 1 would be 255.
    return {
        field: np.concatenate([np.asarray(person[field], float) for person in people])
        for field in fields
    }


def _names(names: list[str], people: list[dict[str, Any]]) -> npt.NDArray[Any]:
    return np.repeat(names, [len(person["trial"]) for person in people])


def _included(group: dict[str, Any], people: list[dict[str, Any]]) -> pd.Series:
    included = np.isin(np.arange(1, len(people) + 1), np.asarray(group["i"], int))
    return whole(np.repeat(included, [len(person["trial"]) for person in people]))
