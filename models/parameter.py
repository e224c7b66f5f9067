"""Parameters: what a model's numbers are called, where they may lie, what is likely beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, pi, sqrt
from typing import Any, Literal

import jax.numpy as jnp
import jax.scipy.stats as stats
import numpy as np
from scipy import special

FARTHEST = 36.0  # where probabilities are 0 and 1 to rounding

Family = Literal["normal", "half_normal", "beta", "gamma", "uniform"]

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "normal": ("mean", "sd"),
    "half_normal": ("sd",),
    "beta": ("a", "b"),
    "gamma": ("shape", "scale"),
    "uniform": ("low", "high"),
}


@dataclass(frozen=True)
class Prior:
    """A distribution of one number, written once for every way of fitting.

    Parameters
    ----------
    family : {"normal", "half_normal", "beta", "gamma", "uniform"}
        Its kind.
    *arguments : float
        normal: mean, sd; half_normal: sd; beta: a, b; gamma: shape, scale; uniform: low, high.

    Raises
    ------
    ValueError
        If the family is unknown, or has another number of arguments, or a width or shape that is
        not positive.

    Examples
    --------
    >>> prior = Prior("gamma", 4.82, 0.88)
    >>> prior
    Prior('gamma', shape=4.82, scale=0.88)
    >>> round(float(Prior("normal", 0.0, 1.0).logpdf(0.0)), 4)
    -0.9189
    """

    family: Family
    arguments: tuple[float, ...]

    def __init__(self, family: Family, *arguments: float) -> None:
        if family not in _ARGUMENTS:
            raise ValueError(f"unknown family {family!r}; known: {', '.join(_ARGUMENTS)}")
        names = _ARGUMENTS[family]
        if len(arguments) != len(names):
            raise ValueError(
                f"a {family} prior takes {' and '.join(names)}, got {len(arguments)} number(s)"
            )
        for name, value in zip(names, arguments, strict=True):
            if name not in ("mean", "low", "high") and not value > 0:
                raise ValueError(f"{name} of a {family} prior must be positive, got {value}")
        if not all(isfinite(value) for value in arguments):
            raise ValueError(f"a {family} prior takes finite numbers, got {arguments}")
        if family == "uniform" and not arguments[0] < arguments[1]:
            raise ValueError(f"a uniform prior needs low < high, got {arguments}")
        object.__setattr__(self, "family", family)
        object.__setattr__(self, "arguments", tuple(float(value) for value in arguments))

    def __repr__(self) -> str:
        pairs = zip(_ARGUMENTS[self.family], self.arguments, strict=True)
        return f"Prior({self.family!r}, {', '.join(f'{n}={v:g}' for n, v in pairs)})"

    @property
    def mean(self) -> float:
        """The mean.

        Examples
        --------
        >>> Prior("gamma", 2.0, 3.0).mean
        6.0
        """
        match self.family, self.arguments:
            case "normal", (mean, _):
                return mean
            case "half_normal", (sd,):
                return sd * sqrt(2 / pi)
            case "beta", (a, b):
                return a / (a + b)
            case "gamma", (shape, scale):
                return shape * scale
            case _, (low, high):
                return (low + high) / 2
            case _:
                raise AssertionError(self)

    @property
    def variance(self) -> float:
        """The variance.

        Examples
        --------
        >>> Prior("gamma", 2.0, 3.0).variance
        18.0
        """
        match self.family, self.arguments:
            case "normal", (_, sd):
                return sd**2
            case "half_normal", (sd,):
                return sd**2 * (1 - 2 / pi)
            case "beta", (a, b):
                return a * b / ((a + b) ** 2 * (a + b + 1))
            case "gamma", (shape, scale):
                return shape * scale**2
            case _, (low, high):
                return (high - low) ** 2 / 12
            case _:
                raise AssertionError(self)

    def logpdf(self, x: Any) -> Any:
        """Return the log-density at `x`, differentiable by JAX."""
        match self.family, self.arguments:
            case "normal", (mean, sd):
                return stats.norm.logpdf(x, mean, sd)
            case "half_normal", (sd,):
                return stats.norm.logpdf(x, 0.0, sd) + jnp.log(2.0)
            case "beta", (a, b):
                return stats.beta.logpdf(x, a, b)
            case "gamma", (shape, scale):
                return stats.gamma.logpdf(x, shape, scale=scale)
            case _, (low, high):
                return stats.uniform.logpdf(x, low, high - low)
            case _:
                raise AssertionError(self)

    def quantile(self, share: Any) -> Any:
        """Return the number below which lies a share of the distribution.

        Examples
        --------
        >>> round(float(Prior("gamma", 1.0, 2.0).quantile(0.5)), 4)  # 2 ln 2
        1.3863
        """
        match self.family, self.arguments:
            case "normal", (mean, sd):
                return mean + sd * special.ndtri(share)
            case "half_normal", (sd,):
                return sd * special.ndtri((1 + share) / 2)
            case "beta", (a, b):
                return special.betaincinv(a, b, share)
            case "gamma", (shape, scale):
                return scale * special.gammaincinv(shape, share)
            case _, (low, high):
                return low + (high - low) * share
            case _:
                raise AssertionError(self)

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `size` numbers."""
        match self.family, self.arguments:
            case "normal", (mean, sd):
                return rng.normal(mean, sd, size)
            case "half_normal", (sd,):
                return np.abs(rng.normal(0.0, sd, size))
            case "beta", (a, b):
                return rng.beta(a, b, size)
            case "gamma", (shape, scale):
                return rng.gamma(shape, scale, size)
            case _, (low, high):
                return rng.uniform(low, high, size)
            case _:
                raise AssertionError(self)


@dataclass(frozen=True)
class Link:
    """How a parameter's natural scale and the whole real line map to each other.

    Parameters
    ----------
    name : {"logit", "log", "identity", "probit"}
        logit and probit: between 0 and `upper`; log: above 0; identity: any number. `probit` is
        the approximation of Stan and hBayesDM, Phi(x) ~ 1 / (1 + exp(-0.07056 x**3 - 1.5976 x)).
    upper : float
        Largest value, for logit and probit.
    """

    name: Literal["logit", "log", "identity", "probit"]
    upper: float = 1.0

    def inverse(self, x: Any, xp: Any = np) -> Any:
        """Map the real line to the natural scale; `xp` is the array module of `x`.

        Examples
        --------
        >>> float(Link("logit").inverse(0.0)), float(Link("log").inverse(0.0))
        (0.5, 1.0)
        """
        match self.name:
            case "logit":
                return self.upper * (0.5 + 0.5 * xp.tanh(0.5 * x))
            case "probit":
                return self.upper * (0.5 + 0.5 * xp.tanh(0.5 * (0.07056 * x**3 + 1.5976 * x)))
            case "log":
                return xp.exp(x)
            case "identity":
                return x

    def forward(self, values: Any) -> Any:
        """Map natural values to the real line, but no farther than 36 on either side.

        There probabilities are 0 and 1 to rounding, which have no finite logit.

        Examples
        --------
        >>> np.round(Link("logit").forward(np.array([0.5, 0.9, 1.0])), 3).tolist()
        [0.0, 2.197, 36.0]
        >>> round(float(Link("probit").inverse(Link("probit").forward(0.2))), 12)
        0.2
        """
        with np.errstate(divide="ignore"):
            match self.name:
                case "logit" | "probit":
                    found = np.log(values) - np.log(self.upper - values)
                    if self.name == "probit":  # the one real root of a x**3 + b x = logit
                        wide = np.sqrt(4 * 1.5976 / (3 * 0.07056))
                        found = wide * np.sinh(np.arcsinh(3 * found / (1.5976 * wide)) / 3)
                case "log":
                    found = np.log(values)
                case "identity":
                    return values
        return np.clip(found, -FARTHEST, FARTHEST)

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest natural value."""
        match self.name:
            case "logit" | "probit":
                return 0.0, self.upper
            case "log":
                return 0.0, np.inf
            case "identity":
                return -np.inf, np.inf


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model, declared once for simulating and for every way of fitting.

    Parameters
    ----------
    name : str
        Name in tables and formulas.
    meaning : str
        One sentence.
    link : Link
        Natural scale to real line and back.
    prior : Prior
        For one participant, on the natural scale: used by `fit(method="map")`.
    group_mean, group_sd : Prior
        For the group's mean and standard deviation on the link's scale: used by
        `fit(method="nuts")`.
    search : tuple of float
        Natural bounds within which point estimates are sought.
    """

    name: str
    meaning: str
    link: Link
    prior: Prior
    group_mean: Prior
    group_sd: Prior
    search: tuple[float, float]


def probability(name: str, meaning: str) -> Parameter:
    """Return a parameter between 0 and 1, with the Beta(1.1, 1.1) prior of Daw et al. (2011)."""
    return Parameter(
        name=name,
        meaning=meaning,
        link=Link("logit"),
        prior=Prior("beta", 1.1, 1.1),
        group_mean=Prior("normal", 0.0, 1.5),
        group_sd=Prior("half_normal", 1.0),
        search=(0.0, 1.0),
    )


def temperature(name: str, meaning: str) -> Parameter:
    """Return a positive parameter, with the Gamma(1.2, 5) prior of Daw et al. (2011)."""
    return Parameter(
        name=name,
        meaning=meaning,
        link=Link("log"),
        prior=Prior("gamma", 1.2, 5.0),
        group_mean=Prior("normal", 1.0, 1.0),
        group_sd=Prior("half_normal", 1.0),
        search=(0.0, 30.0),
    )


def stickiness(name: str, meaning: str) -> Parameter:
    """Return a parameter of either sign, with the Normal(0, 1) prior of Daw et al. (2011)."""
    return Parameter(
        name=name,
        meaning=meaning,
        link=Link("identity"),
        prior=Prior("normal", 0.0, 1.0),
        group_mean=Prior("normal", 0.0, 1.0),
        group_sd=Prior("half_normal", 1.0),
        search=(-30.0, 30.0),
    )


def effect(name: str, meaning: str, sd: float = 1.0) -> Parameter:
    """Return a parameter of either sign, such as a shift in log-odds; its prior has that sd."""
    return Parameter(
        name=name,
        meaning=meaning,
        link=Link("identity"),
        prior=Prior("normal", 0.0, sd),
        group_mean=Prior("normal", 0.0, sd),
        group_sd=Prior("half_normal", sd / 2),
        search=(-20.0, 20.0),
    )


def number(name: str, meaning: str) -> Parameter:
    """Return a positive number, of which some few are common."""
    return Parameter(
        name=name,
        meaning=meaning,
        link=Link("log"),
        prior=Prior("gamma", 1.2, 5.0),
        group_mean=Prior("normal", 1.0, 1.0),
        group_sd=Prior("half_normal", 1.0),
        search=(0.0, 200.0),
    )
