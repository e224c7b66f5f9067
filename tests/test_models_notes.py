"""What models note: names that all share, and quantities that follow from one another."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.cli import main
from metacontrol.models import (
    DEFAULT_POLICY,
    FORWARD_HYBRID,
    HYBRID,
    MODELS,
    PRUNING,
    REWARD_AS_CUE,
    SUCCESSOR,
    UNCERTAINTY,
    VALUE_OF_INFORMATION,
    Model,
)
from metacontrol.models.notes import NOTES, meaning
from metacontrol.models.scoring import noted_by
from metacontrol.tasks import DAW_2011, GERSHMAN_2014, HUYS_2012, TASKS, Choices

WITHOUT_WEIGHT = {  # nothing in them is shared between planning and habit
    "reward-as-cue",
    "fixed-reward-as-cue",
    "latent-state",
    "multiple-agents",
    "default-policy",
    "pruning",
    "pruning-with-sensitivities",
    "discount",
    "lookahead",
}


THETA: dict[str, dict[str, float]] = {
    "hybrid": dict(alpha1=0.5, alpha2=0.5, beta1=3, beta2=3, lam=0.5, p=0, w=1),
    "forward-hybrid": dict(alpha_habit=0.3, alpha_plan=0.4, beta=3, p=0, w=0.5),
    "successor": dict(alpha_sr=0.3, alpha_plan=0.4, beta=3, p=0, w=0.5),
    "value-of-information": dict(beta=3, p=0, alpha_plan=0.4, time_cost=0.1, noise=0.05),
    "default-policy": dict(beta=3, alpha_plan=0.4, alpha_habit=0.2),
}


def played(model: Model, task: Any, **theta: float) -> tuple[Choices, pd.DataFrame]:
    """Return a simulation of three people of one kind, and what the model notes of it."""
    people = pd.DataFrame([theta] * 3).assign(participant=["a", "b", "c"])
    data = mc.simulate(model, task, people, trials=40, seed=1)
    return data, mc.latents(model, data, people)


def test_all_models_note_in_the_same_words() -> None:
    used = set()
    for model in MODELS:
        if model.simulate_only:
            continue
        task = next(task for task in TASKS if not model.misfit(task))
        notes = noted_by(model, task)
        used |= {meaning(note) for note in notes}
        weighs = any(note.endswith("weight") for note in notes)
        assert weighs != (model.name in WITHOUT_WEIGHT), model.name
    assert used == set(NOTES.values())


def test_state_prediction_errors_of_a_known_task() -> None:
    data, seen = played(HYBRID, DAW_2011, **THETA["hybrid"])
    rare = data.frame["first_choice"] != data.frame["second_state"]
    # the direction is inferred: .3 or .7 once seen more often, .5 before
    later = seen.index[data.frame["trial"] > 20]
    expected = np.where(rare[later], 0.7, 0.3)
    np.testing.assert_allclose(seen.loc[later, "first_state_prediction_error"], expected)
    assert seen.loc[data.frame["trial"] == 1, "first_state_prediction_error"].eq(0.5).all()


@pytest.mark.parametrize(
    "model", [FORWARD_HYBRID, SUCCESSOR, VALUE_OF_INFORMATION, DEFAULT_POLICY], ids=str
)
def test_prediction_errors_of_the_plan_are_those_of_delta_rules(model: Model) -> None:
    """Each end of the task is one second option, whose worth R moves by .4 of its error.

    So does the probability of the common move of the option taken, of which 1 or 0 is told.
    """
    data, seen = played(model, DAW_2011, **THETA[model.name])
    together = data.frame.join(seen.drop(columns=["participant", "trial"]))
    for _, own in together.groupby("participant"):
        worth, common = np.full(4, DAW_2011.start_value), np.full(2, 0.5)
        for row in own.itertuples():
            end, first = 2 * row.second_state + row.second_choice, row.first_choice
            as_usual = float(first == row.second_state)
            error = abs(as_usual - common[first])
            assert row.first_state_prediction_error == pytest.approx(error)
            assert row.outcome_prediction_error == pytest.approx(row.reward - worth[end])
            worth[end] += 0.4 * (row.reward - worth[end])
            common[first] += 0.4 * (as_usual - common[first])


def test_errors_of_caches() -> None:
    """The first trial: all is as it starts, and a cache of ends is told one of four."""
    data, seen = played(SUCCESSOR, DAW_2011, **THETA["successor"])
    first = seen.groupby("participant").first()
    assert first["first_successor_prediction_error"].eq(0.75).all()
    data, seen = played(REWARD_AS_CUE, DAW_2011, alpha1=0.3, alpha2=0.3, beta1=3, beta2=3)
    start = data.frame["trial"] == 1
    rewards = data.frame.loc[start, "reward"]
    for choice in ("first", "second"):
        assert seen.loc[start, f"{choice}_reward_prediction_error"].equals(rewards.astype(float))
    data, seen = played(VALUE_OF_INFORMATION, DAW_2011, **THETA["value-of-information"])
    assert seen.groupby("participant")["first_habit_variance"].first().eq(1).all()
    data, seen = played(UNCERTAINTY, DAW_2011, beta=3, p=0, retention=0.9)
    start = data.frame["trial"] == 1
    expected = data.frame.loc[start, "reward"] - 0.5
    np.testing.assert_allclose(seen.loc[start, "outcome_prediction_error"], expected)
    np.testing.assert_allclose(seen.loc[start, "first_state_prediction_error"], 0.5)


def test_divergence_from_the_default_by_hand() -> None:
    """Of two options, from the probabilities p and d of the one taken, given and usual."""
    _, seen = played(DEFAULT_POLICY, DAW_2011, **THETA["default-policy"])
    for choice in ("first", "second"):
        p, d = np.exp(seen[f"log_probability_{choice}_choice"]), seen[f"{choice}_default"]
        kl = p * np.log(p / d) + (1 - p) * np.log((1 - p) / (1 - d))
        np.testing.assert_allclose(seen[f"{choice}_divergence_from_default"], kl, atol=1e-12)
        assert kl.max() > 0.05


def test_an_option_without_another_is_no_deviation() -> None:
    _, seen = played(DEFAULT_POLICY, GERSHMAN_2014, **THETA["default-policy"])
    forced = np.isclose(seen["log_probability_first_choice"], 0)
    assert 0 < forced.sum() < len(seen)
    np.testing.assert_allclose(seen.loc[forced, "first_default"], 1)
    np.testing.assert_allclose(seen.loc[forced, "first_divergence_from_default"], 0, atol=1e-12)


def test_how_far_who_prunes_plans() -> None:
    """By always going on it is the depth; by never, one move; else a sum of products by hand."""
    for gamma, expected in ((1.0, None), (0.0, 1.0)):
        data, seen = played(PRUNING, HUYS_2012, beta=1, gamma_G=gamma, gamma_S=gamma)
        depth = data.frame["depth"] if expected is None else expected
        np.testing.assert_allclose(seen["planning_depth"], depth)
    data, seen = played(PRUNING, HUYS_2012, beta=1, gamma_G=0.8, gamma_S=0.3)
    lowest = min(min(pair) for pair in HUYS_2012.amounts)
    for row, found in zip(data.frame.itertuples(), seen["planning_depth"], strict=True):
        state, going, planned = row.first_state, 1.0, 0.0
        for left in reversed(range(int(row.depth))):
            move = (int(row.first_choice) >> left) & 1
            planned += going
            going *= 0.3 if HUYS_2012.amounts[state][move] == lowest else 0.8
            state = HUYS_2012.moves[state][move]
        assert found == pytest.approx(planned)


def test_a_model_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    for name, told in (("reliability", "chi_MB"), ("dyna-sampled", "for simulation only")):
        with pytest.raises(SystemExit) as stop:
            main(["models", "show", name])
        assert stop.value.code == 0
        shown = capsys.readouterr().out
        assert told in shown
        assert "daw-2011" in shown
    with pytest.raises(SystemExit) as stop:
        main(["models", "show", "nothing"])
    assert stop.value.code == 2


def test_the_guide_says_what_every_note_is() -> None:
    page = (Path(__file__).parents[1] / "docs/latents.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", page, re.MULTILINE)
    assert {name: f"{said}." for name, said in rows} == NOTES
