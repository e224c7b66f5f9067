"""Replay that trains habit: its two ends, its mean, and what load and rest do to revaluation."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest
from jax import lax

import metacontrol as mc
from metacontrol.cli import main
from metacontrol.models import DYNA, DYNA_SAMPLED, FORWARD_HYBRID, Model
from metacontrol.models.engine.listeners import Narrate, Play, Replay, StoryError
from metacontrol.models.engine.predictor import Predictor
from metacontrol.models.engine.story import Story
from metacontrol.tasks import (
    DAW_2011,
    GERSHMAN_2014,
    MOMENNEJAD_2017,
    MOMENNEJAD_2017_PASSIVE,
    Choices,
)

BASE = {"alpha_habit": 0.3, "alpha_plan": 0.9, "beta": 6.0, "p": 0.0}
REPLAYS = {**BASE, "k_replay": 10.0, "load_effect": 1.0, "k_rest": 8.0}
PASSIVE = MOMENNEJAD_2017_PASSIVE["transition"]
TOLD = 10  # trials


def test_by_hand() -> None:
    """Eight options: 16 log 2 replays at rate 1/2 move each by 1 - exp(-log 2) = 1/2.

    Trial 1 goes to A and gets 5 of 10: Q(A, 0) = .25, and .375 once replayed; A itself, worth 0
    before, goes half way there: .1875. Trial 2 goes to B for 10 of 10: Q(B, 1) = .5, then .75, and
    B is .375. Meanwhile Q(A, 0) has come to .4375 and A to .3125. All replays of trial 2 are those
    of rest, for load took the others.
    """
    frame = pd.DataFrame(
        {
            "participant": "s1",
            "trial": [1, 2, 3],
            "first_state": 0,
            "first_choice": [0, 1, 0],
            "second_state": [0, 1, 0],
            "second_choice": [0, 1, 0],
            "third_state": [0, 3, 0],
            "reward": [5.0, 10.0, 5.0],
            "load": [0.0, 1.0, 0.0],
            "rest": [0.0, 2.0, 0.0],
        }
    )
    k = 16 * np.log(2)
    theta = {"alpha_habit": 0.5, "alpha_plan": 1.0, "beta": 4.0, "p": 0.0}
    theta |= {"k_replay": k, "load_effect": 1.0, "k_rest": k / 2}
    seen = mc.latents(DYNA, Choices(frame, GERSHMAN_2014), pd.DataFrame([theta]))
    ahead = np.array([0.0, -0.1875, 0.3125 - 0.375])  # of the choice made
    np.testing.assert_allclose(
        seen["log_probability_first_choice"], -np.log1p(np.exp(-4 * ahead)), rtol=1e-12
    )
    ahead = np.array([0.0, 0.0, 0.4375])
    np.testing.assert_allclose(
        seen["log_probability_second_choice"], -np.log1p(np.exp(-4 * ahead)), rtol=1e-12
    )
    np.testing.assert_allclose(seen["replays"], k, rtol=1e-12)


def test_from_habit_to_planning() -> None:
    """Without replay DYNA is the hybrid's habit; with endless replay it has what planning finds."""
    task = MOMENNEJAD_2017["transition"]
    rng = np.random.default_rng(5)
    theta = pd.DataFrame({p.name: rng.uniform(0.1, 0.9, 6) for p in FORWARD_HYBRID.free})
    theta["beta"] *= 5
    data = mc.simulate(FORWARD_HYBRID, task, theta, seed=1)
    theta.index = pd.Index(data.participants)
    for replays, w in ((0.0, 0.0), (1e9, 1.0)):
        found = theta.assign(k_replay=replays, load_effect=0.5, k_rest=1.0)
        one = mc.log_likelihood(DYNA, data, found)
        other = mc.log_likelihood(FORWARD_HYBRID, data, theta.assign(w=w))
        pd.testing.assert_frame_equal(one, other, rtol=1e-10)


def habits_in_the_end(model: Model, people: int) -> np.ndarray:
    """Return habits of people who were shown the chains, shape (options, people)."""
    story = Story(model, PASSIVE, tuple(Predictor(p) for p in model.free))
    rng = np.random.default_rng(3)
    schedule = PASSIVE.schedule(people, TOLD, rng)
    told = np.repeat(np.arange(TOLD)[:, None] % 2, people, axis=1)
    names = [*(event.name for event in PASSIVE.events), *model.luck(PASSIVE)]
    luck = {f"luck_{name}": rng.random(told.shape) for name in names}
    record: dict[str, Any] = {**schedule, "told_first": told.astype(np.int8), **luck}
    theta = tuple(np.full(people, (REPLAYS | {"k_replay": 1.0})[p.name]) for p in model.free)

    @jax.jit
    def played(theta: Any, record: Any) -> Any:
        start = story.start(theta, {name: column[0] for name, column in record.items()})
        tell = lambda mind, now: (story.tell(Play, theta, mind, now)[0], None)  # noqa: E731
        return lax.scan(tell, start, record)[0]

    return np.array([cell for table in played(theta, record).habits for cell in table.cells])


def test_the_mean_of_sampled_replays() -> None:
    """Where nothing is chosen mean habits are those of DYNA, within four standard errors."""
    expected = habits_in_the_end(DYNA, 1)[:, 0]
    sampled = habits_in_the_end(DYNA_SAMPLED, 4000)
    error = sampled.std(axis=1) / np.sqrt(sampled.shape[1])
    assert (np.abs(sampled.mean(axis=1) - expected) < 4 * error).all()
    assert (error[:6] > 0.002 * expected[:6]).all()  # of first choices, for which replays matter


def scores(model: Model, theta: dict[str, float], people: int = 1600) -> pd.DataFrame:
    """Return mean and standard error of revaluation, by load and rest."""
    data = mc.simulate(model, GERSHMAN_2014, pd.DataFrame([theta] * people), seed=2)
    groups = data.frame.groupby("participant")[["load", "rest"]].max()
    table = mc.revaluation_score(data).set_index("participant").join(groups)
    return table.groupby(["load", "rest"])["revaluation"].agg(["mean", "sem"])


def test_load_and_rest() -> None:
    """theory.md, A11: load keeps people from revaluing, rest makes up for it; habit and plan alone.

    Sampled and expected replay differ by no more than four standard errors.
    """
    dyna, sampled = (scores(model, REPLAYS) for model in (DYNA, DYNA_SAMPLED))
    assert dyna.loc[(0, 0), "mean"] > 0.5
    assert dyna.loc[(1, 0), "mean"] < 0
    assert dyna.loc[(1, 5), "mean"] > 0.4
    error = np.hypot(dyna["sem"], sampled["sem"])
    assert ((dyna["mean"] - sampled["mean"]).abs() < 4 * error).all()
    habit, plan = (scores(FORWARD_HYBRID, {**BASE, "w": w})["mean"] for w in (0.0, 1.0))
    assert habit.abs().max() < 0.1
    assert plan.min() > 0.5


@pytest.mark.parametrize("change", ["transition", "policy"])
def test_revaluation_takes_enough_replays(change: str) -> None:
    """theory.md, B9: Dyna-Q passes with many replays, fails with few."""
    theta = pd.DataFrame([{**REPLAYS, "beta": 30.0, "k_replay": k} for k in (0.1, 300.0)] * 300)
    data = mc.simulate(DYNA, MOMENNEJAD_2017[change], theta, seed=1)
    found = mc.revaluation_score(data)["revaluation"].to_numpy().reshape(300, 2).mean(axis=0)
    assert found[0] < 0.1
    assert found[1] > 0.8


def test_luck_of_the_mind_comes_after_that_of_events() -> None:
    """Without replays both models play alike, number for number."""
    theta = pd.DataFrame([{**REPLAYS, "k_replay": 0.0, "k_rest": 0.0}] * 5)
    one, other = (mc.simulate(m, GERSHMAN_2014, theta, seed=4) for m in (DYNA, DYNA_SAMPLED))
    pd.testing.assert_frame_equal(one.frame, other.frame)


def test_simulation_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theta = pd.DataFrame([REPLAYS] * 3)
    data = mc.simulate(DYNA_SAMPLED, GERSHMAN_2014, theta, seed=1)
    again = mc.simulate(DYNA_SAMPLED, GERSHMAN_2014, theta, seed=1)
    pd.testing.assert_frame_equal(data.frame, again.frame)
    refusal = "dyna-sampled is for simulation only: .* Fit dyna instead"
    for refused in (mc.log_likelihood, mc.latents):
        with pytest.raises(ValueError, match=refusal):
            refused(DYNA_SAMPLED, data, theta)
    for built in (mc.build_model, mc.log_likelihood_op):
        with pytest.raises(ValueError, match=refusal):
            built(DYNA_SAMPLED, data)
    for method in ("mle", "map", "nuts"):
        with pytest.raises(ValueError, match=refusal):
            mc.fit(DYNA_SAMPLED, data, method=method, seed=1)

    choices = tmp_path / "choices.csv"
    data.frame.to_csv(choices, index=False)
    arguments = ["fit", choices, "--task", "gershman-2014", "--model", "dyna-sampled"]
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in (*arguments, "--out", tmp_path / "fit")])
    assert stop.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("metacontrol: dyna-sampled is for simulation only")
    with pytest.raises(SystemExit):
        main(["models"])
    assert "for simulation only: what it replays is chance" in capsys.readouterr().out


def test_only_play_has_luck() -> None:
    for listener in (Replay, Narrate):
        with pytest.raises(StoryError, match="'dice': such a model is for simulation only"):
            listener(DAW_2011, {}).luck("dice")
    assert float(Play(DAW_2011, {"luck_dice": np.float64(0.5)}).luck("dice")) == 0.5
    with pytest.raises(StoryError, match="no luck was drawn for 'dice'"):
        Play(DAW_2011, {}).luck("dice")
