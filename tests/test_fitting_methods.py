"""Each method of fit: what it finds, what it says of itself, and that all agree."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

import metacontrol as mc
from metacontrol.fitting.individuals import Individuals
from metacontrol.models.scoring import Scoring

MODEL = mc.models.MODEL_BASED.fix(beta2="beta1")


@pytest.fixture(scope="module")
def data() -> mc.Choices:
    """40 people, whose perseveration rises by .4 with age, which is from -1 to 1."""
    rng = np.random.default_rng(4)
    people = 40
    age = np.linspace(-1, 1, people)
    true = pd.DataFrame(
        {
            "alpha2": mc.models.MODEL_BASED.free[0].link.inverse(rng.normal(0, 0.5, people)),
            "beta1": np.exp(rng.normal(1.2, 0.3, people)),
            "p": 0.2 + 0.4 * age + rng.normal(0, 0.2, people),
        }
    )
    played = mc.simulate(MODEL, mc.tasks.DAW_2011, true, trials=60, seed=1)
    years = dict(zip(played.participants, age, strict=True))
    return mc.read_choices(
        played.frame.assign(age=played.frame["participant"].map(years)), played.task
    )


FORMULAS = {"p": "1 + age"}


@pytest.fixture(scope="module")
def fits(data: mc.Choices) -> dict[str, mc.Fit]:
    return {
        method: mc.fit(
            MODEL,
            data,
            method=method,
            formulas=None if method == "laplace" else FORMULAS,
            seed=1,
            draws=100,
            tune=100,
            chains=2,
        )
        for method in ("laplace", "em", "em-laplace", "two-stage")
    }


def test_groups_by_recycled_draws_look_like_those_by_nuts(fits: dict[str, mc.Fit]) -> None:
    names = ["alpha2", "beta1", "p_Intercept", "p_age"]
    for method in ("em", "two-stage"):
        fit = fits[method]
        table = fit.group.set_index("parameter")
        assert list(table.index[:3]) == ["alpha2_mean", "alpha2_sd", "alpha2_group"]
        assert "p_age_sd" not in table.index
        assert list(fit.parameters) == names
        # with 40 people and an sd of .2, an effect of .4 is known to about .1
        assert table.loc["p_age_mean", "mean"] == pytest.approx(0.4, abs=0.3)
        assert fit.parameters["p_age"].to_numpy() == pytest.approx(table.loc["p_age_mean", "mean"])
        assert fit.sampled
        assert len(fit.parameter_draws(7)) == 7


def test_two_stage_and_em_agree(fits: dict[str, mc.Fit]) -> None:
    one, other = (fits[m].group.set_index("parameter") for m in ("two-stage", "em"))
    means = [name for name in one.index if name.endswith("_mean")]
    gap = (one["mean"] - other["mean"])[means] / one["sd"][means]
    assert gap.abs().max() < 0.5  # a mean and a mode of about normal densities
    ratio = one["sd"][means] / other["sd"][means]
    assert ratio.between(0.7, 1.6).all()


def test_a_participants_draws_fit_their_choices(fits: dict[str, mc.Fit], data: mc.Choices) -> None:
    posterior = fits["two-stage"].tree["posterior"].to_dataset().isel(chain=1, draw=40)
    names = list(fits["two-stage"].parameters)
    people = posterior[names].to_dataframe()[names]
    # a table has the intercept and the effect of age, the draw was made of their sum
    total = mc.log_likelihood(MODEL, data, people, FORMULAS)["total"]
    np.testing.assert_allclose(posterior["log_likelihood"], total, atol=1e-6)


def test_em_says_where_it_is_and_how_sure(fits: dict[str, mc.Fit]) -> None:
    fit = fits["em"]
    row = fit.group.set_index("parameter").loc["beta1_mean"]
    maximum = fit.tree["maximum"].to_dataset().sel(variable="beta1_mean")
    assert row["sd"] == pytest.approx(float(maximum["error"]), rel=0.15)
    checks = fit.diagnostics.set_index("check")
    assert checks["ok"].all(), fit.diagnostics
    scores = fit.scores
    expected = 7 * np.log(scores["choices"].sum()) - 2 * scores["log_evidence"].sum()
    assert fit.ibic == pytest.approx(expected)
    with pytest.raises(
        ValueError, match="iBIC needs a fit by em, em-laplace or two-stage, this one is by laplace"
    ):
        _ = fits["laplace"].ibic


def test_there_is_no_r_hat_without_chains(fits: dict[str, mc.Fit]) -> None:
    for method in ("two-stage", "em", "em-laplace"):
        for table in (fits[method].group, fits[method].participants):
            assert {"rhat", "ess_bulk", "ess_tail"}.issubset(table) == (method == "two-stage")
            assert ("rhat" in table) == ("ess_bulk" in table)


def test_laplace_em_says_by_how_much_it_misleads(fits: dict[str, mc.Fit]) -> None:
    row = fits["em-laplace"].diagnostics.iloc[-1]
    assert row["check"].startswith("standard errors by which modes mislead")
    assert row["value"] > 0
    assert "use method='em'" in row["advice"]
    assert not fits["em"].diagnostics["check"].str.contains("mislead").any()


def test_laplace_gives_the_mode_and_its_width(fits: dict[str, mc.Fit], data: mc.Choices) -> None:
    individuals = Individuals(Scoring.of(MODEL, data))
    modes = individuals.modes(individuals.prior())
    table = fits["laplace"].participants.set_index(["participant", "parameter"])
    person = table.loc["s5", "alpha2"]
    assert logit(person["estimate"]) == pytest.approx(modes.values[4, 0], abs=1e-6)
    assert person["sd"] == pytest.approx(np.sqrt(modes.covariance[4, 0, 0]))
    assert logit(person["upper"]) == pytest.approx(
        modes.values[4, 0] + 1.95996 * person["sd"], abs=1e-4
    )
    assert table["determined"].all()
    np.testing.assert_allclose(fits["laplace"].scores["log_evidence"], modes.log_evidence)


def test_fits_come_back_from_their_files(fits: dict[str, mc.Fit], tmp_path: object) -> None:
    for method, fit in fits.items():
        back = mc.load_fit(fit.save(f"{tmp_path}/{method}.nc"))
        pd.testing.assert_frame_equal(back.group, fit.group)
        pd.testing.assert_frame_equal(back.participants, fit.participants)
        pd.testing.assert_frame_equal(back.diagnostics, fit.diagnostics)
        pd.testing.assert_frame_equal(back.scores, fit.scores)


def test_what_a_method_cannot_do_is_said(data: mc.Choices) -> None:
    prior = {"p_age_mean": mc.Prior("normal", 0.0, 1.0)}
    with pytest.raises(ValueError, match="em-laplace is maximum likelihood, without priors"):
        mc.fit(MODEL, data, method="em-laplace", formulas=FORMULAS, priors=prior, seed=1)
    with pytest.raises(ValueError, match="the same in all trials of a person, and no intercept"):
        mc.fit(MODEL, data, method="em", formulas={"p": "0 + age"}, seed=1)
    loaded = mc.read_choices(data.frame.assign(load=data.frame["trial"] % 2), data.task)
    for method in ("mle", "map", "laplace"):
        with pytest.raises(ValueError, match="p_age cannot be told from .* by em, two-stage or nu"):
            mc.fit(MODEL, data, method=method, formulas=FORMULAS, seed=1)
        with pytest.raises(ValueError, match="p_age, p_load:age cannot be told"):
            mc.fit(MODEL, loaded, method=method, formulas={"p": "1 + load * age"}, seed=1)
    with pytest.raises(ValueError, match="importance must be 1 or more, got 0"):
        mc.fit(MODEL, data, method="em", importance=0, seed=1)


def test_a_long_fit_says_how_long(
    data: mc.Choices, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mc.fit(MODEL, data, method="laplace", seed=1)
    assert capsys.readouterr().err == ""  # 2,400 trials are few
    monkeypatch.setattr("metacontrol.fitting.duration.LONG", 0)
    mc.fit(MODEL, data, method="laplace", seed=1)
    assert capsys.readouterr().err == ""  # it takes less than a minute
    monkeypatch.setattr("metacontrol.fitting.duration.MODES", 1e9)
    mc.fit(MODEL, data, method="laplace", seed=1)
    assert re.fullmatch(r"this will take about [\d,]+ min\n", capsys.readouterr().err)


@pytest.fixture(scope="module")
def small() -> mc.Choices:
    """20 people of 60 trials, who differ in learning by no more than choices tell."""
    model = mc.models.MODEL_BASED
    people = mc.draw_participants(model, 20, seed=2)
    return mc.simulate(model, mc.tasks.DAW_2011, people, trials=60, seed=2)


def test_a_spread_that_may_be_nothing_is_sampled(small: mc.Choices) -> None:
    fit = mc.fit(
        mc.models.MODEL_BASED, small, method="two-stage", seed=1, draws=400, tune=400, chains=2
    )
    spread = fit.group.set_index("parameter").loc["alpha2_sd"]
    assert spread["lower"] < 0.1
    assert spread["rhat"] < 1.05
    assert fit.diverging <= 4


@pytest.mark.slow
def test_two_stage_and_em_agree_with_nuts(data: mc.Choices) -> None:
    """Means within a quarter of a posterior sd of NUTS, whose own error is a twentieth."""
    tables = {
        method: mc.fit(MODEL, data, method=method, formulas=FORMULAS, seed=1, draws=500, tune=500)
        .group.query("scale == 'link'")
        .set_index("parameter")
        for method in ("nuts", "two-stage", "em")
    }
    truth = tables["nuts"]
    two_stage = (tables["two-stage"]["mean"] - truth["mean"]) / truth["sd"]
    assert two_stage.abs().max() < 0.25
    assert (tables["two-stage"]["sd"] / truth["sd"]).between(0.85, 1.15).all()
    em = (tables["em"]["mean"] - truth["mean"]) / truth["sd"]
    assert em.abs().max() < 0.5
