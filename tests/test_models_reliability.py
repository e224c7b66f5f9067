"""Arbitration by reliability: the paper's figures, and the whole model written out once more."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.models import (
    FORWARD_HYBRID,
    FORWARD_HYBRID_DECAYING,
    RELIABILITY,
    RELIABILITY_UNDER_LOAD,
    RELIABILITY_WITH_RESETS,
    Model,
)
from metacontrol.tasks import DAW_2011, GLASCHER_2010, KIM_2019, LEE_2014

THETA: dict[str, float] = dict(
    alpha_habit=0.2,
    alpha_plan=0.3,
    beta=6.0,
    p=0.1,
    tolerance=0.4,
    alpha_surprise=0.2,
    habit_rate=2.0,
    plan_rate=6.0,
    habit_load=0.7,
    plan_load=1.3,
    w=0.6,
    decay=2.0,
    p_start=0.7,
    habit_floor=0.1,
    plan_floor=0.01,
    step=0.1,
    p_new_goal=0.8,
    p_flexible=0.2,
)
QUIET: Any = SimpleNamespace(note=lambda name, value: None)
LOADED = {f"{m.acts_on}": m for m in RELIABILITY_UNDER_LOAD[::3]}


def people(model: Model, count: int = 1, **changed: float) -> pd.DataFrame:
    values = {p.name: (THETA | changed)[p.name] for p in model.free}
    return pd.DataFrame([values] * count, index=[f"s{i + 1}" for i in range(count)])


@pytest.mark.parametrize(
    ("to", "floor", "expected"),
    [("habit", 0.1, (5.0, 0.9133, 0.1)), ("plan", 0.01, (5.0, 0.3067, 0.01))],
)
def test_rates_of_handing_over(to: str, floor: float, expected: tuple[float, ...]) -> None:
    """theory.md, C2: A = 10 and reliability 0, .5 and 1."""
    theta = SimpleNamespace(**THETA | {f"{to}_rate": 10 - 2 * floor})
    found = [RELIABILITY.rate(theta, QUIET, to, chi) for chi in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(np.array(found, float), expected, atol=5e-5)


def test_one_step_of_the_weight() -> None:
    """theory.md, C2: both A 3, chi_MF .8, chi_MB .57692 (8 of 10 zero), P .7."""
    model = replace(RELIABILITY, softness=0.0)
    theta = SimpleNamespace(**THETA | {"habit_rate": 2.8, "plan_rate": 2.98})
    mind = model.start(DAW_2011, theta)
    zeros = mind.recent.add(0, 1.0).add(1, 1.0)
    for i in range(2, 7):
        zeros = zeros.add(i, 1.0)
    theta.alpha_surprise = 0.0
    mind = mind.replace(recent=zeros, moves=10, surprise=0.2)
    after = model.after_move(theta, mind, QUIET, 0.0, 0.0)
    assert float(after.plan_weight) == pytest.approx(0.67512, abs=5e-6)


def again(task: Any, frame: pd.DataFrame, acts_on: str | None, soft: float) -> np.ndarray:
    """Return log-probabilities of the choices and P before each, by plain loops."""
    p = SimpleNamespace(**THETA)
    span = task.pays[1]
    habits = [np.zeros((s.states, s.options)) for s in task.stages]
    chance = [np.full((s.states, s.options), 0.5) for s in task.stages]
    recent: list[float] = []
    surprise, weight, last, told = 0.0, p.p_start, -1, []
    aim = None
    for row in frame.to_dict("records"):
        if acts_on == "goal":
            if aim is not None and row["goal"] != aim:
                weight = 0.2 if row["goal"] == 0 else 0.8
            aim = row["goal"]
        worth = np.array([float(v) for v in task.shown(row.__getitem__)]) / span
        load = row.get("load", 0)
        closed = [np.zeros_like(h) for h in habits]
        if task is KIM_2019 and load == 0:
            closed[1][:, 2:] = -np.inf
        state, ends = 0, ("second_state", "third_state")
        for i, stage in enumerate(task.stages):
            plan = [np.zeros(0), np.zeros(0)]
            for j in (1, 0):
                ahead = worth if j == 1 else (plan[1] + closed[1]).max(axis=1)
                moves = np.array(stage.leads_to if j == i else task.stages[j].leads_to)
                plan[j] = chance[j] * ahead[moves[..., 0]]
                plan[j] = plan[j] + (1 - chance[j]) * ahead[moves[..., 1]]
            net = weight * plan[i][state] + (1 - weight) * habits[i][state]
            if i == 0 and last >= 0:
                net[last] += p.p
            odds = p.beta * net + closed[i][state]
            option = int(row[stage.choice])
            told.append((odds[option] - np.log(np.exp(odds).sum()), weight))
            reached = int(row[ends[i]])
            if i == 0:
                odds = p.beta * habits[1][reached] + closed[1][reached]
                policy = np.exp(odds) / np.exp(odds).sum()
                rpe = policy @ habits[1][reached] - habits[0][state, option]
                last = option
            else:
                rpe = row["reward"] / span - habits[1][state, option]
            common = reached == stage.leads_to[state][option][0]
            seen = chance[i][state, option] if common else 1 - chance[i][state, option]
            chance[i][state, option] += p.alpha_plan * (common - chance[i][state, option])
            habits[i][state, option] += p.alpha_habit * rpe
            surprise += p.alpha_surprise * (abs(rpe) - surprise)
            recent = [*recent, 1 / (1 + np.exp(-(p.tolerance - (1 - seen)) / soft))][-10:]
            n, zero = len(recent), sum(recent)
            fano = [(3 + n) * (4 + n) / (2 + n - k) for k in (0, zero, n - zero)]
            rates = []
            for chi, rate, floor, effect in (
                (fano[1] / sum(fano), p.habit_rate, p.habit_floor, p.habit_load),
                (1 - surprise, p.plan_rate, p.plan_floor, p.plan_load),
            ):
                top = rate + 2 * floor
                slope = np.log(top / floor - 1)
                if acts_on == "rate":
                    top *= 1 + effect * (1 + load) / 2
                if acts_on == "share":
                    top *= (1 + load) / 2
                if acts_on == "steepness":
                    slope *= 1 + effect * load
                rates.append(top / (1 + np.exp(slope * chi)))
            goal = rates[1] / sum(rates)
            weight = goal + (weight - goal) * np.exp(-p.step * sum(rates))
            state = reached
    return np.array(told).reshape(-1, 4)


@pytest.mark.parametrize(
    ("model", "task", "acts_on"),
    [
        (RELIABILITY, LEE_2014, None),
        (RELIABILITY_WITH_RESETS, LEE_2014, "goal"),
        (RELIABILITY, KIM_2019, None),
        *((model, KIM_2019, acts_on) for acts_on, model in LOADED.items()),
    ],
    ids=str,
)
def test_the_model_written_out_once_more(model: Any, task: Any, acts_on: str | None) -> None:
    theta = people(model)
    data = mc.simulate(model, task, theta, trials=60, seed=3)
    seen = mc.latents(model, data, theta)
    columns = ["log_probability_first_choice", "first_weight"]
    columns += [name.replace("first", "second") for name in columns]
    expected = again(task, data.frame, acts_on, model.softness)
    np.testing.assert_allclose(seen[columns], expected, rtol=1e-9)


def test_certain_transitions_speak_for_planning() -> None:
    """Lee et al. (2014); in blocks long enough for ten moves to tell."""
    theta = people(RELIABILITY, 100, habit_rate=1.0, plan_rate=18.0, alpha_plan=0.1)
    task = replace(LEE_2014, blocks=(50, 50), uncertain_blocks=(50, 50), trials=600)
    data = mc.simulate(RELIABILITY, task, theta, seed=1)
    frame = data.frame.assign(w=mc.latents(RELIABILITY, data, theta)["second_weight"])
    sure = frame["p_common"] == 0.9
    by_person = frame.groupby(["participant", sure])["w"].mean().unstack()
    assert (by_person[True] > by_person[False]).mean() > 0.75


def test_latent_learning() -> None:
    """Gläscher et al. (2010): the first free choice is good for planners, by chance for habit."""
    chosen = {}
    for w in (0.0, 1.0):
        theta = people(FORWARD_HYBRID, 400, w=w, beta=20.0, p=0.0)
        data = mc.simulate(FORWARD_HYBRID, GLASCHER_2010, theta, seed=1)
        chosen[w] = data.frame[data.frame["trial"] == 81]["first_choice"].mean()
    assert abs(chosen[0.0] - 0.5) < 4 * 0.025
    assert chosen[1.0] > 0.8  # right leads to the places that may pay .25


def test_the_weight_decays_with_free_choices() -> None:
    theta = people(FORWARD_HYBRID_DECAYING)
    data = mc.simulate(FORWARD_HYBRID_DECAYING, GLASCHER_2010, theta, seed=1)
    weight = mc.latents(FORWARD_HYBRID_DECAYING, data, theta)["first_weight"]
    n = np.maximum(np.arange(160) - 80, 0)
    np.testing.assert_allclose(weight, 0.6 * np.exp(-0.02 * n), rtol=1e-12)
