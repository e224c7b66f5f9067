"""Who plans when? The weight of planning by complexity and uncertainty, in three models.

    python benchmarks/kim_2019.py CHOICES [--out FOLDER] [--draws 500] [--chains 2]

CHOICES is the table of choices of Kim et al. (2019), doi:10.1038/s41467-019-13632-1, 24 people. All
models are fitted to all of them together by NUTS: a weight that a formula lets differ between the
four conditions; one that reliability moves; and one on whose movement load (complexity) acts. Means
are over people and trials, intervals are 95 % of the posterior. Priors of the arbiter's own
parameters have 95 % of people about within the bounds of the authors' search: with wider ones its
posterior has modes far outside them, which chains do not leave. A fit in the folder is not done
again.
"""

import argparse
from math import log, sqrt
from pathlib import Path
from time import time

import pandas as pd
from scipy.special import logit

import metacontrol as mc
from metacontrol.models import FORWARD_HYBRID, RELIABILITY, RELIABILITY_UNDER_LOAD, Model
from metacontrol.output import make_folder, show, write_table
from metacontrol.tasks import KIM_2019

BY = ["complexity", "uncertainty"]
MODELS = {
    FORWARD_HYBRID: {"w": "complexity * uncertainty"},
    RELIABILITY: {},
    RELIABILITY_UNDER_LOAD[0]: {},
}
BOUNDS = {  # of their search, on the scale of the link
    "tolerance": (logit(0.3), logit(0.75)),
    "alpha_surprise": (logit(0.05), logit(0.5)),
    "habit_rate": (log(1), log(10)),
    "plan_rate": (log(1), log(10)),
    "habit_load": (log(1), log(12)),
    "plan_load": (log(1), log(12)),
}


def priors(model: Model) -> dict[str, mc.Prior]:
    """Return priors by which 95 % of people are within the bounds, half of the variance theirs."""
    found = {}
    for name in BOUNDS.keys() & {parameter.name for parameter in model.free}:
        low, high = BOUNDS[name]
        share = (high - low) / 4 / sqrt(2)
        found[f"{name}_mean"] = mc.Prior("normal", (low + high) / 2, share)
        found[f"{name}_sd"] = mc.Prior("half_normal", share)
    return found


def read(path: Path) -> mc.Choices:
    """Read the choices, with the conditions as columns of 0 and 1."""
    frame = pd.read_csv(path, dtype={"participant": str})
    for column in BY:
        frame[column] = frame["condition"].str.contains(f"{column}_high").astype(int)
    frame["load"] = frame["complexity"]
    return mc.read_choices(frame, KIM_2019, columns={"third_state": "outcome_state"})


def contrasts(draws: pd.DataFrame) -> pd.DataFrame:
    """Return by how much complexity and uncertainty change the weight, and each other's effect."""
    wide = draws.pivot(index="draw", columns=BY, values="first_weight")
    found = {
        "complexity": (wide[1, 0] + wide[1, 1] - wide[0, 0] - wide[0, 1]) / 2,
        "uncertainty": (wide[0, 1] + wide[1, 1] - wide[0, 0] - wide[1, 0]) / 2,
        "complexity x uncertainty": wide[1, 1] - wide[1, 0] - wide[0, 1] + wide[0, 0],
    }
    rows = [
        {"contrast": name, "mean": x.mean(), "lower": x.quantile(0.025), "upper": x.quantile(0.975)}
        for name, x in found.items()
    ]
    return pd.DataFrame(rows)


def main() -> None:
    """Fit each model, print its tables, and write them and the fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("choices", type=Path)
    parser.add_argument("--out", type=Path, default=Path("kim-2019"))
    parser.add_argument("--draws", type=int, default=500, help="kept, and as many to tune")
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    data = read(given.choices)
    make_folder(given.out)
    print(data)
    for model, formulas in MODELS.items():
        began, path = time(), given.out / f"{model}.nc"
        if not path.is_file():
            settings = {"draws": given.draws, "tune": given.draws, "chains": given.chains}
            settings |= {"seed": given.seed, "checkpoint": given.out / f"{model}-parts"}
            mc.fit(model, data, formulas=formulas, priors=priors(model), **settings).save(path)
        fit = mc.load_fit(path)
        print(f"\n{fit}\n  {time() - began:.0f} s")
        draws = min(200, given.draws * given.chains)
        table = mc.noted_by_condition(fit, data, BY, draws=draws)
        write_table(table, given.out / f"{model}.csv")
        show(table, f"Weight of planning at the first choice, {model}")
        show(contrasts(mc.noted_draws(fit, data, BY, draws=draws)), "Differences")


if __name__ == "__main__":
    main()
