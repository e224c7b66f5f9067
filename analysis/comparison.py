"""Which model? Criteria or predictions side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import logsumexp

from metacontrol.analysis.criteria import fits_table, method_of, named
from metacontrol.analysis.elpd import Elpd, spread
from metacontrol.analysis.loo import Leave, loo
from metacontrol.analysis.style import BLUE, GREY
from metacontrol.fitting.fit import ALONE
from metacontrol.fitting.result import Fit
from metacontrol.fitting.same_choices import must_be_same
from metacontrol.tasks.choices import Choices


def compare(
    fits: Sequence[Fit | Elpd] | Mapping[str, Fit | Elpd],
    data: Choices | None = None,
    *,
    leave: Leave = "trial",
    seed: int | None = None,
) -> pd.DataFrame:
    """Compare models that were fitted to the same choices.

    Fits by mle or map, of each participant alone, by AIC (Akaike 1974) and BIC (Schwarz 1978): the
    one asks which model will predict best, the other which is most probable, each as an
    approximation for many trials. Fits by laplace by their evidence. Fits of a group by how well
    they predict what is left out: give the data, and `leave` as for `loo`; or give what `loo` or
    `kfold` returned. Fits by em or em-laplace without data by `Fit.ibic`. Sums treat everybody as
    having the same model; for models that differ between people see `random_effects`.

    Parameters
    ----------
    fits : sequence of Fit or Elpd, or mapping of str to these
        Of the same choices, by the same method; by their models' names, or the names given.
    data : Choices, optional
        What was fitted, for fits of a group.
    leave : {"trial", "participant", "future"}
        What is left out, for fits of a group.
    seed : int, optional
        As for `loo`, for fits of a group.

    Returns
    -------
    DataFrame
        One row a model, best first. By AIC and BIC: columns model, `parameters`, `log_likelihood`,
        `aic`, `bic` (sums over participants, in nats, AIC and BIC as -2 log-likelihood and
        penalty), `aic_difference`, `bic_difference` (from the smallest), `best_by_aic`,
        `best_by_bic` (numbers of participants); smallest BIC first. By evidence: model,
        `parameters`, `log_evidence` (sum), `difference` (from the best), `best_for`. By iBIC:
        model, `parameters` (of the group), `log_evidence`, `ibic`, `ibic_difference`. By
        prediction: model, `elpd` (in nats), `se`, `difference` (from the best), `difference_se` (of
        the paired difference; participants are the sample), `weight` (of the mixture of models that
        predicts best: stacking, Yao et al. 2018, doi:10.1214/17-BA1091), `best_for` (number of
        participants), `large_k` (number of points that are not to be trusted).

    Raises
    ------
    ValueError
        If there are fewer than two fits, two have the same name, they are of different participants
        or choices, by several methods or answer different questions, fits by nuts or two-stage come
        without data and seed, or others with them.
    """
    chosen = named(fits)
    predicted = {isinstance(fit, Elpd) for fit in chosen.values()}
    if len(predicted) > 1:
        raise ValueError("what loo or kfold returned is compared with its like, not with a fit")
    method = method_of(chosen)
    if data is None and seed is None and leave == "trial":
        return _elpd_table(chosen) if True in predicted else fits_table(chosen)
    if True in predicted or method in ALONE:
        what = "what loo or kfold returned" if True in predicted else f"fits by {method}"
        raise ValueError(f"data, leave and seed are for fits of a group, these are {what}")
    if data is None or seed is None:
        raise ValueError("fits are compared by predictions given both data=... and seed=...")
    return _elpd_table(
        {name: loo(fit, data, leave=leave, seed=seed) for name, fit in chosen.items()}
    )


def _elpd_table(found: Mapping[str, Elpd]) -> pd.DataFrame:
    first = next(iter(found))
    keys = [k for k in ("participant", "session", "trial") if k in found[first].points]
    must_be_same({name: elpd.digest for name, elpd in found.items()})
    points = {
        name: elpd.points.sort_values(keys, kind="stable", ignore_index=True)
        for name, elpd in found.items()
    }
    for name, elpd in found.items():
        if elpd.question != found[first].question:
            raise ValueError(f"{name} and {first} answer different questions")
        if not points[name][keys].equals(points[first][keys]):
            raise ValueError(f"{name} and {first} are not of the same choices")
    people = pd.DataFrame({name: elpd.participants for name, elpd in found.items()})
    best = people.sum().idxmax()
    apart = people.sub(people[best], axis=0)
    table = pd.DataFrame(
        {
            "model": list(found),
            "elpd": people.sum().to_numpy(),
            "se": people.apply(spread).to_numpy(),
            "difference": apart.sum().to_numpy(),
            "difference_se": apart.apply(spread).to_numpy(),
            "weight": stacking_weights(np.column_stack([p["elpd"] for p in points.values()])),
            "best_for": [int((people.idxmax(axis=1) == name).sum()) for name in found],
            "large_k": [len(elpd.large_k) for elpd in found.values()],
        }
    )
    return table.sort_values("elpd", ascending=False, ignore_index=True)


def stacking_weights(points: np.ndarray) -> np.ndarray:
    """Return the weights of the mixture of predictions that predicts best.

    Parameters
    ----------
    points : array, shape (points, models)
        Log predictive densities.

    Returns
    -------
    array, shape (models,)
        Which sum to 1.

    Examples
    --------
    >>> stacking_weights(np.log([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])).round(2).tolist()
    [0.71, 0.29]
    """
    log_weights = np.full(points.shape[1], -np.log(points.shape[1]))
    last = -np.inf
    while True:  # the EM algorithm of a mixture's shares: each step predicts better
        mixed = points + log_weights
        total = logsumexp(mixed, axis=1)
        if total.sum() - last < 1e-9 * len(points):
            return np.exp(log_weights)
        last = total.sum()
        log_weights = logsumexp(mixed - total[:, None], axis=0) - np.log(len(points))


def plot_comparison(table: pd.DataFrame, ax: Axes) -> Axes:
    """Draw by how much models predict worse than the best, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        From `compare`, of what `loo` or `kfold` found.
    ax : Axes
        Where to draw.
    """
    if "difference" not in table:
        raise ValueError("only models compared by prediction are drawn: see loo and kfold")
    places = np.arange(len(table))
    ax.axvline(0, color=GREY, linewidth=0.8, linestyle="--")
    width = 1.96 * table["difference_se"]
    ax.errorbar(table["difference"], places, xerr=width, fmt="o", color=BLUE, markersize=4)
    labels = [fill(name.replace("(", " ("), 24) for name in table["model"]]
    ax.set_yticks(places, [label.replace(" (", "(") for label in labels])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("Difference in elpd (nats)")
    return ax
