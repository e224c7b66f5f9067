"""Several models at once: how many people have which, and the group of those who do.

Hierarchical Bayesian inference (HBI) of Piray et al. (2019, doi:10.1371/journal.pcbi.1007043).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import digamma, softmax

from metacontrol.fitting.individuals import Individuals, Modes, Normal
from metacontrol.fitting.random_effects import frequencies, random_effects
from metacontrol.fitting.sampling import bar
from metacontrol.models.formulas import Formulas
from metacontrol.models.model import Model
from metacontrol.models.scoring import Scoring
from metacontrol.tasks.choices import Choices

# The authors' own: people's worth of the priors of a group's means and of its precisions, half
# the sum of squares of the latter; most rounds, and the change of means that ends them.
WORTH, HALF_WORTH, HALF_SQUARES = 1.0, 0.5, 0.01
ROUNDS, TOLERANCE = 50, 0.01


@dataclass(frozen=True, eq=False, repr=False)
class HBI:
    """What `hbi` found.

    Attributes
    ----------
    frequencies : DataFrame
        A row for each model, as from `random_effects`: `frequency`, `exceedance`, `protected`.
    group : DataFrame
        Columns model, parameter, and on the scale of the link `mean`, `error`, `lower`, `upper`
        (95 %) of the mean of those who have the model, and their `sd`.
    responsibilities : DataFrame
        Index participant, a column for each model: the probability of having it.
    evidence : DataFrame
        Likewise log-evidence in nats, given the groups; for `random_effects` with families.
    parameters : dict of str to DataFrame
        By model each participant's coefficients, if they had it; ready for `simulate`.
    converged : bool
        Whether the groups' means came to rest; printed where they did not.
    """

    frequencies: pd.DataFrame
    group: pd.DataFrame
    responsibilities: pd.DataFrame
    evidence: pd.DataFrame
    parameters: dict[str, pd.DataFrame]
    converged: bool

    def __repr__(self) -> str:
        lines = [f"HBI of {', '.join(self.evidence)}: {len(self.evidence):,} participants"]
        for row in self.frequencies.itertuples():
            lines.append(f"  {row.model}: frequency {row.frequency:.2f}")
        if not self.converged:
            lines.append(
                f"  not settled after {ROUNDS} rounds: frequencies and groups still change; fewer "
                "models or parameters may settle"
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class _Group:
    """Posterior of one model's group, normal-gamma: arrays of shape (coefficients,)."""

    mean: np.ndarray
    worth: float
    half_worth: float
    half_squares: np.ndarray

    @classmethod
    def of(cls, modes: Modes, shares: np.ndarray, expected: np.ndarray) -> _Group:
        """Return the group of participants who have the model with these probabilities."""
        people = shares.sum()
        weights = shares / people
        mean = weights @ modes.values
        own = np.diagonal(modes.covariance, axis1=1, axis2=2)
        variance = weights @ (modes.values**2 + own) - mean**2
        pull = people * WORTH / (people + WORTH) * (mean - expected) ** 2
        return cls(
            mean=(WORTH * expected + people * mean) / (WORTH + people),
            worth=WORTH + people,
            half_worth=HALF_WORTH + people / 2,
            half_squares=HALF_SQUARES + (people * variance + pull) / 2,
        )

    @property
    def normal(self) -> Normal:
        """Prior of the participants."""
        return Normal(self.mean, np.diag(self.half_squares / self.half_worth))

    @property
    def uncertainty(self) -> float:
        """What not knowing the group exactly adds to each participant's log-evidence."""
        of_logs = digamma(self.half_worth) - np.log(self.half_worth)
        return 0.5 * len(self.mean) * (of_logs - 1 / self.worth)

    def table(self, names: Sequence[str]) -> pd.DataFrame:
        """Return means with their errors: a Student distribution of 2 half_worth freedoms."""
        error = np.sqrt(self.half_squares / self.worth / self.half_worth)
        half = stats.t.isf(0.025, 2 * self.half_worth) * error
        return pd.DataFrame(
            {
                "parameter": list(names),
                "mean": self.mean,
                "error": error,
                "lower": self.mean - half,
                "upper": self.mean + half,
                "sd": np.sqrt(self.half_squares / self.half_worth),
            }
        )


def hbi(
    models: Sequence[Model],
    data: Choices,
    *,
    formulas: Formulas | None = None,
    progress: bool = True,
) -> HBI:
    """Fit several models at once, each to those who have it.

    Who has which model, and what the group of each model is like, are found together: a person
    counts for a model's group as much as it is probable that they have the model. Each person's
    posterior is taken to be normal around its mode (Laplace), as by ``fit(method="em-laplace")``,
    which misleads where trials are few. The omnibus risk of `frequencies` is that of
    `random_effects` at the evidence found, where the authors run all again without differences.

    Whether a model is any good is not asked: of 20 people who chose at random on 60 trials
    `MODEL_BASED` had, against `MODEL_FREE`, a frequency of .95 and a protected exceedance of 1.
    Check first that log-likelihoods are above those of a coin, as `doctor` does, or use
    `random_effects` with the evidence of each person alone.

    Parameters
    ----------
    models : sequence of Model
        Two or more, with different names.
    data : Choices
        The choices.
    formulas : mapping of str to str, optional
        As for `fit`, of all models; of columns that vary within participants.
    progress : bool
        Whether to show a progress bar on a terminal.

    Raises
    ------
    ValueError
        If there are fewer than two models, two have the same name, or a formula has a regressor
        that does not vary within participants.
    """
    names = [model.name for model in models]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(f"hbi takes two models or more of different names, got {names}")
    people = [Individuals(Scoring.of(model, data, formulas)) for model in models]
    if fixed := sorted({name for each in people for name in each.movers}):
        raise ValueError(f"hbi takes regressors that vary within participants, not {fixed}")
    priors = [each.prior() for each in people]
    modes = [each.modes(prior) for each, prior in zip(people, priors, strict=True)]
    shares = np.ones((len(modes[0].values), len(models)))
    means = [prior.mean for prior in priors]
    with bar(f"{len(models)} models", progress) as tell:
        for number in range(ROUNDS):
            groups = [
                _Group.of(mode, share, prior.mean)
                for mode, share, prior in zip(modes, shares.T, priors, strict=True)
            ]
            modes = [
                each.modes(group.normal, mode.values)
                for each, group, mode in zip(people, groups, modes, strict=True)
            ]
            evidence = np.column_stack(
                [m.log_evidence + g.uncertainty for m, g in zip(modes, groups, strict=True)]
            )
            counts = frequencies(evidence)[0]
            shares = softmax(evidence + digamma(counts), axis=1)
            changes = [np.abs(g.mean - m).max() for g, m in zip(groups, means, strict=True)]
            means = [group.mean for group in groups]
            tell((number + 1) / ROUNDS)
            if settled := max(changes) < TOLERANCE:
                break
    index = pd.Index(people[0].scoring.participants, name="participant")
    tables = [g.table(each.names) for g, each in zip(groups, people, strict=True)]
    group = pd.concat(dict(zip(names, tables, strict=True)), names=["model"])
    found = pd.DataFrame(evidence, index, names)
    return HBI(
        frequencies=random_effects(found),
        group=group.droplevel(1).reset_index(),
        responsibilities=pd.DataFrame(shares, index, names),
        evidence=found,
        parameters={
            name: pd.DataFrame(each.natural(mode.values), index)
            for name, each, mode in zip(names, people, modes, strict=True)
        },
        converged=bool(settled),
    )
