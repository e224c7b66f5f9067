"""A hidden switch between controllers: exact sums over who may have been in control when."""

from itertools import pairwise, product
from math import prod

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import HYBRID, Model
from metacontrol.models.switching import SWITCHING
from metacontrol.tasks import DAW_2011, Choices

BOTH = dict(alpha1=0.5, alpha2=0.4, beta1=6.0, beta2=3.0, lam=0.6, p=0.1)


def simulated(people: int, trials: int, **stays: float) -> Choices:
    crowd = pd.DataFrame([{**BOTH, **stays}] * people)
    return mc.simulate(SWITCHING, DAW_2011, crowd, trials=trials, seed=4)


def logs(model: Model, data: Choices, **values: float) -> np.ndarray:
    """Return log-probabilities of first choices, shape (participants, trials)."""
    seen = mc.latents(model, data, pd.DataFrame([{**BOTH, **values}]))
    people = data.frame["participant"].nunique()
    return seen["log_probability_first_choice"].to_numpy(float).reshape(people, -1)


@pytest.mark.parametrize(("plan", "habit"), [(0.9, 0.7), (0.3, 0.2), (0.99, 0.5), (0.0, 1.0)])
def test_sum_over_all_courses_of_control(plan: float, habit: float) -> None:
    data = simulated(20, 6, stay_plan=0.8, stay_habit=0.8)
    by = np.exp([logs(HYBRID, data, w=w) for w in (0.0, 1.0)])  # habit, planner
    move = np.array([[habit, 1 - habit], [1 - plan, plan]])
    share = (1 - habit) / (2 - plan - habit)
    expected = 0.0
    for course in product((0, 1), repeat=6):
        chance = (1 - share, share)[course[0]] * prod(move[a, b] for a, b in pairwise(course))
        expected += chance * np.prod([by[z, :, t] for t, z in enumerate(course)], axis=0)
    ours = logs(SWITCHING, data, stay_plan=plan, stay_habit=habit).sum(axis=1)
    np.testing.assert_allclose(ours, np.log(expected), rtol=1e-11)


def test_a_controller_that_is_never_left() -> None:
    data = simulated(5, 40, stay_plan=0.8, stay_habit=0.8)
    planner, habit = (logs(HYBRID, data, w=w) for w in (1.0, 0.0))
    ours = logs(SWITCHING, data, stay_plan=1.0, stay_habit=0.5)
    np.testing.assert_allclose(ours, planner, rtol=1e-11)
    ours = logs(SWITCHING, data, stay_plan=0.5, stay_habit=1.0)
    np.testing.assert_allclose(ours, habit, rtol=1e-11)
    ours = logs(SWITCHING, data, stay_plan=1.0, stay_habit=1.0).sum(axis=1)
    either = np.logaddexp(planner.sum(axis=1), habit.sum(axis=1)) - np.log(2)
    np.testing.assert_allclose(ours, either, rtol=1e-11)


def test_controllers_drawn_anew_on_each_trial() -> None:
    data = simulated(5, 40, stay_plan=0.8, stay_habit=0.8)
    planner, habit = (np.exp(logs(HYBRID, data, w=w)) for w in (1.0, 0.0))
    ours = logs(SWITCHING, data, stay_plan=0.3, stay_habit=0.7)
    np.testing.assert_allclose(ours, np.log(0.3 * planner + 0.7 * habit), rtol=1e-11)


def test_choices_that_are_all_but_impossible() -> None:
    """Odds of exp(900) against what was done: a sum of two, and no 0."""
    data = simulated(5, 40, stay_plan=0.8, stay_habit=0.8)
    sure = dict(p=30.0, beta1=30.0)
    planner, habit = (logs(HYBRID, data, w=w, **sure) for w in (1.0, 0.0))
    ours = logs(SWITCHING, data, stay_plan=0.3, stay_habit=0.7, **sure)
    assert ours.min() < -800
    expected = np.logaddexp(np.log(0.3) + planner, np.log(0.7) + habit)
    np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(("stay", "runs"), [(0.95, True), (0.5, False)])
def test_control_comes_in_runs(stay: float, runs: bool) -> None:
    """What speaks for the planner on one trial does so on the next only if control stays."""
    data = simulated(200, 200, stay_plan=stay, stay_habit=stay)
    planner, habit = (np.exp(logs(HYBRID, data, w=w)) for w in (1.0, 0.0))
    speaks = (planner - habit) / (planner + habit)  # expected to be 0 if either is as likely
    together = (speaks[:, 1:] * speaks[:, :-1]).mean(axis=1)
    error = together.std() / np.sqrt(len(together))
    assert (together.mean() > 5 * error) == runs
    assert runs or abs(together.mean()) < 3 * error
