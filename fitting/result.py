"""What a fit found: tables, diagnostics in words, and a file that holds it all."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from metacontrol.fitting.diagnostics import CHECKS, OPEN, as_dataset, rhat, verdict
from metacontrol.fitting.trees import fault, read_tree, write_tree
from metacontrol.models import MODELS
from metacontrol.models.model import Model
from metacontrol.models.parameter import Prior
from metacontrol.tasks import TASKS, Reversals, Task, TwoStep, Walk

INTERVAL = 0.95


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model. Made by `fit`, saved by `save`, loaded by `load_fit`.

    Attributes
    ----------
    tree : xarray.DataTree
        Everything. Each participant alone (mle, map, laplace): `estimates`. A group: `posterior`;
        with `sample_stats` where it was sampled (nuts, two-stage), and `maximum` and `importance`
        where draws were weighed (two-stage, em, em-laplace). Attributes say what was fitted to
        what, with which seed and versions.
    own_model : Model, optional
        The model, where it is not one of ours.
    """

    tree: xr.DataTree
    own_model: Model | None = None

    @property
    def about(self) -> dict[str, Any]:
        """What was fitted: model, task, formulas, method, seed, versions, data."""
        return dict(json.loads(self.tree.attrs["about"]))

    @property
    def method(self) -> str:
        """By which method, see `fit`."""
        return str(self.about["method"])

    @property
    def sampled(self) -> bool:
        """Whether there are draws of the group and its participants, not estimates of each."""
        return "posterior" in self.tree.children

    @property
    def draws(self) -> int:
        """Number of draws of the posterior, those of all chains; 0 where there are none."""
        sizes = self.tree["posterior"].sizes if self.sampled else {"chain": 0, "draw": 0}
        return int(sizes["chain"] * sizes["draw"])

    @property
    def shared(self) -> list[str]:
        """The coefficients that are the same for everybody: they move the group's means."""
        if not self.sampled:
            return []
        group = set(self.group["parameter"])
        return [name for name in self.about["coefficients"] if f"{name}_sd" not in group]

    @property
    def digest(self) -> str:
        """What tells the choices that were fitted from any others; empty in older fits."""
        return str(self.about.get("data", {}).get("digest", ""))

    @property
    def formulas(self) -> dict[str, str]:
        """Formulas by parameter."""
        return dict(self.about["formulas"])

    @property
    def priors(self) -> dict[str, Prior]:
        """Priors that replaced the defaults, by name."""
        found = {}
        for name, text in self.about["priors"].items():  # as a prior prints itself
            family = re.findall(r"'(\w+)'", text)[0]
            found[name] = Prior(family, *map(float, re.findall(r"=([^,)]+)", text)))
        return found

    @property
    def model(self) -> Model:
        """The model; raises LookupError for a loaded fit of a model that is not ours."""
        if self.own_model is not None:
            return self.own_model
        about = self.about["model"]
        for model in MODELS:
            if model.name == about["base"]:
                fixed = tuple((name, value) for name, value in about["fixed"])
                return replace(model, name=about["name"], fixed=fixed)
        raise LookupError(
            f"this fit is of the model {about['name']!r}, which is not one of metacontrol's: "
            "pass it to load_fit(path, model=...)"
        )

    @property
    def task(self) -> Task:
        """The task; raises LookupError if it is of a kind that is not ours."""
        about = dict(self.about["task"])
        kinds = {kind.__name__: kind for kind in (TwoStep, *map(type, TASKS))}
        named = about.pop("kind", "TwoStep")
        if named not in kinds:
            raise LookupError(f"this fit is of a task of the kind {named!r}, which is not ours")
        kind = kinds[named]
        about = {name: _tuples(value) for name, value in about.items()}
        if "walk" in about:
            walk = {name: _tuples(value) for name, value in about["walk"].items()}
            about["walk"] = Reversals(**walk) if "block" in walk else Walk(**walk)
        return kind(**about)

    @cached_property
    def group(self) -> pd.DataFrame:
        """Group table.

        Of a group: one row for each mean and standard deviation of the group (on the scale of the
        link) and for each median participant (natural scale, `scale` says which), with posterior
        mean, sd, 95 % interval, and, where chains sampled it, R-hat and effective sample sizes. By
        em and em-laplace these are over draws from the normal distribution around the most probable
        (the most likely) group, of means and logs of standard deviations: where choices say little
        of a standard deviation, its mean lies well above the most probable. Of each alone: of how
        many `participants` anything determines the estimate; mean, sd and quartiles of these.
        """
        if self.sampled:
            return self._summary(lambda dims: dims in ((), ("session",)))
        values = self.parameters
        determined = self.tree["estimates"].to_dataset()["determined"].to_series()
        values = values.where(determined.unstack("coefficient").loc[values.index, values.columns])
        return pd.DataFrame(
            {
                "parameter": values.columns,
                "participants": values.count().to_numpy(),
                "mean": values.mean().to_numpy(),
                "sd": values.std().to_numpy(),
                **{f"q{q}": values.quantile(q / 100).to_numpy() for q in (25, 50, 75)},
            }
        )

    @cached_property
    def participants(self) -> pd.DataFrame:
        """Participant table, one row for each participant and coefficient.

        In a group: posterior mean, sd, 95 % interval, and R-hat and effective sample sizes as in
        `group`. Alone: the estimate, and whether anything determines it (else it stands in the
        middle of its range: leave it out of averages); by mle and map whether only the search's
        bounds hold it (`at_bound`); by map whether choices leave a quarter of its prior's variance
        at most (`informed`), for else it leans on the prior; by laplace also 95 % interval, and sd
        on the scale of the link.
        """
        if self.sampled:
            table = self._summary(lambda dims: dims == ("participant",))
            return table[table["parameter"] != "log_likelihood"].drop(columns="scale")
        estimates = self.tree["estimates"].to_dataset()
        chosen = estimates[[name for name in estimates if "coefficient" in estimates[name].dims]]
        table = chosen.to_dataframe().reset_index()
        return table.rename(columns={"coefficient": "parameter", "values": "estimate"})

    @cached_property
    def correlations(self) -> pd.DataFrame:
        """Correlations over people, on the scale of links: one row for each pair.

        Of coefficients (`fit(correlated=...)`): columns parameter_a, parameter_b; or of each
        coefficient between sessions (`fit(sessions=...)`): parameter, session_a, session_b. With
        posterior mean, sd, 95 % interval, R-hat and effective sample sizes.

        Raises
        ------
        ValueError
            If the fit has none.
        """
        pairs = [("parameter_a", "parameter_b"), ("session_a", "session_b")]
        table = self._summary(lambda dims: dims in pairs) if self.sampled else pd.DataFrame()
        if table.empty:
            raise ValueError(
                "this fit has no correlations: use fit(correlated=...) or sessions=..."
            )
        if "session_a" in table:
            table["parameter"] = table["parameter"].str.removesuffix("_correlation")
            return table[table["session_a"] < table["session_b"]].reset_index(drop=True)
        first, second = table["parameter_a"], table["parameter_b"]
        order = {name: i for i, name in enumerate(self.about["coefficients"])}
        later = first.map(order) < second.map(order)
        return table[later].drop(columns="parameter").reset_index(drop=True)

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Each participant's coefficients (posterior means, or estimates), index participant.

        Ready for `simulate`, `log_likelihood` and `latents`.
        """
        names = self.about["coefficients"]
        if self.sampled:
            means = self.tree["posterior"].to_dataset()[names].mean(("chain", "draw"))
            return means.to_dataframe()[names]
        values = self.tree["estimates"].to_dataset()["values"]
        return (
            values.to_dataframe()["values"].unstack("coefficient")[names].rename_axis(columns=None)
        )

    def parameter_draws(self, count: int) -> list[pd.DataFrame]:
        """Return tables as `parameters`: draws of the posterior evenly apart, or the estimate.

        Raises
        ------
        ValueError
            If the posterior has fewer draws.
        """
        names = self.about["coefficients"]
        if not self.sampled:
            return [self.parameters]
        posterior = self.tree["posterior"].to_dataset()[names].stack(sample=("chain", "draw"))
        size = posterior.sizes["sample"]
        if count > size:
            raise ValueError(f"the posterior has {size:,} draws, {count:,} were asked for")
        people = self.parameters.index
        values = {n: posterior[n].transpose("sample", "participant").to_numpy() for n in names}
        picks = np.linspace(0, size - 1, count).round().astype(int)
        return [pd.DataFrame({n: values[n][i] for n in names}, index=people) for i in picks]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Each participant's log-likelihood in nats, index participant.

        By mle and map also log prior, number of choices, AIC and BIC (the latter with the number
        of scored choices). By laplace, em, em-laplace and two-stage also the number of choices and
        `log_evidence`, the marginal likelihood under the wide prior or the most probable group.
        """
        if self.sampled:
            score = self.tree["posterior"].to_dataset()["log_likelihood"]
            scores = score.mean(("chain", "draw")).to_dataframe()
            if "importance" in self.tree.children:
                weighed = self.tree["importance"].to_dataset()[["log_evidence", "choices"]]
                scores = scores.join(weighed.to_dataframe())
            return scores
        table = self.tree["estimates"].to_dataset()
        kept = ("log_likelihood", "log_prior", "log_evidence", "choices")
        scores = table[[name for name in kept if name in table]].to_dataframe()
        if "log_evidence" in scores:
            return scores
        size = len(self.about["coefficients"])
        scores["aic"] = 2 * size - 2 * scores["log_likelihood"]
        scores["bic"] = size * np.log(scores["choices"]) - 2 * scores["log_likelihood"]
        return scores

    @cached_property
    def diagnostics(self) -> pd.DataFrame:
        """Checks of the fit: check, value, wanted, ok, advice."""
        checks = [
            check(self.tree) for group, check in CHECKS.items() if group in self.tree.children
        ]
        return pd.concat([table for table in checks if len(table)], ignore_index=True)

    @property
    def ibic(self) -> float:
        """Integrated BIC of the whole group (Huys et al., 2011, doi:10.1371/journal.pcbi.1002028).

        -2 log marginal likelihood and, for each of the group's numbers, log of the number of
        choices. Raises ValueError unless the fit is by em, em-laplace or two-stage.
        """
        if "maximum" not in self.tree.children:
            raise ValueError(
                f"iBIC needs a fit by em, em-laplace or two-stage, this one is by {self.method}"
            )
        scores = self.scores
        penalty = self.tree["maximum"].sizes["variable"] * np.log(scores["choices"].sum())
        return float(penalty - 2 * scores["log_evidence"].sum())

    @property
    def ok(self) -> bool:
        """Whether all diagnostics are as wanted."""
        return bool(self.diagnostics["ok"].all())

    @property
    def doubts(self) -> pd.DataFrame:
        """The diagnostics that are not as wanted and put all numbers in doubt.

        Not those that count people of whom choices leave something open.
        """
        checks = self.diagnostics
        return checks[~checks["ok"].astype(bool) & ~checks["check"].str.startswith(OPEN)]

    @property
    def diverging(self) -> int:
        """Number of divergent transitions (0 where nothing was sampled)."""
        if "sample_stats" not in self.tree.children:
            return 0
        return int(self.tree["sample_stats"].to_dataset()["diverging"].sum())

    def __repr__(self) -> str:
        about, data = self.about, self.about["data"]
        return verdict(
            f"Fit of {about['model']['name']} by {self.method}: {data['participants']:,} "
            f"participants, {data['trials']:,} trials of {about['task']['name']}",
            self.diagnostics,
        )

    def save(self, path: str | Path) -> Path:
        """Write the fit to a NetCDF file, whole or not at all.

        Raises
        ------
        OSError
            If the folder is not there or cannot be written to, or the disk is full; an older file
            stays as it was.
        """
        return write_tree(self.tree, path)

    def _summary(self, wanted: Any) -> pd.DataFrame:
        posterior = self.tree["posterior"].to_dataset()
        names = [n for n in posterior if wanted(posterior[n].dims[2:])]
        if not names:
            return pd.DataFrame()
        chosen = posterior[names]
        edge = (1 - INTERVAL) / 2
        columns = {
            "mean": chosen.mean(("chain", "draw")),
            "sd": chosen.std(("chain", "draw"), ddof=1),
            "lower": chosen.quantile(edge, ("chain", "draw")).drop_vars("quantile"),
            "upper": chosen.quantile(1 - edge, ("chain", "draw")).drop_vars("quantile"),
        }
        if "sample_stats" in self.tree.children:  # by em draws are not of chains
            columns |= {"rhat": rhat(chosen)}
            columns |= {f"ess_{tail}": az.ess(chosen, method=tail) for tail in ("bulk", "tail")}
        rows = []
        for name in names:
            values = {
                key: as_dataset(data)[name].to_numpy().ravel() for key, data in columns.items()
            }
            frame = pd.DataFrame(values)
            frame.insert(0, "parameter", name)
            dims = posterior[name].dims[2:]
            if dims:
                places = pd.MultiIndex.from_product(
                    [posterior[d].to_numpy().astype(str) for d in dims]
                )
                for at, dim in enumerate(dims):
                    place = 0 if dim == "participant" else at + 1
                    frame.insert(place, str(dim), places.get_level_values(at))
            natural = str(name).endswith("_group") or "participant" in posterior[name].dims
            frame["scale"] = "natural" if natural else "link"
            rows.append(frame)
        return pd.concat(rows, ignore_index=True)


def load_fit(path: str | Path, model: Model | None = None) -> Fit:
    """Load a fit.

    Parameters
    ----------
    path : path
        A file that `Fit.save` wrote.
    model : Model, optional
        The model, where it is your own.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a whole file of a fit, or was written by a newer metacontrol.
    """
    tree = read_tree(path)
    if wrong := fault(tree):
        raise ValueError(f"{path} {wrong}")
    return Fit(tree, model)


def describe_model(model: Model) -> dict[str, Any]:
    """Return what `Fit.model` needs to find the model again."""
    bare = replace(model, name="", source="", fixed=())
    same = [m for m in MODELS if replace(m, name="", source="", fixed=()) == bare]
    base = same[0].name if same else None
    return {"name": model.name, "base": base, "fixed": [list(pair) for pair in model.fixed]}


def describe_task(task: Any) -> dict[str, Any]:
    """Return a task as plain values."""
    return {"kind": type(task).__name__, **asdict(task)}


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
