"""Choices by what each of the last trials brought: by hand, and the marks of two controllers."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import metacontrol as mc
from metacontrol.analysis.lags import KINDS
from metacontrol.models import HYBRID
from metacontrol.tasks import KOOL_2016_DETERMINISTIC, MILLER_2017, Choices

HALF = dict(alpha1=0.5, alpha2=0.5, beta1=5.0, beta2=5.0, lam=1.0, p=0.0)


def played(w: float, people: int = 30, trials: int = 600) -> Choices:
    table = pd.DataFrame([{**HALF, "w": w}] * people)
    return mc.simulate(HYBRID, MILLER_2017, table, trials=trials, seed=1)


def read(rows: list[tuple[int, int, int]]) -> Choices:
    frame = pd.DataFrame(rows, columns=["first_choice", "second_state", "reward"], dtype=float)
    return mc.read_choices(frame.assign(participant="a"), MILLER_2017)


def test_one_lag_by_hand() -> None:
    """Each win is commonly reached, and followed by the same choice 3 times of 4: log 3.

    Wins after rare transitions are followed by the same choice 1 time of 4, trials without one
    half the time. The prior takes .1 to .2 % of each.
    """
    rng = np.random.default_rng(1)
    stays = {(1, 1): 0.75, (0, 1): 0.25, (1, 0): 0.5, (0, 0): 0.5}
    cells = [(common, won) for common, won in stays for _ in range(4000)]
    rng.shuffle(cells)
    quota = {cell: np.arange(4000) < 4000 * share for cell, share in stays.items()}
    turns = {cell: iter(rng.permutation(stay)) for cell, stay in quota.items()}
    rows, choice = [], 0
    for common, won in cells:
        rows.append((choice, choice if common else 1 - choice, won))
        choice = choice if next(turns[common, won]) else 1 - choice
    found = mc.lagged_regression(read(rows), lags=1).loc[0, list(KINDS)].astype(float)
    expected = {"CR": np.log(3), "UR": -np.log(3), "CU": 0.0, "UU": 0.0}
    assert found.to_dict() == pytest.approx(expected, abs=0.02)


def test_without_a_prior_it_is_a_logistic_regression() -> None:
    """Five predictors for 2,000 trials: the prior moves nothing by more than 1 %."""
    frame = played(0.5, people=1, trials=2000).frame
    a, s, r = (frame[c].to_numpy(float) for c in ("first_choice", "second_state", "reward"))
    sign, common = 2 * a - 1, a == s
    kinds = [common & (r > 0), ~common & (r > 0), common & (r == 0), ~common & (r == 0)]
    before = np.column_stack([np.ones(1999), *(np.where(kind, sign, 0)[:-1] for kind in kinds)])
    plain = sm.Logit(a[1:], before).fit(disp=0).params[1:]
    found = mc.lagged_regression(Choices(frame, MILLER_2017), lags=1)[list(KINDS)].to_numpy()[0]
    np.testing.assert_allclose(found, plain, rtol=0.01, atol=0.01)


def test_a_missed_trial_says_nothing() -> None:
    """Blank or not there at all is the same, and the trials before it count at their distance."""
    data = played(0.5, people=2, trials=60)
    lost = data.frame["trial"].isin([20, 21, 40])
    gaps = Choices(data.frame[~lost].reset_index(drop=True), data.task)
    frame = data.frame.copy()
    frame.loc[lost, ["first_choice", "second_state", "reward"]] = pd.NA
    blank = Choices(frame, data.task)
    pd.testing.assert_frame_equal(mc.lagged_regression(gaps), mc.lagged_regression(blank))
    joined = gaps.frame.assign(trial=gaps.frame.groupby("participant").cumcount() + 1)
    other = mc.lagged_regression(Choices(joined, data.task))
    assert (other["CR"] - mc.lagged_regression(gaps)["CR"]).abs().max() > 0.05


def test_who_always_does_the_same_has_finite_weights() -> None:
    found = mc.lagged_regression(read([(1, 1, 1), (1, 0, 0), (1, 1, 0), (1, 1, 1)] * 10), lags=2)
    assert found[list(KINDS)].abs().to_numpy().max() < 10


@pytest.mark.parametrize(
    ("w", "own", "other"), [(1.0, "planning", "habit"), (0.0, "habit", "planning")]
)
def test_marks_of_planning_and_of_habit(w: float, own: str, other: str) -> None:
    """Miller et al. (2017). Of 40 agents x 1,000 trials: planner 9.1 and -.7, habit 10.1 and .4."""
    indices = mc.lag_indices(mc.lagged_regression(played(w)))
    assert (indices[own] > 5).all()
    assert abs(indices[other].mean()) < indices[own].mean() / 8


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: mc.lagged_regression(played(0.5, 1, 9), lags=0), "lags must be 1 or more, got 0"),
        (
            lambda: mc.lagged_regression(
                mc.simulate(
                    HYBRID, KOOL_2016_DETERMINISTIC, pd.DataFrame([{**HALF, "w": 1.0}]), seed=1
                )
            ),
            "kool-2016-deterministic must have one first state, .* and rare transitions",
        ),
    ],
)
def test_what_cannot_be_regressed(ask: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ask()


def test_figure_draws_the_means() -> None:
    weights = mc.lagged_regression(played(0.5, people=5, trials=200), lags=3)
    with mc.style():
        figure, (ax,) = mc.panels()
        mc.plot_lags(weights, ax)
        figure.canvas.draw()
        drawn = [np.asarray(bars[0].get_ydata(), dtype=float) for bars in ax.containers]
        plt.close(figure)
    np.testing.assert_allclose(drawn, weights.groupby("lag")[list(KINDS)].mean().to_numpy().T)
