"""What every model must do on every task: one simulation told to the engine in many disguises.

`tell(model, task)` simulates three participants and lays beside them copies of themselves: with
options renamed, trials missed, the future altered and so on. All of them go through the engine at
once, so that a pair of model and task is compiled once, and each contract compares two copies.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import numpy as np
import pandas as pd

from metacontrol.models import Model, Parameter
from metacontrol.models.engine import replay
from metacontrol.models.engine.play import play
from metacontrol.models.engine.story import Story
from metacontrol.models.formulas import predictors
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import Choices, Task, TwoStep

TRIALS = (12, 9, 6)  # of each participant: ragged
LAST = 4  # the trial after which the altered copies differ, counted from 1
QUICK = {"xla_backend_optimization_level": 0}  # the same program, compiled in half the time

Disguise = Callable[[pd.DataFrame], pd.DataFrame]
Where = Callable[[pd.DataFrame], pd.Series]


@dataclass(frozen=True)
class Told:
    """What the engine says of the copies of one pair of model and task.

    Attributes
    ----------
    played : array, shape (trials, choices)
        Log-probabilities that the simulator noted, rows as in `frame("original")`.
    total : array, shape (participants,)
        Log-likelihoods, by lane of `scoring.participants`.
    slope : array, shape (participants, coefficients)
        Their gradient.
    score : function
        From coefficients to log-likelihoods, by the path that takes no gradient.
    """

    scoring: Scoring
    theta: np.ndarray
    played: np.ndarray
    total: np.ndarray
    slope: np.ndarray
    table: pd.DataFrame
    score: Callable[[np.ndarray], np.ndarray]

    def logs(self, copy: str) -> np.ndarray:
        """Return log-probabilities of a copy's complete trials, shape (trials, choices)."""
        rows = self.table[self.table["copy"] == copy]
        return rows.filter(regex="^log_").dropna(how="all").to_numpy()

    def trials(self, copy: str) -> np.ndarray:
        """Return the number of each complete trial of a copy, shape (trials,)."""
        rows = self.table[self.table["copy"] == copy]
        return rows.dropna(subset="log_first_choice")["trial"].to_numpy()

    def totals(self, copy: str) -> np.ndarray:
        """Return log-likelihoods of a copy's three participants."""
        lanes = [self.scoring.participants.index(f"{copy} {i}") for i in range(len(TRIALS))]
        return self.total[lanes]


def adapted(model: Model, task: Task) -> Model:
    """Return the model without the effects of cues that the task does not show."""
    shown = {*task.constant_cues, *task.schedule(1, 1, np.random.default_rng(0))}
    absent = [name for cue, names in model.cues.items() if cue not in shown for name in names]
    free = {parameter.name for parameter in model.free}
    return model.fix(name=model.name, **{name: 0.0 for name in absent if name in free})


def draw(parameter: Parameter, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw values well inside a parameter's range."""
    low, high = parameter.link.bounds
    if np.isinf(low):
        return rng.uniform(-0.3, 0.6, size)
    return rng.uniform(0.15, 0.85, size) * min(high, 2.0)


def simulated(story: Story, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return simulated choices, their log-probabilities and the parameters behind them.

    Only schedule and luck depend on the seed.
    """
    people, trials = len(TRIALS), max(TRIALS)
    rng = np.random.default_rng(7)
    theta = np.stack([draw(p.parameter, people, rng) for p in story.predictors], axis=1)
    rng = np.random.default_rng(seed)
    schedule = story.task.schedule(people, trials, rng)
    events, logs = play(story, theta, schedule, rng)
    columns = {name: np.asarray(grid).T.ravel() for name, grid in {**schedule, **events}.items()}
    frame = pd.DataFrame({n: c.astype(float) for n, c in columns.items()})
    frame.insert(0, "participant", np.repeat([f"{i}" for i in range(people)], trials))
    frame.insert(1, "trial", np.tile(np.arange(1, trials + 1), people))
    played = np.stack([np.asarray(grid).T.ravel() for grid in logs.values()], axis=1)
    return frame, played, theta


def _flip(*columns: str, where: Where | None = None) -> Disguise:
    """Return a disguise that swaps 0 and 1 in some columns, on all trials or where told."""

    def flipped(frame: pd.DataFrame) -> pd.DataFrame:
        there = [c for c in columns if c in frame]
        rows = frame["trial"] > 0 if where is None else where(frame)
        if "third_state" in frame:  # 2 * second state + second option, or the other pair if rare
            end = frame.loc[rows, "third_state"].astype(int)
            bits = 2 * ("second_state" in columns) + ("second_choice" in columns)
            frame.loc[rows, "third_state"] = (end ^ bits).astype(float)
        frame.loc[rows, there] = 1 - frame.loc[rows, there]
        return frame

    return flipped


def _at_last(frame: pd.DataFrame) -> pd.Series:
    return frame["trial"] == LAST


def _after_last(frame: pd.DataFrame) -> pd.Series:
    return frame["trial"] > LAST


def _other_reward(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(reward=frame["reward"].where(frame["trial"] != LAST, 1 - frame["reward"]))


def _other_future(frame: pd.DataFrame) -> pd.DataFrame:
    frame = _flip("first_choice", "first_state", "second_choice", where=_after_last)(frame)
    return frame.assign(reward=frame["reward"].where(frame["trial"] <= LAST, 1 - frame["reward"]))


def _answer(first: int, second: int) -> Disguise:
    def answered(frame: pd.DataFrame) -> pd.DataFrame:
        given = {"first_choice": first, "second_choice": second}
        there = [c for c in given if c in frame]
        frame.loc[_at_last(frame), there] = [float(given[c]) for c in there]
        return frame

    return answered


def _missed(cue: float) -> Disguise:
    """Return a disguise with a missed trial before each, missed at the first or second stage."""

    def missed(frame: pd.DataFrame) -> pd.DataFrame:
        lost = frame.assign(trial=frame["trial"] - 0.5, reward=np.nan, first_left_option=cue)
        lost["second_choice"] = np.nan
        if "first_state" in frame:
            lost["first_state"] = cue
        at_once = frame["trial"] % 2 == 0
        lost.loc[at_once, ["first_choice", "second_state"]] = np.nan
        both = pd.concat([frame, lost[[c for c in frame]]])
        return both.sort_values(["participant", "trial"], ignore_index=True)

    return missed


DISGUISES: dict[str, Disguise] = {
    "original": lambda frame: frame,
    "first options renamed": _flip("first_choice", "second_state", "first_left_option"),
    "first states renamed": _flip("first_state"),
    "second options renamed": _flip("second_choice"),
    "second options of state 1 renamed": _flip(
        "second_choice", where=lambda frame: frame["second_state"] == 1
    ),
    "seen in a mirror": _flip("first_left_option"),
    "missed, cues 0": _missed(0.0),
    "missed, cues 1": _missed(1.0),
    "missed, cues missing": _missed(np.nan),
    "other future": _other_future,
    "other reward": _other_reward,
    "other state": lambda frame: _flip("second_state", where=_at_last)(_other_reward(frame)),
    **{f"answer {a} {b}": _answer(a, b) for a in (0, 1) for b in (0, 1)},
    "learned first": lambda frame: frame,
}


@cache
def tell(model: Model, task: TwoStep, seed: int = 20) -> Told:
    """Simulate participants, disguise them, and let the engine tell all copies at once."""
    found, _ = predictors(model, pd.DataFrame(), None)
    story = Story(model, task, tuple(found))
    frame, played, theta = simulated(story, seed)
    rank = frame.groupby("participant").cumcount()
    kept = rank < frame["participant"].astype(int).map(lambda i: TRIALS[i])
    copies = [
        disguise(frame[kept].copy()).assign(copy=copy, person=lambda f: f["participant"])
        for copy, disguise in DISGUISES.items()
    ]
    crowd = pd.concat(copies, ignore_index=True)
    crowd["participant"] = crowd["copy"] + " " + crowd["person"]
    scored = ((crowd["copy"] != "learned first") | (crowd["trial"] > LAST)).to_numpy()
    scoring = Scoring.of(model, Choices(crowd, task, scored=scored))
    people = [int(name[-1]) for name in scoring.participants]
    score = replay.log_likelihood(scoring.story, scoring.records)

    @jax.jit(compiler_options=QUICK)
    def everything(theta: np.ndarray) -> tuple[Any, ...]:
        total, pull = jax.vjp(score, theta)
        logs = replay.narrate(scoring.story, scoring.records)(theta)[1]
        return score(theta), total, pull(np.ones(len(people)))[0], logs

    plain, total, slope, logs = everything(theta[people])
    np.testing.assert_allclose(plain, total, rtol=1e-12)
    rows = scoring.records.rows
    table = crowd[["copy", "person", "trial"]].copy()
    for choice, grid in logs.items():
        table[f"log_{choice}"] = np.nan
        table.loc[rows[rows >= 0], f"log_{choice}"] = np.asarray(grid)[rows >= 0]
    return Told(
        scoring=scoring,
        theta=theta[people],
        played=played[kept.to_numpy()],
        total=np.asarray(total),
        slope=np.asarray(slope),
        table=table,
        score=lambda theta: np.asarray(everything(theta)[0]),
    )
