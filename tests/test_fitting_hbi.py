"""Several models at once."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import digamma, softmax

import metacontrol as mc
from metacontrol.fitting.hbi import _Group
from metacontrol.fitting.individuals import Individuals, Modes, Normal
from metacontrol.models.scoring import Scoring

PLANNING = mc.models.MODEL_BASED.fix(beta2="beta1")
HABIT = mc.models.MODEL_FREE.fix(beta2="beta1", alpha2="alpha1", lam=1.0)


@pytest.fixture(scope="module")
def data() -> mc.Choices:
    """16 planners and 8 people of habit."""
    rng = np.random.default_rng(6)
    frames = []
    for model, count, letter in ((PLANNING, 16, "m"), (HABIT, 8, "h")):
        people = {"participant": [f"{letter}{i}" for i in range(count)]}
        for parameter in model.free:
            centre = {"logit": 0.3, "log": 1.3, "identity": 0.2}[parameter.link.name]
            people[parameter.name] = parameter.link.inverse(rng.normal(centre, 0.3, count))
        played = mc.simulate(model, mc.tasks.DAW_2011, pd.DataFrame(people), trials=150, seed=count)
        frames.append(played.frame)
    return mc.read_choices(pd.concat(frames, ignore_index=True), mc.tasks.DAW_2011)


@pytest.fixture(scope="module")
def found(data: mc.Choices) -> mc.HBI:
    return mc.hbi([PLANNING, HABIT], data)


def test_people_are_given_the_model_they_played(found: mc.HBI) -> None:
    shares = found.responsibilities[PLANNING.name]
    planner = shares.index.str.startswith("m")
    assert ((shares > 0.5) == planner).sum() >= 22
    np.testing.assert_allclose(found.responsibilities.sum(axis=1), 1.0)
    first = found.frequencies.iloc[0]
    assert first["model"] == PLANNING.name
    assert first["lower"] < 16 / 24 < first["upper"]
    pd.testing.assert_frame_equal(found.frequencies, mc.random_effects(found.evidence))


def test_groups_are_of_those_who_have_the_model(found: mc.HBI) -> None:
    group = found.group.set_index(["model", "parameter"])
    assert set(group.index.get_level_values("model")) == {PLANNING.name, HABIT.name}
    beta = group.loc[PLANNING.name, "beta1"]
    assert beta["mean"] == pytest.approx(1.3, abs=4 * beta["error"])
    # sd of a mean of 16 people whose sd is .3, and a little more as each is known inexactly
    assert 0.3 / 4 / 2 < beta["error"] < 0.3 / 4 * 2
    assert list(found.parameters[HABIT.name]) == [p.name for p in HABIT.free]


def by_the_paper(
    values: np.ndarray, covariance: np.ndarray, shares: np.ndarray, prior: np.ndarray
) -> dict[str, np.ndarray]:
    """Return one model's group after Piray et al. (2019) and their code: b = 1, v = .5, s = .01.

    Written out person by person, with precisions of people's posteriors inverted in place.
    """
    count, coefficients = values.shape
    b, v, s = 1.0, 0.5, 0.01
    n = sum(shares)
    mean = sum(shares[i] * values[i] for i in range(count)) / n
    square = sum(shares[i] * (values[i] ** 2 + np.diag(covariance[i])) for i in range(count)) / n
    beta = b + n
    a = (b * prior + n * mean) / beta
    nu = v + n / 2
    sigma = s + 0.5 * (n * (square - mean**2) + n * b / (n + b) * (mean - prior) ** 2)
    precision = nu / sigma
    log_precision = digamma(nu) - np.log(sigma)
    added = 0.5 * log_precision.sum() - 0.5 * np.log(precision).sum() - 0.5 * coefficients / beta
    error = np.sqrt((2 * sigma / beta) / (2 * nu))
    return {"mean": a, "precision": precision, "added": added, "error": error}


def test_one_update_is_that_of_the_paper() -> None:
    rng = np.random.default_rng(3)
    values, shares = rng.normal(0.3, 1, (5, 2)), np.array([0.9, 0.2, 1.0, 0.5, 0.1])
    roots = rng.normal(0, 0.4, (5, 2, 2))
    covariance = roots @ roots.swapaxes(1, 2) + 0.1 * np.eye(2)
    prior = np.array([0.0, 1.2])
    none = np.zeros(5)
    found = _Group.of(Modes(values, covariance, none, none, none > 0), shares, prior)
    wanted = by_the_paper(values, covariance, shares, prior)
    np.testing.assert_allclose(found.mean, wanted["mean"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        np.diag(found.normal.precision), wanted["precision"], rtol=0, atol=1e-6
    )
    np.testing.assert_allclose(found.uncertainty, wanted["added"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.table(["x", "y"])["error"], wanted["error"], rtol=0, atol=1e-6)


def test_the_end_is_where_the_papers_updates_lead(data: mc.Choices, found: mc.HBI) -> None:
    """One more round from where `hbi` ended, each step of it by the paper, changes next to nothing.

    But for the tolerance of means, .01: shares of people who may have either model follow them.
    """
    rho = []
    for model in (PLANNING, HABIT):
        individuals = Individuals(Scoring.of(model, data))
        group = found.group[found.group["model"] == model.name]
        normal = Normal(group["mean"].to_numpy(), np.diag(group["sd"].to_numpy() ** 2))
        modes = individuals.modes(normal)
        new = by_the_paper(
            modes.values,
            modes.covariance,
            found.responsibilities[model.name].to_numpy(),
            individuals.prior().mean,
        )
        np.testing.assert_allclose(new["mean"], normal.mean, atol=0.02)
        np.testing.assert_allclose(new["error"], group["error"], rtol=0.05)
        prior = stats.norm(normal.mean, group["sd"]).logpdf(modes.values).sum(axis=1)
        spread = np.linalg.slogdet(modes.covariance)[1]
        size = modes.values.shape[1]
        log_f = modes.log_likelihood + prior + 0.5 * spread + size / 2 * np.log(2 * np.pi)
        rho.append(log_f + new["added"])
    np.testing.assert_allclose(np.stack(rho, axis=1), found.evidence, atol=0.05)
    alpha = 1 + found.responsibilities.sum()
    expected = found.evidence + digamma(alpha) - digamma(alpha.sum())
    np.testing.assert_allclose(softmax(expected, axis=1), found.responsibilities, atol=1e-6)


def test_hbi_says_where_it_has_not_settled(
    data: mc.Choices, found: mc.HBI, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found.converged
    assert "frequency 0." in str(found)
    assert "not settled" not in str(found)
    monkeypatch.setattr(import_module("metacontrol.fitting.hbi"), "ROUNDS", 1)
    early = mc.hbi([PLANNING, HABIT], data)
    assert not early.converged
    assert "not settled after 1 rounds" in str(early)


def test_what_hbi_cannot_do_is_said(data: mc.Choices) -> None:
    with pytest.raises(ValueError, match="two models or more of different names"):
        mc.hbi([PLANNING, PLANNING], data)
    aged = data.frame.assign(age=data.frame["participant"].str.startswith("m") * 1.0)
    with pytest.raises(ValueError, match=r"vary within participants, not \['p_age'\]"):
        mc.hbi([PLANNING, HABIT], mc.read_choices(aged, data.task), formulas={"p": "1 + age"})
