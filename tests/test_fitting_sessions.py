"""Correlations over people: of parameters, and of a parameter between sessions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import metacontrol as mc
from metacontrol.fitting.same_choices import as_fitted, digest
from metacontrol.fitting.sessions import fill_sessions, split_sessions

MODEL = mc.models.HYBRID_KOOL.fix(lam=0.6, stimulus_stickiness=0.0, response_stickiness=0.0)


def simulated(correlation: float, n: int, trials: int, seed: int) -> tuple[mc.Choices, mc.Choices]:
    """Return choices with log(beta) and logit(w) correlating; and w alone, between sessions."""
    rng = np.random.default_rng(seed)
    z = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], n)
    people = pd.DataFrame(
        {"alpha": expit(rng.normal(0, 0.3, n)), "beta": np.exp(0.5 * z[:, 0]), "w": expit(z[:, 1])}
    )
    task = mc.tasks.KOOL_2016_DETERMINISTIC
    together = mc.simulate(MODEL, task, people, trials=trials, seed=seed)
    parts = [
        mc.simulate(
            MODEL, task, people.assign(beta=1.5, w=expit(2 * z[:, k])), trials=trials, seed=k
        )
        for k in (0, 1)
    ]
    frames = [part.frame.assign(session=k + 1) for k, part in enumerate(parts)]
    frames[1]["trial"] += trials
    return together, mc.read_choices(pd.concat(frames), task)


def test_each_session_is_a_participant_of_its_own() -> None:
    _, both = simulated(0.0, 3, 10, 1)
    split = split_sessions(both, "session")
    assert split.participants == ["s1/1", "s1/2", "s2/1", "s2/2", "s3/1", "s3/2"]
    first = both.frame.query("participant == 's2' and session == 1")["first_choice"]
    again = split.frame.query("participant == 's2/1'")["first_choice"]
    np.testing.assert_array_equal(again, first)
    with pytest.raises(ValueError, match="there is no column 'visit'; columns: participant"):
        split_sessions(both, "visit")


def test_a_session_has_no_slash_in_its_name() -> None:
    """Of ``s1/11/03/2026`` nobody could tell which part is the session; of ``lab/s1/1`` one can."""
    _, both = simulated(0.0, 2, 5, 1)
    dates = both.frame["session"].map({1: "11/03/2026", 2: "12/03/2026"})
    dated = mc.read_choices(both.frame.assign(session=dates), both.task)
    said = r"session has '11/03/2026', .* cannot have a '/', .* as 2026-03-11"
    with pytest.raises(ValueError, match=said):
        split_sessions(dated, "session")
    with pytest.raises(ValueError, match=said):
        mc.fit(MODEL, dated, sessions="session", seed=1)
    placed = mc.read_choices(
        both.frame.assign(participant="lab/" + both.frame["participant"]), both.task
    )
    names = ["lab/s1/1", "lab/s1/2", "lab/s2/1", "lab/s2/2"]
    assert split_sessions(placed, "session").participants == names


def test_sessions_that_are_long_numbers_stay_apart() -> None:
    _, both = simulated(0.0, 2, 5, 1)
    days = both.frame["session"].map({1: 20260311.0, 2: 20260312.0})
    split = split_sessions(mc.read_choices(both.frame.assign(session=days), both.task), "session")
    assert split.participants == ["s1/20260311", "s1/20260312", "s2/20260311", "s2/20260312"]


def test_who_missed_a_session_is_there_with_the_others() -> None:
    """The session that was missed counts nothing, whoever it is of, and is in no table."""
    _, both = simulated(0.0, 3, 10, 1)
    rest = both.frame.query("participant != 's2' or session == 2")
    partly = mc.read_choices(rest, both.task)
    filled = split_sessions(fill_sessions(partly, "session"), "session")
    people = ["s1/1", "s1/2", "s3/1", "s3/2", "s2/1", "s2/2"]
    assert filled.participants == people
    scores = [
        mc.log_likelihood(MODEL, data, pd.DataFrame({"alpha": [0.3], "beta": 2.0, "w": 0.4}))
        for data in (filled, split_sessions(both, "session"))
    ]
    wanted = scores[1]["total"].where(scores[1].index != "s2/1", 0.0)
    pd.testing.assert_series_equal(scores[0]["total"], wanted.loc[people])
    few: dict[str, Any] = {"chains": 1, "draws": 5, "tune": 5, "progress": False}
    fit = mc.fit(MODEL, partly, sessions="session", seed=1, **few)
    assert list(fit.parameters.index) == [name for name in people if name != "s2/1"]
    came = split_sessions(partly, "session")
    assert fit.about["data"] == {"participants": 5, "trials": 50, "digest": digest(came)}
    assert as_fitted(fit, partly).participants == came.participants
    assert as_fitted(fit, came) is came
    found = [mc.doctor(fit, given, seed=1, draws=4) for given in (partly, came)]
    pd.testing.assert_frame_equal(*found)
    with pytest.raises(ValueError, match=r"5 participants, 50 .* given \(6 participants, 60"):
        as_fitted(fit, both)
    apart = mc.read_choices(both.frame.query("session == 1 + (participant == 's2')"), both.task)
    with pytest.raises(ValueError, match="nobody came to two sessions"):
        mc.fit(MODEL, apart, sessions="session", seed=1)


def test_what_cannot_correlate_is_refused() -> None:
    together, both = simulated(0.0, 3, 10, 1)
    with pytest.raises(ValueError, match="need method='nuts', got 'map'"):
        mc.fit(MODEL, together, method="map", correlated=True, seed=1)
    with pytest.raises(ValueError, match="correlated or sessions, not both"):
        mc.fit(MODEL, both, correlated=True, sessions="session", seed=1)
    with pytest.raises(ValueError, match="centring must be 'auto' or 0, got 0.5"):
        mc.fit(MODEL, together, correlated=True, centring=0.5, seed=1)
    with pytest.raises(ValueError, match="two or more of alpha, beta, w; got w, lam"):
        mc.fit(MODEL, together, correlated=["w", "lam"], centring=0.0, seed=1)


def test_what_a_session_cannot_tell_is_refused() -> None:
    """Each session is a group: what differs between sessions only is its intercept by two names."""
    _, both = simulated(0.0, 4, 10, 1)
    frame = both.frame.query("participant != 's3' or session == 1")
    second, order = frame["session"] == 2, frame["participant"].isin(["s1", "s2"])
    frame = frame.assign(
        drug=second * 1.0,
        crossed=(second == order) * 1.0,
        load=frame["trial"] % 2,
        age=frame["participant"].map({"s1": -1.0, "s2": 0.5, "s3": 1.0, "s4": 0.2}),
    )
    data = mc.read_choices(frame, both.task)
    few: dict[str, Any] = {"chains": 1, "draws": 5, "tune": 5, "progress": False, "seed": 1}
    for formula, said in (
        (
            "1 + C(session)",
            r"w_C\(session\)\[T.2\] .* for w in session 1: it never changes",
        ),
        ("load + drug", "w_drug .* for w in session 1: .* leave out what differs between sessions"),
        ("0 + load + load:drug", "w_load:drug .* for w in session 1: .* or fit without sessions"),
    ):
        with pytest.raises(ValueError, match=said):
            mc.fit(MODEL, data, sessions="session", formulas={"w": formula}, **few)
    fit = mc.fit(MODEL, data, sessions="session", formulas={"w": "crossed + load * age"}, **few)
    assert "w_crossed" in fit.parameters


@pytest.mark.slow
def test_correlations_come_back() -> None:
    """Of parameters, in both ways of writing them, and of w between sessions.

    Five of forty people missed the second session. Each true correlation of .6 is within 95 % of
    its posterior, whose mean is not that of the prior (0); two ways agree within Monte Carlo error
    (sd .23 with an ESS of 100 or more: .1 is 3 of it).
    """
    together, both = simulated(0.6, 40, 100, 3)
    settings: dict[str, Any] = {"seed": 1, "chains": 2, "draws": 250, "tune": 250}
    found = []
    for centring in ("auto", 0.0):
        fit = mc.fit(MODEL, together, correlated=["beta", "w"], centring=centring, **settings)
        assert fit.diverging == 0
        (row,) = fit.correlations.itertuples()
        assert (row.parameter_a, row.parameter_b) == ("beta", "w")
        assert row.lower < 0.6 < row.upper
        assert row.mean > 0.2
        found.append(row.mean)
    assert found[0] == pytest.approx(found[1], abs=0.1)

    late = both.frame["participant"].isin([f"s{i}" for i in range(1, 40, 8)])
    came = mc.read_choices(both.frame[~late | (both.frame["session"] == 1)], both.task)
    fit = mc.fit(MODEL, came, sessions="session", **settings)
    table = fit.correlations.set_index("parameter")
    assert list(table[["session_a", "session_b"]].iloc[0]) == ["1", "2"]
    assert table.loc["w", "lower"] < 0.6 < table.loc["w", "upper"]
    assert table.loc["w", "mean"] > 0.2
    assert table.loc["alpha", "lower"] < 1.0
    group = fit.group.set_index(["parameter", "session"])
    assert group.loc[("w_sd", "2"), "lower"] < 2 < group.loc[("w_sd", "2"), "upper"]
    weights = mc.weight_by_condition(fit)
    assert weights["session"].tolist() == ["1", "2"]
    assert weights["mean"][1] == pytest.approx(group.loc[("w_group", "2"), "mean"])
    one = mc.reliability(fit, seed=1).pivot(
        index="session", columns="parameter", values="reliability"
    )
    assert (one["w"] > one["alpha"]).all()  # spreads of 2 and of .3
