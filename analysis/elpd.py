"""What a cross-validation found: how well a model predicts what it was not fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from metacontrol.fitting.psis import GOOD


@dataclass(frozen=True, eq=False, repr=False)
class Elpd:
    """Expected log predictive density of a model. Made by `loo` and `kfold`.

    Attributes
    ----------
    model : str
        The model's name.
    question : str
        What it answers, in words.
    points : DataFrame
        One row for each thing left out: `participant`, `trial` (where trials were left out),
        `elpd` in nats, `pareto_k` (missing where nothing was weighted), and what else there is to
        know of it.
    done : str
        What was done about large Pareto k, and what is left to do; empty if there were none.
    digest : str
        What tells the choices that were predicted from any others; empty if it is not known.
    method : str
        By which method the model was fitted; empty if it is not known.
    """

    model: str
    question: str
    points: pd.DataFrame
    done: str = ""
    digest: str = ""
    method: str = ""

    @property
    def elpd(self) -> float:
        """The sum over all points, in nats."""
        return float(self.points["elpd"].sum())

    @property
    def participants(self) -> pd.Series:
        """Each participant's sum, index participant."""
        return self.points.groupby("participant", sort=False)["elpd"].sum()

    @property
    def se(self) -> float:
        """Standard error of the sum, with participants as what was sampled."""
        return spread(self.participants)

    @property
    def large_k(self) -> pd.DataFrame:
        """The points whose Pareto k is above 0.7: their `elpd` is not to be trusted."""
        return self.points[self.points["pareto_k"] > GOOD]

    def __repr__(self) -> str:
        kind = "trials" if "trial" in self.points else "participants"
        k = self.points["pareto_k"]
        lines = [
            f"{self.model}: elpd {self.elpd:,.1f} (standard error {self.se:,.1f}), "
            f"{len(self.points):,} {kind}",
            f"  {self.question}",
        ]
        if k.notna().any():
            lines.append(
                f"  Pareto k: at most {k.max():.2f}, above {GOOD} in {len(self.large_k):,} {kind}"
            )
        return "\n".join([*lines, f"  {self.done}"] if self.done else lines)


def spread(sums: pd.Series) -> float:
    """Return the standard error of the sum of independent numbers.

    Examples
    --------
    >>> round(spread(pd.Series([1.0, 2.0, 3.0])), 3)
    1.732
    """
    return float(np.sqrt(len(sums)) * sums.std(ddof=1))
