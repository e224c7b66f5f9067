"""Leaving out trials, participants and the future: against integrals over a grid.

Two parameters are free, and the group is known, so that everything has an exact value.
"""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import norm

import metacontrol as mc
from metacontrol.analysis.loo import _weighted_trials
from metacontrol.cli import main
from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.others import marginal_scores
from metacontrol.fitting.pointwise import trial_scores
from metacontrol.fitting.population import Population
from metacontrol.fitting.result import describe_model, describe_task
from metacontrol.models import HYBRID, MODEL_BASED
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import DAW_2011

PAIR = HYBRID.fix(alpha1=0.5, alpha2=0.5, beta2=3.0, lam=0.6, p=0.1)  # beta1 and w are free
MEAN, SD = np.array([1.0, 0.5]), np.array([0.7, 1.2])
DRAWS = 1000


@pytest.fixture(scope="module")
def data() -> mc.Choices:
    people = mc.draw_participants(HYBRID, 3, seed=3)
    return mc.simulate(HYBRID, DAW_2011, people, trials=40, seed=3)


@pytest.fixture(scope="module")
def grid() -> np.ndarray:
    """Places five standard deviations around the group's mean, shape (places, 2)."""
    axes = [np.linspace(m - 5 * s, m + 5 * s, 61) for m, s in zip(MEAN, SD, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


@pytest.fixture(scope="module")
def exact(data: mc.Choices, grid: np.ndarray) -> list[np.ndarray]:
    """Log-probability of each trial, with the prior as the last row, for each participant."""
    own = Individuals(Scoring.of(PAIR, data))
    assert own.names == ("beta1", "w")
    natural = np.column_stack(list(own.natural(grid).values()))
    prior = norm(MEAN, SD).logpdf(grid).sum(axis=1)
    prior -= logsumexp(prior)
    return [np.vstack([trial_scores(own.scoring, person, natural), prior]) for person in range(3)]


@pytest.fixture(scope="module")
def fit(data: mc.Choices, grid: np.ndarray, exact: list[np.ndarray]) -> mc.Fit:
    """Draws of the exact posterior, as NUTS would give them."""
    rng = np.random.default_rng(1)
    own = Individuals(Scoring.of(PAIR, data))
    values = []
    for table in exact:
        log = table.sum(axis=0)
        values.append(grid[rng.choice(len(grid), DRAWS, p=np.exp(log - logsumexp(log)))])
    steps = (grid[61] - grid[0])[0], (grid[1] - grid[0])[1]
    drawn = np.array(values) + rng.uniform(-0.5, 0.5, (3, DRAWS, 2)) * steps
    return as_fit(own, drawn)


def as_fit(own: Individuals, drawn: np.ndarray) -> mc.Fit:
    columns: dict[str, tuple[Sequence[str], np.ndarray]] = {}
    for k, (name, values) in enumerate(own.natural(drawn).items()):
        columns[name] = (("chain", "draw", "participant"), values.T[None])
        columns[f"{name}_mean"] = (("chain", "draw"), np.full((1, DRAWS), MEAN[k]))
        columns[f"{name}_sd"] = (("chain", "draw"), np.full((1, DRAWS), SD[k]))
    people = own.scoring.participants
    stats = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((1, DRAWS), dtype=bool))})
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset(columns, {"participant": people}), "sample_stats": stats}
    )
    about = {"method": "nuts", "coefficients": list(own.names), "formulas": {}}
    about |= {"model": describe_model(PAIR), "task": describe_task(DAW_2011)}
    about |= {
        "columns": {},
        "priors": {},
        "settings": {"seed": 1},
        "versions": {"metacontrol": "0"},
    }
    about |= {"data": {"participants": len(own.scoring.participants), "trials": 0}}
    tree.attrs["about"] = json.dumps(about)
    return mc.Fit(tree, PAIR)


def without_each(exact: list[np.ndarray]) -> list[np.ndarray]:
    """Return log p(trial | all others) of each participant, by the grid."""
    found = []
    for table in exact:
        everything = table.sum(axis=0)
        rest = logsumexp(everything - table[:-1], axis=1)
        found.append(logsumexp(everything) - rest)
    return found


def test_a_trial(data: mc.Choices, fit: mc.Fit, exact: list[np.ndarray]) -> None:
    found = mc.loo(fit, data, seed=1)
    expected = np.concatenate(without_each(exact))
    np.testing.assert_allclose(found.points["elpd"], expected, atol=0.05)
    assert found.elpd == pytest.approx(expected.sum(), abs=0.3)
    assert found.points[["participant", "trial"]].equals(data.frame[["participant", "trial"]])
    assert found.points["pareto_k"].max() < 0.7
    assert "knowing all their others" in str(found)
    assert found.se == pytest.approx(np.sqrt(3) * found.participants.std(ddof=1))


def test_trials_with_large_k_are_drawn_anew(
    data: mc.Choices, fit: mc.Fit, exact: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = mc.loo(fit, data, seed=1).points["pareto_k"].nlargest(7).min()
    monkeypatch.setattr(import_module("metacontrol.analysis.loo"), "GOOD", limit)
    found = mc.loo(fit, data, draws=400, seed=1)
    redrawn = found.points["redrawn"].to_numpy(dtype=bool)
    assert redrawn.sum() == 6
    expected = np.concatenate(without_each(exact))
    np.testing.assert_allclose(found.points["elpd"][redrawn], expected[redrawn], atol=0.06)
    assert f"k was above {limit} in 6 trials" in found.done


def test_a_trial_of_a_session(data: mc.Choices, fit: mc.Fit) -> None:
    """It needs no group: the same as in a fit of one, where nothing is drawn anew."""
    halves = data.frame["participant"].map({"s1": 1, "s2": 2, "s3": 1})
    person = data.frame["participant"].map({"s1": "a", "s2": "a", "s3": "b"})
    came = mc.Choices(data.frame.assign(participant=person, session=halves), data.task)
    posterior = fit.tree["posterior"].to_dataset()
    group = [n for n in posterior if "participant" not in posterior[n].dims]
    each = posterior[group].expand_dims(session=["1", "2"], axis=-1)
    names = {"participant": ["a/1", "a/2", "b/1"]}
    tree = fit.tree.copy()
    tree["posterior"] = posterior.drop_vars(group).assign_coords(names).merge(each)
    about = fit.about | {"settings": {"seed": 1, "sessions": "session"}}
    tree.attrs["about"] = json.dumps(about)
    apart = mc.Fit(tree, PAIR)
    found, wanted = mc.loo(apart, came, seed=1).points, mc.loo(fit, data, seed=1).points
    assert found["participant"].unique().tolist() == ["a", "b"]
    assert found["session"].unique().tolist() == ["1", "2"]
    pd.testing.assert_frame_equal(
        found.drop(columns=["participant", "session"]), wanted.drop(columns="participant")
    )
    for leave in ("participant", "future"):
        with pytest.raises(ValueError, match="fit models to each session alone .* or leave out tr"):
            mc.loo(apart, came, leave=leave, seed=1)


def test_a_participant(data: mc.Choices, fit: mc.Fit, exact: list[np.ndarray]) -> None:
    found = mc.loo(fit, data, leave="participant", draws=100, seed=1)
    expected = [logsumexp(table.sum(axis=0)) for table in exact]
    np.testing.assert_allclose(found.points["elpd"], expected, atol=0.25)  # 4 se at worst
    assert found.points["effective_draws"].min() > 15
    assert "new person" in found.question


def test_the_future(
    data: mc.Choices, fit: mc.Fit, exact: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = mc.loo(fit, data, leave="future", draws=400, seed=1)
    for table, (_, points) in zip(exact, found.points.groupby("participant"), strict=True):
        before = logsumexp(table[-1] + np.cumsum(np.vstack([0 * table[:1], table[:-1]]), 0), axis=1)
        np.testing.assert_allclose(points["elpd"], np.diff(before), atol=0.1)
        assert points["elpd"].sum() == pytest.approx(before[-1], abs=0.4)  # the chain rule
    limit = found.points["pareto_k"].quantile(0.8)
    monkeypatch.setattr(import_module("metacontrol.analysis.future"), "GOOD", limit)
    later = mc.loo(fit, data, leave="future", steps=2, first=10, draws=400, seed=2)
    assert later.points["refits"].max() > 0
    assert later.points["trial"].min() == 11
    assert later.points["trial"].max() == 39
    for table, (_, points) in zip(exact, later.points.groupby("participant"), strict=True):
        before = logsumexp(table[-1] + np.cumsum(np.vstack([0 * table[:1], table[:-1]]), 0), axis=1)
        np.testing.assert_allclose(points["elpd"], (before[2:] - before[:-2])[10:], atol=0.12)
    assert "next 2 choices" in later.question
    assert "overlap, so that the sum counts most trials 2 times" in str(later)


def test_a_regressor_between_people_moves_the_mean(data: mc.Choices, grid: np.ndarray) -> None:
    """A person's integral is that of a person whose mean of w is 0.8 ages away."""
    ages = {"s1": -1.0, "s2": 0.0, "s3": 2.0}
    aged = mc.Choices(data.frame.assign(age=data.frame["participant"].map(ages)), data.task)
    own = Individuals(Scoring.of(PAIR, aged, {"w": "1 + age"}))
    plain = as_fit(Individuals(Scoring.of(PAIR, data)), np.zeros((3, DRAWS, 2)))
    renamed = (
        plain.tree["posterior"]
        .to_dataset()
        .rename({"w": "w_Intercept", "w_mean": "w_Intercept_mean", "w_sd": "w_Intercept_sd"})
    )
    renamed["w_age_mean"] = xr.full_like(renamed["w_Intercept_mean"], 0.8)
    tree = xr.DataTree.from_dict({"posterior": renamed})
    tree.attrs["about"] = json.dumps(
        {
            "method": "nuts",
            "coefficients": ["beta1", "w_Intercept"],
            "formulas": {"w": "1 + age"},
            "settings": {},
        }
    )
    found = mc.loo(mc.Fit(tree, PAIR), aged, leave="participant", draws=100, seed=1)
    natural = np.column_stack(list(Individuals(Scoring.of(PAIR, data)).natural(grid).values()))
    expected = []
    for person, age in enumerate(ages.values()):
        prior = norm(MEAN + [0, 0.8 * age], SD).logpdf(grid).sum(axis=1)
        score = trial_scores(Scoring.of(PAIR, data), person, natural).sum(axis=0)
        expected.append(logsumexp(prior + score) - logsumexp(prior))
    assert own.names == ("beta1", "w_Intercept")
    np.testing.assert_allclose(found.points["elpd"], expected, atol=0.25)


def test_people_of_a_group_who_are_all_alike() -> None:
    """Learning rates have sharp peaks; a group may be certain that nobody's is where one is."""
    model = MODEL_BASED.fix(beta1=3.0, p=0.0)  # alpha2 and beta2 are free
    people = mc.draw_participants(MODEL_BASED, 12, seed=1)
    own = Individuals(
        Scoring.of(model, mc.simulate(MODEL_BASED, DAW_2011, people, trials=100, seed=1))
    )
    spreads = np.repeat([0.015, 0.1, 0.5, 1.0, 2.0], [1, 1, 1, 1, 20])  # of alpha2
    mean, sd = np.array([0.65, 0.7]), np.column_stack([spreads, np.full(24, 1.4)])
    vectors = np.column_stack([np.tile(mean, (24, 1)), np.log(sd)])
    group = Population(Hierarchy.of(own), vectors, sd[:, :, None] ** 2 * np.eye(2))
    found, _ = marginal_scores(own, group, seed=1)
    for draw, spread in enumerate(spreads[:4]):
        axes = [m + s * np.linspace(-5, 5, 101) for m, s in zip(mean, (spread, 1.4), strict=True)]
        places = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 1, 2)
        prior = norm(mean, (spread, 1.4)).logpdf(places).sum(axis=-1)
        score = own.log_likelihood(np.repeat(places, 12, axis=1))
        exact = logsumexp(prior + score, axis=0) - logsumexp(prior)
        np.testing.assert_allclose(found[:, draw], exact, atol=1.0)


def test_what_cannot_be_left_out(data: mc.Choices, fit: mc.Fit) -> None:
    with pytest.raises(ValueError, match="leave must be one of trial, participant, future"):
        mc.loo(fit, data, leave="day", seed=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="steps 1 or more and first 0 or more, got 500, 0 and 0"):
        mc.loo(fit, data, leave="future", steps=0, seed=1)
    with pytest.raises(ValueError, match="steps and first are for leave='future', got 'trial'"):
        mc.loo(fit, data, first=10, seed=1)
    fewer = mc.Choices(data.frame[data.frame["participant"] != "s2"], data.task)
    with pytest.raises(ValueError, match="the choices lack participants of the fit: s2"):
        mc.loo(fit, fewer, seed=1)
    alone = mc.fit(PAIR, data, method="mle", seed=1, starts=1)
    with pytest.raises(ValueError, match="fitted by mle, without a group: use nuts"):
        mc.loo(alone, data, seed=1)


def found(name: str, values: Sequence[float], k: float = 0.1) -> mc.Elpd:
    people = [f"s{i}" for i in range(len(values))]
    points = pd.DataFrame({"participant": people, "elpd": values, "pareto_k": k})
    return mc.Elpd(name, "How well?", points)


def test_differences_are_paired_and_weights_predict_best() -> None:
    good, bad = [-10.0, -20.0, -12.0, -31.0], [-11.0, -22.0, -12.5, -30.0]
    table = mc.compare([found("bad", bad), found("good", good, 0.9)]).set_index("model")
    assert list(table.index) == ["good", "bad"]
    assert table["difference"].to_dict() == {"good": 0.0, "bad": -2.5}
    apart = np.subtract(bad, good)
    assert table["difference_se"]["bad"] == pytest.approx(2 * apart.std(ddof=1))
    assert table["best_for"].to_dict() == {"good": 3, "bad": 1}
    assert table["large_k"].to_dict() == {"good": 4, "bad": 0}
    shares = np.linspace(0.001, 0.999, 999)[:, None]
    mixed = np.logaddexp(np.log(shares) + good, np.log1p(-shares) + bad).sum(axis=1)
    assert table["weight"]["good"] == pytest.approx(shares[mixed.argmax(), 0], abs=0.01)
    with mc.style():
        figure, (ax,) = mc.panels()
        mc.plot_comparison(table.reset_index(), ax)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["good", "bad"]


def test_what_is_not_compared(data: mc.Choices, fit: mc.Fit) -> None:
    one = found("one", [-1.0, -2.0])
    with pytest.raises(ValueError, match="not of the same choices"):
        mc.compare([one, found("other", [-1.0])])
    with pytest.raises(ValueError, match="different questions"):
        mc.compare([one, mc.Elpd("other", "Why?", one.points)])
    with pytest.raises(ValueError, match="compared with its like"):
        mc.compare({"one": one, "fit": fit})
    with pytest.raises(ValueError, match="give data="):
        mc.compare({"one": fit, "other": fit})
    table = mc.compare({"one": fit, "other": fit}, data, seed=1)
    assert (table["difference"] == 0).all()
    np.testing.assert_allclose(table["weight"], 0.5)
    with pytest.raises(ValueError, match="compared by prediction are drawn"):
        mc.plot_comparison(table.drop(columns="difference"), ax=None)  # type: ignore[arg-type]


def test_evidence_by_importance(data: mc.Choices) -> None:
    """The likelihood's integral over what the group's priors expect."""
    own = Individuals(Scoring.of(PAIR, data))
    prior = own.prior()
    ends = zip(prior.mean, np.sqrt(np.diag(prior.covariance)), strict=True)
    axes = [np.linspace(mean - 6 * sd, mean + 6 * sd, 81) for mean, sd in ends]
    places = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    density = prior.logpdf(places)
    natural = np.column_stack(list(own.natural(places).values()))
    expected = [
        logsumexp(density + trial_scores(own.scoring, p, natural).sum(axis=0)) for p in range(3)
    ] - logsumexp(density)
    fits = {name: mc.fit(PAIR, data, method="mle", seed=1, starts=1) for name in ("one", "two")}
    found = mc.log_evidence(fits, "importance", data=data, seed=1)
    np.testing.assert_allclose(found["one"], expected, atol=0.15)
    assert found["one"].equals(found["two"])
    with pytest.raises(ValueError, match="needs data"):
        mc.log_evidence(fits, "importance")


def test_command(
    data: mc.Choices, fit: mc.Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fits = [str(fit.save(tmp_path / name)) for name in ("one.nc", "two.nc")]
    data.frame.to_csv(tmp_path / "choices.csv", index=False)
    with pytest.raises(SystemExit, match="2"):
        main(["compare", *fits])
    assert "give --choices" in capsys.readouterr().err
    given = ["--choices", str(tmp_path / "choices.csv"), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="0"):
        main(["compare", *fits, *given])
    assert "knowing all their others" in capsys.readouterr().out
    for option in (["--criterion", "bic"], ["--leave", "trial"]):
        with pytest.raises(SystemExit, match="2"):
            main(["compare", *fits, *option])
    said = capsys.readouterr().err
    assert "--criterion is for fits of each participant alone, these are of groups" in said
    assert "--leave needs the choices: give --choices" in said
    table = pd.read_csv(tmp_path / "out/comparison.csv")
    np.testing.assert_allclose(table["elpd"], mc.loo(fit, data, seed=1).elpd)
    assert len(list((tmp_path / "out").glob("comparison.*"))) == 4
    assert len(list((tmp_path / "out").glob("*_trial.csv"))) == 2


def test_folds(data: mc.Choices) -> None:
    with pytest.raises(ValueError, match="folds must be from 2 to 3"):
        mc.kfold(PAIR, data, folds=4, seed=1)
    ages = {"s1": 20.0, "s2": 30.0, "s3": 70.0}
    aged = mc.Choices(data.frame.assign(age=data.frame["participant"].map(ages)), data.task)
    with pytest.raises(ValueError, match="means something else without"):
        mc.kfold(PAIR, aged, folds=3, formulas={"w": "1 + center(age)"}, seed=1)


def test_what_folds_cannot_do_is_said_before_a_fit(
    data: mc.Choices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("it was fitted")

    monkeypatch.setattr(import_module("metacontrol.analysis.kfold"), "fit", never)
    for method in ("mle", "map", "laplace"):
        with pytest.raises(ValueError, match=f"from one group, but fits by {method} have none"):
            mc.kfold(PAIR, data, folds=3, method=method, seed=1)
    with pytest.raises(ValueError, match="but sessions have one each: give it .* each session"):
        mc.kfold(PAIR, data, folds=3, sessions="day", seed=1)
    who = data.frame["participant"]
    sites = data.frame.assign(site=np.where(who == "s3", "b", "a"), half=data.frame["trial"] > 20)
    gap = sites.assign(site=sites["site"].where(who != "s2"))
    with pytest.raises(ValueError, match="w_site.* means something else without s3"):
        mc.kfold(PAIR, mc.Choices(sites, DAW_2011), folds=3, formulas={"w": "site"}, seed=4)
    for frame, by, said in (
        (sites, "city", "there is no column 'city'; columns: participant"),
        (sites, "half", "half varies within participant 's1'; folds hold people"),
        (gap, "site", "site is missing for participant 's2'"),
        (sites.assign(site="a"), "site", "site has one value, 'a'"),
    ):
        with pytest.raises(ValueError, match=said):
            mc.kfold(PAIR, mc.Choices(frame, DAW_2011), by=by, seed=1)


def test_folds_by_a_column(
    data: mc.Choices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each fold is fitted to the people of the other sites, with a checkpoint of its own."""
    site = data.frame["participant"].map({"s1": "york", "s2": "bonn", "s3": "york"})
    sites = mc.Choices(data.frame.assign(site=site), data.task)
    seen = []

    def spied(model: mc.Model, rest: mc.Choices, **options: Any) -> mc.Fit:
        seen.append((rest.participants, options["checkpoint"]))
        return mc.fit(model, rest, **options)

    monkeypatch.setattr(import_module("metacontrol.analysis.kfold"), "fit", spied)
    options: dict[str, Any] = {"method": "em", "draws": 50, "progress": False, "seed": 1}
    found = mc.kfold(PAIR, sites, by="site", checkpoint=tmp_path, **options)
    folders = [tmp_path / "fold-1", tmp_path / "fold-2"]
    assert seen == [(["s1", "s3"], folders[0]), (["s2"], folders[1])]
    assert found.points["participant"].tolist() == ["s1", "s2", "s3"]
    assert found.points["fold"].tolist() == ["york", "bonn", "york"]
    assert "people of another site, learning the population from those of the other 1" in str(found)


@pytest.mark.slow
def test_folds_in_processes_of_their_own(data: mc.Choices) -> None:
    options: dict[str, Any] = {"folds": 3, "method": "em", "draws": 50, "seed": 1}
    alone = mc.kfold(PAIR, data, **options)
    with joblib.parallel_config(n_jobs=2):
        pd.testing.assert_frame_equal(mc.kfold(PAIR, data, **options).points, alone.points)


def test_memory_does_not_grow_with_people() -> None:
    """Of 40 people x 150 trials x 1000 draws 48 MB would be held: one person has 1.2 MB."""
    peaks = {}
    for people in (10, 40):
        table = mc.draw_participants(HYBRID, people, seed=1)
        own = Individuals(
            Scoring.of(PAIR, mc.simulate(HYBRID, DAW_2011, table, trials=150, seed=1))
        )
        drawn = np.random.default_rng(1).normal(MEAN, SD, (people, DRAWS, 2))
        fitted = as_fit(own, drawn)
        _weighted_trials(fitted, own.scoring)  # compiles
        tracemalloc.start()
        try:
            _weighted_trials(fitted, own.scoring)
            peaks[people] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peaks[40] < 1.5 * peaks[10]
    assert peaks[40] < 40 * 150 * DRAWS * 8 / 2


@pytest.mark.slow
def test_folds_ask_what_leaving_a_participant_asks() -> None:
    people = mc.draw_participants(HYBRID, 12, seed=3)
    data = mc.simulate(HYBRID, DAW_2011, people, trials=60, seed=3)
    settings: dict[str, Any] = {"draws": 300, "tune": 300, "chains": 2, "centring": 0.0}
    together = mc.fit(PAIR, data, seed=1, **settings)
    alike = mc.loo(together, data, leave="participant", seed=1)
    folded = mc.kfold(PAIR, data, folds=3, seed=1, **settings)
    assert list(folded.points["participant"]) == list(alike.points["participant"])
    assert folded.points["fold"].value_counts().to_dict() == {1: 4, 2: 4, 3: 4}
    np.testing.assert_allclose(folded.points["elpd"], alike.points["elpd"], atol=2.0)
    assert folded.elpd == pytest.approx(alike.elpd, abs=5.0)
