"""How frequent are models among people? Random-effects Bayesian model selection."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import digamma, expit, gammaln, logsumexp, softmax, xlogy

NODES = 500  # of an integral from 0 to 1 whose error is then below 1e-4


def random_effects(
    evidence: pd.DataFrame, families: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return how frequent models are among people: random-effects Bayesian model selection.

    Stephan et al. (2009, doi:10.1016/j.neuroimage.2009.03.025): each person has one of the models,
    drawn with unknown frequencies r, whose prior is Dirichlet(1, ..., 1); the posterior is a
    Dirichlet too, found by variational Bayes. The exceedance probability of a model is that of
    being the most frequent one. The protected one (Rigoux et al. 2014,
    doi:10.1016/j.neuroimage.2013.08.065) allows for all being equally frequent, what has the
    probability `bor`, the Bayesian omnibus risk::

        protected = exceedance (1 - bor) + bor / K,   bor = 1 / (1 + exp(F1 - F0))

    with F1 the free energy, and F0 = sum_n log( sum_k exp(L_nk) / K ) where all are as frequent.

    Parameters
    ----------
    evidence : DataFrame
        Log-evidence in nats, a row for each participant and a column for each model, such as
        from `log_evidence`.
    families : mapping of str to str, optional
        Each model's family. Families are then compared in place of models (Penny et al. 2010,
        doi:10.1371/journal.pcbi.1000709), the evidence of each being the mean over its models, so
        that large families have no advantage.

    Returns
    -------
    DataFrame
        One row for each model or family, most frequent first. Columns model (or family),
        `frequency` (posterior mean), `lower`, `upper` (95 %), `exceedance`, `protected` and `bor`.

    Raises
    ------
    ValueError
        If there are fewer than two models or families, evidence is missing or not finite, or a
        model has no family.
    """
    models = [str(name) for name in evidence]
    if len(models) < 2:
        raise ValueError(f"two models or more are compared, got {len(models)}")
    values = evidence.to_numpy(dtype=float)
    if not len(values) or not np.isfinite(values).all():
        raise ValueError("evidence must be a finite number for each participant and model")
    if families is not None:
        if absent := [name for name in models if name not in families]:
            raise ValueError(f"no family is given for {', '.join(absent)}")
        of = np.array([families[name] for name in models])
        models = list(dict.fromkeys(of.tolist()))
        if len(models) < 2:
            raise ValueError(f"two families or more are compared, got {models[0]} only")
        members = [values[:, of == family] for family in models]
        values = np.column_stack([logsumexp(m, axis=1) - np.log(m.shape[1]) for m in members])
    alpha, bound = frequencies(values)
    total = alpha.sum()
    equal = (logsumexp(values, axis=1) - np.log(len(models))).sum()
    bor = float(expit(equal - bound))
    exceedance = exceedance_of(alpha)
    lower, upper = stats.beta(alpha, total - alpha).ppf([[0.025], [0.975]])
    table = pd.DataFrame(
        {
            "model" if families is None else "family": models,
            "frequency": alpha / total,
            "lower": lower,
            "upper": upper,
            "exceedance": exceedance,
            "protected": exceedance * (1 - bor) + bor / len(alpha),
            "bor": bor,
        }
    )
    return table.sort_values("frequency", ascending=False, ignore_index=True)


def frequencies(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the posterior Dirichlet's parameters and the free energy."""
    models = values.shape[1]
    alpha = np.full(models, 1 + len(values) / models)
    while True:
        expected = digamma(alpha) - digamma(alpha.sum())
        shares = softmax(values + expected, axis=1)
        new = 1 + shares.sum(axis=0)
        if np.abs(new - alpha).max() < 1e-10 * len(values):
            break
        alpha = new
    bound = (
        (shares * (values + expected)).sum()
        - xlogy(shares, shares).sum()
        + gammaln(models)
        + stats.dirichlet(alpha).entropy()
    )
    return alpha, float(bound)


def exceedance_of(alpha: np.ndarray) -> np.ndarray:
    """Return the probability of each share of a Dirichlet to be the largest.

    Examples
    --------
    >>> exceedance_of(np.array([2.0, 2.0])).round(4).tolist()
    [0.5, 0.5]
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    below = [stats.gamma(a).cdf for a in alpha]
    found = []
    for k, a in enumerate(alpha):
        x = stats.gamma(a).ppf((nodes + 1) / 2)
        others = [cdf(x) for j, cdf in enumerate(below) if j != k]
        found.append(weights @ np.prod(others, axis=0) / 2)
    return np.array(found) / sum(found)
