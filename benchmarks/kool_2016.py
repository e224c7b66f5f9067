"""Which of the 12 models of Kool et al. (2016)? Their ranking beside ours.

    python benchmarks/kool_2016.py FOLDER... [--out FOLDER] [--starts 16] [--method map]

A FOLDER is that of kool2016-daw or kool2016-novel, with choices.csv and published_fits.csv, of
doi:10.1371/journal.pcbi.1005090. All models are fitted to each participant alone. As theirs, BIC
counts the 125 trials, missed or not, and the eligibility of the model-based models as a parameter,
though nothing depends on it where w = 1. The last columns count what their choices do depend on.
Random effects take minus half of BIC for evidence.

Ranks by map are as published but for the fifth and sixth of kool2016-novel by BIC, 1.7 apart of
27,000: of 11 people their search for the full hybrid ended below the highest posterior, by up to
2.3 nats (ours never does), where the likelihood happens to be higher.
"""

import argparse
from pathlib import Path
from time import time
from typing import Any

import numpy as np
import pandas as pd

import metacontrol as mc
from metacontrol.models import HYBRID_KOOL
from metacontrol.output import show, write_table
from metacontrol.tasks import KOOL_2016_DETERMINISTIC, KOOL_2016_STOCHASTIC

TASKS = {"kool2016-daw": KOOL_2016_STOCHASTIC, "kool2016-novel": KOOL_2016_DETERMINISTIC}
FAMILIES: dict[str, dict[str, Any]] = {
    "hybrid": {},
    "model_based": {"w": 1.0, "lam": 0.0},
    "model_free": {"w": 0.0},
}
STICKINESS = ("stimulus_stickiness", "response_stickiness")
TRIALS = 125


def models() -> dict[str, mc.Model]:
    """Return the full hybrid with parameters fixed in 12 ways, by name."""
    found = {}
    for family, fixed in FAMILIES.items():
        for kept in ((), STICKINESS[:1], STICKINESS[1:], STICKINESS):
            absent = {name: 0.0 for name in STICKINESS if name not in kept}
            found[label(family, kept)] = HYBRID_KOOL.fix(**fixed, **absent)
    return found


def label(family: str, kept: tuple[str, ...]) -> str:
    """Return a model's name, such as `hybrid + stimulus`."""
    return " + ".join([family.replace("_", "-"), *(name.split("_")[0] for name in kept)])


def read(folder: Path) -> tuple[mc.Choices, pd.DataFrame]:
    """Return the participants that the authors analysed, and their log-likelihoods by model."""
    frame = pd.read_csv(folder / "choices.csv", dtype={"participant": str})
    data = mc.read_choices(frame[frame["authors_included"] == 1], TASKS[folder.name])
    fits = pd.read_csv(folder / "published_fits.csv", dtype={"participant": str})
    there = [fits[f"{name}_in_model"].astype(bool) for name in STICKINESS]
    fits["name"] = [
        label(family, tuple(n for n, kept in zip(STICKINESS, pair, strict=True) if kept))
        for family, *pair in zip(fits["model"], *there, strict=True)
    ]
    return data, fits.pivot(index="participant", columns="name", values="loglik")


def criteria(
    scores: pd.DataFrame, *, as_published: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return AIC and BIC of each participant (rows) and model (columns)."""
    sizes = {name: len(model.free) for name, model in models().items()}
    idle = {name: as_published and name.startswith("model-based") for name in sizes}
    size = np.array([sizes[name] + idle[name] for name in scores])
    return 2 * size - 2 * scores, size * np.log(TRIALS) - 2 * scores


def ranking(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Return sums and ranks, smallest published BIC first."""
    found = {
        "published": criteria(theirs),
        "ours": criteria(ours),
        "ours, counted": criteria(ours, as_published=False),
    }
    columns: dict[str, pd.Series] = {}
    for k, criterion in enumerate(("AIC", "BIC")):
        for who, tables in found.items():
            columns[f"{criterion} {who}"] = tables[k].sum().round(1)
            columns[f"{criterion} rank {who}"] = tables[k].sum().rank().astype(int)
    table = pd.DataFrame(columns).sort_values("BIC published")
    return table.rename_axis("model").reset_index()


def main() -> None:
    """Fit, print and write the tables of each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--out", type=Path, default=Path("kool-2016"))
    parser.add_argument("--starts", type=int, default=16)
    parser.add_argument("--method", choices=("map", "mle"), default="map")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for folder in given.folders:
        data, theirs = read(folder)
        print(data)
        began, scores = time(), {}
        for name, model in models().items():
            fit = mc.fit(model, data, method=given.method, starts=given.starts, seed=given.seed)
            scores[name] = fit.scores["log_likelihood"]
        ours = pd.DataFrame(scores)
        print(f"12 models by {given.method}: {time() - began:.0f} s")
        table = ranking(ours, theirs)
        for criterion in ("AIC", "BIC"):
            columns = [name for name in table if name.startswith(criterion)]
            short = {name: name.removeprefix(f"{criterion} ") for name in columns}
            shown = table[["model", *columns]].rename(columns=short)
            show(shown, f"{folder.name}: {criterion} of {len(ours)} people")
        write_table(table, given.out / f"{folder.name}.csv")
        frequent = {
            "published": mc.random_effects(-criteria(theirs)[1] / 2),
            "ours": mc.random_effects(-criteria(ours)[1] / 2),
            "counted": mc.random_effects(-criteria(ours, as_published=False)[1] / 2),
        }
        for who, found in frequent.items():
            show(found, f"{folder.name}: random effects by BIC, {who}")
            write_table(found, given.out / f"{folder.name}_random_effects_{who}.csv")


if __name__ == "__main__":
    main()
