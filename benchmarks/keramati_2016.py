"""How deep do people plan? Habit and planning with 2,000 and with 700 ms for a choice.

    python benchmarks/keramati_2016.py CHOICES [--out FOLDER] [--draws 1000] [--chains 4]

CHOICES is the table of choices of Keramati et al. (2016), doi:10.1073/pnas.1609094113, 30 people.
Each group is fitted by NUTS. Weights are means over people with 95 % of the posterior; published
are the habit weight at the second choice, and the weight of plans until habit that their own fits
hold. Effects are those of `depth_effects`, with t tests of the group and between groups.
"""

import argparse
from pathlib import Path
from time import time

import pandas as pd
from scipy import stats

import metacontrol as mc
from metacontrol.models import PLAN_UNTIL_HABIT
from metacontrol.output import make_folder, show, write_table
from metacontrol.tasks import KERAMATI_2016

GROUPS = {"long": "2,000 ms", "short": "700 ms"}
PUBLISHED = {
    "habit weight, second choice": {"long": 0.37, "short": 0.59},
    "plan-until-habit weight": {"long": 0.127, "short": 0.395},
}


def weights(fit: mc.Fit, group: str) -> pd.DataFrame:
    """Return the posterior of the mean over people of both weights of habit."""
    posterior = fit.tree["posterior"].to_dataset()
    rows = []
    for (label, published), name in zip(PUBLISHED.items(), ("w2", "w1"), strict=True):
        draws = 1 - posterior[name].mean("participant")
        low, high = draws.quantile([0.025, 0.975]).to_numpy()
        row = {"group": GROUPS[group], "weight": label, "published": published[group]}
        rows.append(row | {"mean": float(draws.mean()), "lower": low, "upper": high})
    return pd.DataFrame(rows)


def effects(data: mc.Choices) -> pd.DataFrame:
    """Return planning and plan-until-habit effects by group and outcome, and their tests."""
    group = data.frame.groupby("participant")["condition"].first()
    table = mc.depth_effects(data)
    rows = []
    for reward, part in table.groupby("reward"):
        for name in ("planning", "plan_until_habit"):
            by_group = part.set_index("participant")[name].groupby(group)
            long, short = (by_group.get_group(g) for g in GROUPS)
            row = {"effect": name, "after": reward}
            for label, own in ((GROUPS["long"], long), (GROUPS["short"], short)):
                row |= {label: own.mean(), f"p, {label}": stats.ttest_1samp(own, 0).pvalue}
            rows.append(row | {"p, difference": stats.ttest_ind(long, short).pvalue})
    return pd.DataFrame(rows)


def main() -> None:
    """Print and write the effects, then fit each group and do the same with its weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("choices", type=Path)
    parser.add_argument("--out", type=Path, default=Path("keramati-2016"))
    parser.add_argument("--draws", type=int, default=1000, help="kept, and as many to tune")
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    frame = pd.read_csv(given.choices, dtype={"participant": str})
    make_folder(given.out)
    table = effects(mc.read_choices(frame, KERAMATI_2016))
    write_table(table, given.out / "effects.csv")
    show(table, "Marks of planning and of planning until habit")
    for group, label in GROUPS.items():
        began = time()
        data = mc.read_choices(frame[frame["condition"] == group], KERAMATI_2016)
        settings = {"draws": given.draws, "tune": given.draws, "chains": given.chains}
        fit = mc.fit(PLAN_UNTIL_HABIT, data, seed=given.seed, **settings)
        print(f"\n{label}: {fit}\n  {time() - began:.0f} s")
        table = weights(fit, group)
        write_table(table, given.out / f"weights_{group}.csv")
        show(table, f"Weights of habit, {label}")


if __name__ == "__main__":
    main()
