"""Point estimates: at least as good as the authors' own, and as the truth."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import metacontrol as mc
from metacontrol.fitting.point import search_bounds
from metacontrol.fitting.priors import coefficient_priors
from metacontrol.models.scoring import Scoring


@pytest.mark.parametrize("name", ["kool2016-daw", "kool2016-novel"])
def test_map_reaches_the_authors_log_posterior(
    name: str, shared: Path, request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(name.replace("-", "_"))
    published = pd.read_csv(shared / "data" / name / "published_fits.csv")
    full = published.query(
        "model == 'hybrid' and stimulus_stickiness_in_model == 1 and "
        "response_stickiness_in_model == 1"
    ).set_index("participant")

    fit = mc.fit(mc.models.HYBRID_KOOL, data, method="map", seed=1)

    ours = fit.scores["log_likelihood"] + fit.scores["log_prior"]
    behind = full["logposterior"].loc[ours.index] - ours
    assert (behind <= 0.05).mean() >= 0.99
    # some w are open, and most of the others lean on the prior
    assert fit.diagnostics["ok"].to_list() == [True, True, False, True, False]


@pytest.fixture(scope="module")
def simulated() -> tuple[pd.DataFrame, mc.Choices]:
    rng = np.random.default_rng(0)
    n = 20
    true = pd.DataFrame(
        {
            "alpha": rng.uniform(0.2, 0.8, n),
            "beta": rng.uniform(1, 6, n),
            "lam": rng.uniform(0.2, 0.8, n),
            "w": rng.uniform(0.1, 0.9, n),
            "stimulus_stickiness": rng.normal(0.1, 0.1, n),
            "response_stickiness": rng.normal(0.1, 0.1, n),
        }
    )
    task = mc.tasks.KOOL_2016_STOCHASTIC
    return true, mc.simulate(mc.models.HYBRID_KOOL, task, true, trials=150, seed=1)


def test_maximum_likelihood_is_above_the_truth(
    simulated: tuple[pd.DataFrame, mc.Choices],
) -> None:
    true, data = simulated
    fit = mc.fit(mc.models.HYBRID_KOOL, data, method="mle", seed=1)
    at_truth = mc.log_likelihood(
        mc.models.HYBRID_KOOL, data, true.assign(participant=data.participants)
    )["total"]
    assert (fit.scores["log_likelihood"] >= at_truth - 1e-6).all()
    again = mc.log_likelihood(mc.models.HYBRID_KOOL, data, fit.parameters)["total"]
    np.testing.assert_allclose(again, fit.scores["log_likelihood"], atol=1e-9)


def test_any_number_of_starts_fills_whole_vectors(
    simulated: tuple[pd.DataFrame, mc.Choices],
) -> None:
    """18 people with 7 starts are 126 lanes, which are not a whole number of vectors of 8."""
    data = simulated[1]
    fit = mc.fit(mc.models.HYBRID_KOOL, data, method="mle", starts=7, seed=1)
    again = mc.log_likelihood(mc.models.HYBRID_KOOL, data, fit.parameters)["total"]
    np.testing.assert_allclose(again, fit.scores["log_likelihood"], atol=1e-9)


def test_information_criteria_follow_their_definitions(
    simulated: tuple[pd.DataFrame, mc.Choices],
) -> None:
    data = simulated[1]
    scores = mc.fit(mc.models.HYBRID_KOOL, data, method="map", starts=2, seed=1).scores
    assert (scores["choices"] == 300).all()  # 150 trials, two choices each
    np.testing.assert_allclose(scores["aic"], 12 - 2 * scores["log_likelihood"])
    np.testing.assert_allclose(scores["bic"], 6 * np.log(300) - 2 * scores["log_likelihood"])


def test_a_participants_estimate_does_not_depend_on_who_else_is_there(
    simulated: tuple[pd.DataFrame, mc.Choices],
) -> None:
    data = simulated[1]
    alone = mc.read_choices(data.frame[data.frame["participant"] == "s7"], data.task)
    together = mc.fit(mc.models.HYBRID_KOOL, data, method="map", starts=4, seed=3).parameters
    by_itself = mc.fit(mc.models.HYBRID_KOOL, alone, method="map", starts=4, seed=3).parameters
    np.testing.assert_allclose(by_itself.loc["s7"], together.loc["s7"], atol=1e-4)


def test_priors_are_replaced_by_name(simulated: tuple[pd.DataFrame, mc.Choices]) -> None:
    data = simulated[1]
    tight = mc.fit(
        mc.models.HYBRID_KOOL,
        data,
        method="map",
        starts=2,
        seed=1,
        priors={"stimulus_stickiness": mc.Prior("normal", 1.5, 0.001)},
    )
    np.testing.assert_allclose(tight.parameters["stimulus_stickiness"], 1.5, atol=0.01)
    with pytest.raises(ValueError, match="no prior is called 'gamma'|no prior is called gamma"):
        mc.fit(
            mc.models.HYBRID_KOOL,
            data,
            method="map",
            seed=1,
            priors={"gamma": mc.Prior("normal", 0, 1)},
        )


def test_bounds_leave_out_points_without_density() -> None:
    data = mc.simulate(mc.models.HYBRID, mc.tasks.DAW_2011, _hybrid_row(), trials=5, seed=1)
    story = Scoring.of(mc.models.HYBRID, data).story
    bounds = dict(
        zip(story.coefficients, search_bounds(story, coefficient_priors(story)), strict=True)
    )
    np.testing.assert_allclose(bounds["w"], [1e-6, 1 - 1e-6])  # Beta(1.1, 1.1) is 0 at 0 and 1
    np.testing.assert_allclose(
        dict(zip(story.coefficients, search_bounds(story, None), strict=True))["w"], [0, 1]
    )


def test_a_formula_is_fitted_on_the_links_scale() -> None:
    true = pd.concat([_hybrid_row()] * 4, ignore_index=True).drop(columns="w")
    true = true.assign(w_Intercept=2.0, w_load=-4.0)
    data = mc.simulate(mc.models.HYBRID, mc.tasks.OTTO_2013, true, trials=600, seed=2)
    fit = mc.fit(mc.models.HYBRID, data, method="mle", formulas={"w": "1 + load"}, seed=1)
    assert list(fit.parameters) == [
        "alpha1",
        "alpha2",
        "beta1",
        "beta2",
        "lam",
        "p",
        "w_Intercept",
        "w_load",
    ]
    assert fit.parameters["w_load"].median() == pytest.approx(-4.0, abs=2.0)
    assert (fit.parameters["w_load"] < 0).all()
    weights = mc.participant_weights(fit).groupby("load")["weight"].mean()
    assert weights[0] > 0.7
    assert weights[1] < 0.35


def _hybrid_row() -> pd.DataFrame:
    return pd.DataFrame(
        [{"alpha1": 0.6, "alpha2": 0.5, "beta1": 6.0, "beta2": 4.0, "lam": 0.6, "p": 0.1, "w": 0.5}]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"method": "vb"},
            "method must be one of mle, map, laplace, em, em-laplace, two-stage, nuts",
        ),
        ({"method": "map", "starts": 0}, "starts must be 1 or more"),
        ({"method": "nuts", "cores": 0}, "cores must be 1 or more, got 0"),
        ({"method": "mle", "priors": {"w": mc.Prior("beta", 2, 2)}}, "without priors"),
        ({"formulas": {"omega": "1 + load"}}, "no parameter 'omega'; it has: alpha, beta"),
        ({"formulas": {"w": "1 + lode"}}, "`lode`.*Columns are: participant, trial"),
        ({"target_accept": 1.0}, "target_accept must be between 0 and 1"),
    ],
)
def test_a_bad_argument_is_named(
    arguments: dict, message: str, simulated: tuple[pd.DataFrame, mc.Choices]
) -> None:
    with pytest.raises(ValueError, match=message):
        mc.fit(mc.models.HYBRID_KOOL, simulated[1], seed=1, **arguments)


def test_what_nothing_determines_stands_in_the_middle() -> None:
    """A pure planner has no use for what habit learns; with a prior something speaks for it."""
    model = mc.models.HYBRID.fix(w=1.0, p=0.0)
    truth = pd.DataFrame([dict(alpha1=0.3, alpha2=0.5, beta1=4.0, beta2=3.0, lam=0.9)] * 3)
    data = mc.simulate(model, mc.tasks.DAW_2011, truth, trials=150, seed=1)
    fit = mc.fit(model, data, method="mle", starts=4, seed=1)
    table = fit.participants.set_index(["participant", "parameter"])
    left_open = table.index.get_level_values("parameter").isin(["alpha1", "lam"])
    assert table["determined"].to_list() == (~left_open).tolist()
    assert (table.loc[left_open, "estimate"] == 0.5).all()
    assert "(3 of alpha1, 3 of lam)" in fit.diagnostics["check"].iloc[2]
    assert not fit.ok
    assert mc.fit(model, data, method="map", starts=4, seed=1).participants["determined"].all()


def test_estimates_that_only_bounds_hold_are_counted() -> None:
    """Who always repeats, or never does, has no largest p; a weight may well be 0 or 1."""
    rng = np.random.default_rng(1)
    both = rng.integers(0, 2, 40)
    frame = pd.DataFrame(
        [
            {"participant": name, "trial": t, "first_state": 0, "first_choice": choices[t]}
            for name, choices in {"stays": [0] * 40, "turns": [0, 1] * 20, "both": both}.items()
            for t in range(40)
        ]
    )
    rest = ["second_state", "second_choice", "reward"]
    frame = frame.assign(odd=frame["trial"] % 2, **{n: rng.integers(0, 2, 120) for n in rest})
    data = mc.read_choices(frame, mc.tasks.DAW_2011)
    model = mc.models.HYBRID.fix(alpha1=0.5, alpha2=0.5, beta1=1.0, beta2=1.0, lam=1.0)
    formulas: list[tuple[dict[str, str], str]] = [({}, "2 of p:"), ({"p": "1 + odd"}, "2 of p_I")]
    for formula, said in formulas:
        fit = mc.fit(model, data, method="mle", formulas=formula, starts=4, seed=1)
        row = fit.diagnostics.iloc[-1]
        assert row["check"] == "participants with an estimate at its bound (stays, turns)"
        assert (row["value"], row["ok"]) == (2, False)
        assert row["advice"].startswith(said)
        weights = fit.participants.query("parameter == 'w'")
        assert weights["estimate"].iloc[2] == 1  # a bound of the scale's own
        assert not weights["at_bound"].any()
    assert mc.fit(model, data, method="map", starts=4, seed=1).diagnostics["ok"].iloc[3]


def test_where_choices_say_nothing_all_estimates_lean_on_the_prior() -> None:
    """Before anything is learned, first choices are as likely with any coefficients."""
    people = pd.concat([_hybrid_row()] * 3, ignore_index=True)
    data = mc.simulate(mc.models.HYBRID, mc.tasks.DAW_2011, people, trials=1, seed=1)
    fit = mc.fit(mc.models.HYBRID, data, method="map", starts=2, seed=1)
    row = fit.diagnostics.iloc[-1]
    assert row["check"].startswith("estimates that lean on the prior (3 of alpha1, 3")
    assert (row["value"], row["ok"]) == (21, False)
    assert not fit.participants["informed"].any()


def test_estimates_that_lean_on_the_prior_are_counted() -> None:
    """What load does to the weight, 200 trials hardly tell of one person."""
    rng = np.random.default_rng(1)
    truth = pd.concat([_hybrid_row()] * 20, ignore_index=True).drop(columns="w")
    truth = truth.assign(w_Intercept=1.0, w_load=rng.normal(-1.5, 0.5, 20))
    data = mc.simulate(mc.models.HYBRID, mc.tasks.OTTO_2013, truth, trials=200, seed=1)
    model = mc.models.HYBRID.fix(alpha1=0.6, alpha2=0.5, beta2=4.0, lam=0.6, p=0.1)
    formulas = {"w": "1 + load"}
    fit = mc.fit(model, data, method="map", formulas=formulas, starts=3, seed=1)
    informed = fit.participants.pivot(index="participant", columns="parameter", values="informed")
    assert fit.parameters["w_load"].mean() > -1.0  # the truth is -1.5, the prior's mean 0
    assert informed["beta1"].all()
    assert informed["w_load"].mean() < 0.2
    row = fit.diagnostics.iloc[-1]
    assert f"{(~informed['w_load']).sum()} of w_load" in row["check"]
    assert (row["wanted"], row["ok"]) == ("of each parameter at most 4", False)

    z = np.linspace(-3, 3, 13)  # by hand: quantiles of a slope's prior, Normal(0, 1)
    told = [
        mc.log_likelihood(model, data, fit.parameters.assign(w_load=v), formulas=formulas)["total"]
        for v in z
    ]
    density = np.exp(np.array(told) - np.max(told, axis=0)) * np.exp(-(z[:, None] ** 2) / 2)
    weights = density / density.sum(axis=0)
    left = z**2 @ weights - (z @ weights) ** 2
    clear = np.abs(left - 0.25) > 0.01
    assert clear.sum() > 15
    of_these = informed.loc[told[0].index, "w_load"].to_numpy()
    np.testing.assert_array_equal(of_these[clear], (left <= 0.25)[clear])


def test_a_search_comes_back_from_where_there_is_no_number() -> None:
    """First steps lead to corners; a belief that is sure, and contradicted, has no likelihood."""
    truth = {"p_good": 0.8, "p_reversal": 0.1, "beta1": 4.0}
    model = mc.models.LATENT_STATE.fix(alpha2=0.5, beta2=1.0, lapse=0.0)
    people = pd.DataFrame([truth] * 10)
    data = mc.simulate(model, mc.tasks.AKAM_2015_REDUCED, people, trials=400, seed=2)
    people.index = pd.Index(data.participants)
    true = mc.log_likelihood(model, data, people)["total"]
    found = mc.fit(model, data, method="mle", seed=2).scores["log_likelihood"]
    assert (found >= true).to_numpy().all()


@pytest.mark.parametrize("starts", [3, 5])
def test_scores_are_those_of_the_estimates_for_any_number_of_starts(starts: int) -> None:
    """Groups of 42 and 25 people do not fill whole bundles of lanes."""
    model = mc.models.HYBRID.fix(alpha1=0.5, alpha2=0.5, beta2=3.0, lam=0.6, p=0.1)
    people = mc.draw_participants(mc.models.HYBRID, 45, seed=3)
    data = mc.simulate(mc.models.HYBRID, mc.tasks.DAW_2011, people, trials=20, seed=3)
    found = mc.fit(model, data, method="mle", seed=1, starts=starts)
    expected = mc.log_likelihood(model, data, found.parameters)["total"]
    np.testing.assert_allclose(found.scores["log_likelihood"], expected, rtol=1e-9)
