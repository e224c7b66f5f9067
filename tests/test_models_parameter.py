"""Priors and links."""

import numpy as np
import pytest
from scipy import stats

from metacontrol.models import MODELS, Link, Model, Prior

PRIORS = [
    (Prior("normal", 0.15, 1.42), stats.norm(0.15, 1.42)),
    (Prior("half_normal", 0.2), stats.halfnorm(scale=0.2)),
    (Prior("beta", 1.1, 2.3), stats.beta(1.1, 2.3)),
    (Prior("gamma", 4.82, 0.88), stats.gamma(4.82, scale=0.88)),
    (Prior("uniform", -1.0, 5.0), stats.uniform(-1.0, 6.0)),
]


@pytest.mark.parametrize(("prior", "expected"), PRIORS, ids=[p.family for p, _ in PRIORS])
def test_densities(prior: Prior, expected: stats.rv_continuous) -> None:
    x = expected.ppf([0.01, 0.3, 0.5, 0.99])
    np.testing.assert_allclose(prior.logpdf(x), expected.logpdf(x), rtol=1e-12)
    np.testing.assert_allclose(prior.quantile(expected.cdf(x)), x, rtol=1e-9)


@pytest.mark.parametrize(("prior", "expected"), PRIORS, ids=[p.family for p, _ in PRIORS])
def test_draws(prior: Prior, expected: stats.rv_continuous) -> None:
    """Kolmogorov-Smirnov: the distance of n draws exceeds 2.23 / sqrt(n) once in 10,000 times."""
    draws = prior.draw(4_000, np.random.default_rng(1))
    distance = stats.kstest(draws, expected.cdf).statistic
    assert distance < 2.23 / np.sqrt(4_000)
    np.testing.assert_array_equal(draws, prior.draw(4_000, np.random.default_rng(1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cauchy", 1.0), "unknown family 'cauchy'; known: normal, half_normal, beta, gamma, unif"),
        (("normal", 1.0), r"a normal prior takes mean and sd, got 1 number\(s\)"),
        (("half_normal", 1.0, 2.0), r"a half_normal prior takes sd, got 2 number\(s\)"),
        (("normal", 0.0, 0.0), "sd of a normal prior must be positive, got 0"),
        (("normal", 0.0, np.nan), "sd of a normal prior must be positive, got nan"),
        (("beta", -1.0, 1.0), "a of a beta prior must be positive, got -1"),
        (("gamma", 1.0, 0.0), "scale of a gamma prior must be positive, got 0"),
        (("uniform", 1.0, 1.0), "a uniform prior needs low < high"),
    ],
)
def test_priors_that_are_none(arguments: tuple[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Prior(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("link", "x", "expected"),
    [
        (Link("logit"), np.log(3.0), 0.75),
        (Link("logit", upper=4.0), np.log(3.0), 3.0),
        (Link("log"), np.log(3.0), 3.0),
        (Link("identity"), -3.0, -3.0),
        (Link("probit", upper=5.0), 0.0, 2.5),
        (Link("probit"), 1.0, 1 / (1 + np.exp(-0.07056 - 1.5976))),
    ],
    ids=str,
)
def test_links(link: Link, x: float, expected: float) -> None:
    assert float(link.inverse(x)) == pytest.approx(expected, rel=1e-14)


def test_probit_is_close_to_the_normal_distribution() -> None:
    """Stan's approximation errs by .00014 at most."""
    x = np.linspace(-6, 6, 241)
    np.testing.assert_allclose(Link("probit").inverse(x), stats.norm.cdf(x), atol=1.5e-4)


@pytest.mark.parametrize("link", [Link("logit"), Link("probit", upper=5.0), Link("log")], ids=str)
def test_links_stay_within_their_bounds(link: Link) -> None:
    low, high = link.bounds
    values = link.inverse(np.array([-700.0, -1.0, 0.0, 1.0, 700.0]))
    assert (np.diff(values) >= 0).all()
    assert values.min() >= low
    assert values.max() <= high


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_group_is_expected_where_its_people_are(model: Model) -> None:
    """The middle of a group's prior mean is one of the likelier 80 % of individual values."""
    rng = np.random.default_rng(1)
    for parameter in model.free:
        low, high = np.quantile(parameter.prior.draw(4_000, rng), [0.1, 0.9])
        middle = parameter.link.inverse(parameter.group_mean.mean)
        assert low < middle < high, f"{parameter.name}: {middle:g} is not from {low:g} to {high:g}"
