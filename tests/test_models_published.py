"""Fits that others published: at their parameters our likelihood is theirs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat

from metacontrol.fitting.priors import coefficient_priors
from metacontrol.models import GAGNE_2021, HYBRID_KOOL, PLAN_UNTIL_HABIT, Model, log_likelihood
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import KERAMATI_2016, Choices, read_choices

KERAMATI = {"plan_until_habit_weight_1": "w1", "habit_weight_2": "w2"}  # theirs of habit
SETS = {"kool2016-daw": "daw paradigm", "kool2016-novel": "novel paradigm"}
FAMILY: dict[str, dict[str, Any]] = {  # in the order of their numbers in results.mat
    "hybrid": {},
    "model_based": {"w": 1.0, "lam": 0.0},
    "model_free": {"w": 0.0},
}
STICKINESS = ("stimulus_stickiness", "response_stickiness")
NAMES = {
    "inverse temperature": "beta",
    "learning rate": "alpha",
    "eligibility trace decay": "lam",
    "mixing weight": "w",
    "choice stickiness": "stimulus_stickiness",
    "response stickiness": "response_stickiness",
}


@pytest.fixture(params=SETS)
def kool(request: pytest.FixtureRequest, shared: Path) -> tuple[str, Choices, pd.DataFrame]:
    """Name, choices and published fits of a set of Kool et al. (2016)."""
    data: Choices = request.getfixturevalue(request.param.replace("-", "_"))
    fits = pd.read_csv(shared / "data" / request.param / "published_fits.csv")
    return request.param, data, fits.rename(columns={"lambda": "lam"})


def kool_model(family: str, sticky: tuple[int, int]) -> Model:
    """Return one of the 12 models of the paper: the full hybrid with parameters fixed."""
    absent: dict[str, Any] = {
        name: 0.0 for name, there in zip(STICKINESS, sticky, strict=True) if not there
    }
    return HYBRID_KOOL.fix(**FAMILY[family], **absent)


def rows_of(fits: pd.DataFrame, family: str, sticky: tuple[int, int]) -> pd.DataFrame:
    there = [fits[f"{name}_in_model"] == s for name, s in zip(STICKINESS, sticky, strict=True)]
    return fits[(fits["model"] == family) & there[0] & there[1]].set_index("participant")


def at_full_precision(results: Path, family: str, sticky: tuple[int, int]) -> pd.DataFrame:
    """Return parameters and log-likelihoods of a model as MATLAB stored them, in file order."""
    number = (list(FAMILY).index(family) + 1, *sticky)
    for stored in loadmat(results, squeeze_me=True, struct_as_record=False)["results"]:
        if (stored.opts.model, stored.opts.st, stored.opts.respst) == number:
            columns = [NAMES[parameter.name] for parameter in stored.param]
            return pd.DataFrame(stored.x, columns=columns).assign(loglik=stored.loglik)
    raise LookupError(number)


@pytest.mark.parametrize("sticky", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("family", FAMILY)
def test_kool_2016_log_likelihood(
    kool: tuple[str, Choices, pd.DataFrame], shared: Path, family: str, sticky: tuple[int, int]
) -> None:
    """Every participant x 12 models.

    The CSV's 8 decimals are not enough for novel n172 (slope -481 at alpha), hence the originals.
    """
    name, data, fits = kool
    rounded = rows_of(fits, family, sticky)
    results = shared / "raw/wkool+tradeoffs/data" / SETS[name] / "results.mat"
    exact = at_full_precision(results, family, sticky).set_index(rounded.index)
    ours = log_likelihood(kool_model(family, sticky), data, exact)["total"]
    assert list(ours.index) == list(exact.index)
    np.testing.assert_allclose(ours, exact["loglik"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours, rounded["loglik"], rtol=0, atol=5.1e-7)


def test_kool_2016_log_posterior(kool: tuple[str, Choices, pd.DataFrame]) -> None:
    """The priors of the full hybrid are the paper's, constants included."""
    _, data, fits = kool
    at = rows_of(fits, "hybrid", (1, 1))
    scoring = Scoring.of(HYBRID_KOOL, data)
    priors = coefficient_priors(scoring.story)
    prior = sum(np.asarray(priors[name].logpdf(at[name].to_numpy())) for name in priors)
    ours = log_likelihood(HYBRID_KOOL, data, at)["total"] + prior
    np.testing.assert_allclose(ours, at["logposterior"], rtol=0, atol=1e-6)


def test_gagne_2021_log_likelihood_by_stage(gillan2016: Choices, shared: Path) -> None:
    """792 participants, both stages."""
    fits = pd.read_csv(shared / "data/gillan2016/published_fits.csv")
    names = {"beta_stage2": "beta2", "beta_MB": "beta_mb", "beta_MF1": "beta_mf"}
    fits = fits.rename(columns={**names, "beta_sticky": "p"})
    fits = fits[fits["model"] == "mean_mb_mf_sticky"].set_index("participant")
    ours = log_likelihood(GAGNE_2021, gillan2016, fits)
    assert len(ours) == 792
    for column, stage in (("first_choice", "_stage1"), ("second_choice", "_stage2"), ("total", "")):
        theirs = -fits.loc[ours.index, f"negloglik{stage}"]
        np.testing.assert_allclose(ours[column], theirs, rtol=0, atol=2e-6, err_msg=column)


def test_keramati_2016_log_likelihood(shared: Path) -> None:
    """Theirs counts a missed third press, after which nothing was shown, as no reward."""
    frame = pd.read_csv(shared / "data/keramati2016/choices.csv", dtype={"participant": str})
    frame.loc[frame["missed_stage"] == 3, "reward"] = 0
    fits = pd.read_csv(shared / "data/keramati2016/published_fits.csv").set_index("participant")
    weights = {ours: 1 - fits[theirs] for theirs, ours in KERAMATI.items()}
    at = fits.assign(p=fits["stay"], **weights)
    ours = log_likelihood(PLAN_UNTIL_HABIT, read_choices(frame, KERAMATI_2016), at)
    np.testing.assert_allclose(ours["total"], fits["loglik_recomputed"], rtol=0, atol=1e-6)


def test_kool_2016_ranking(kool: tuple[str, Choices, pd.DataFrame], shared: Path) -> None:
    """AIC and BIC of the 12 models are the authors' for everyone, and so is the order by sums.

    They count the 125 trials, missed or not, and one parameter more of the model-based models, the
    eligibility, which nothing depends on where w = 1. Without it these are the best by BIC.
    """
    name, data, fits = kool
    results = shared / "raw/wkool+tradeoffs/data" / SETS[name] / "results.mat"
    sums = []
    for family in FAMILY:
        for sticky in ((0, 0), (0, 1), (1, 0), (1, 1)):
            theirs = rows_of(fits, family, sticky)
            exact = at_full_precision(results, family, sticky).set_index(theirs.index)
            model = kool_model(family, sticky)
            score = log_likelihood(model, data, exact)["total"]
            idle = family == "model_based"
            size = len(model.free) + idle
            assert (theirs["n_parameters"] == size).all()
            aic, bic = 2 * size - 2 * score, size * np.log(125) - 2 * score
            np.testing.assert_allclose(aic, theirs["aic"], rtol=0, atol=2e-6)
            np.testing.assert_allclose(bic, theirs["bic"], rtol=0, atol=2e-6)
            sums.append(
                {
                    "model": (family, sticky),
                    "aic": aic.sum(),
                    "bic": bic.sum(),
                    "their_aic": theirs["aic"].sum(),
                    "their_bic": theirs["bic"].sum(),
                    "counted": (bic - idle * np.log(125)).sum(),
                }
            )
    table = pd.DataFrame(sums).set_index("model")
    for criterion in ("aic", "bic"):
        ours = table[criterion].sort_values().index
        assert list(ours) == list(table[f"their_{criterion}"].sort_values().index)
    best = {
        "kool2016-daw": (("hybrid", (1, 1)), ("model_free", (1, 1)), ("model_based", (1, 1))),
        "kool2016-novel": (("hybrid", (1, 1)), ("hybrid", (0, 1)), ("model_based", (0, 1))),
    }
    assert tuple(table[by].idxmin() for by in ("aic", "bic", "counted")) == best[name]
