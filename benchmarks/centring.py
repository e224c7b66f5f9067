"""What NUTS pays for an effective draw: coordinates that know the choices, and plain ones.

    python benchmarks/centring.py SHARED [NAME ...] [--draws 500]

On human data in the folder SHARED and the demonstration's, for each way of writing participants'
coefficients, prints gradients (warm-up included) and the smallest effective sample size of the
group's means and standard deviations, of two chains. The quick pass before it costs about as much
as 2,500 gradients, and is counted.
"""

import argparse
from pathlib import Path

import arviz as az
import pandas as pd

import metacontrol as mc
from metacontrol.demo import TRIALS, parameters
from metacontrol.fitting.diagnostics import as_dataset
from metacontrol.fitting.group import assemble
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.information import quick_pass
from metacontrol.fitting.priors import group_priors
from metacontrol.fitting.sampling import sample
from metacontrol.models.scoring import Scoring

CHAINS, TUNE, QUICK = 2, 500, 2500


def sets(shared: Path) -> dict[str, tuple[mc.Model, mc.Choices, dict[str, str]]]:
    """Return model, choices and formulas by name."""

    def read(name: str, column: str, value: object, task: mc.tasks.Task) -> mc.Choices:
        frame = pd.read_csv(shared / f"data/{name}/choices.csv")
        return mc.read_choices(frame[frame[column] == value], task)

    models, tasks = mc.models, mc.tasks
    daw = read("kool2016-daw", "authors_included", 1, tasks.KOOL_2016_STOCHASTIC)
    novel = read("kool2016-novel", "authors_included", 1, tasks.KOOL_2016_DETERMINISTIC)
    long = read("keramati2016", "condition", "long", tasks.KERAMATI_2016)
    demo = mc.simulate(models.HYBRID, tasks.OTTO_2013, parameters(1), trials=TRIALS, seed=1)
    return {
        "kool2016-daw": (models.HYBRID_KOOL, daw, {}),
        "kool2016-novel": (models.HYBRID_KOOL, novel, {}),
        "keramati2016, long": (models.PLAN_UNTIL_HABIT, long, {}),
        "demo": (models.HYBRID, demo, {"w": "1 + load"}),
    }


def main(shared: Path, wanted: list[str], draws: int) -> None:
    """Print a table, a row as soon as it is known."""
    print("| data | coordinates | gradients | divergences | smallest ESS | per 1,000 gradients |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (model, data, formulas) in sets(shared).items():
        if wanted and name not in wanted:
            continue
        people = Individuals(Scoring.of(model, data, formulas))
        priors = group_priors(people.scoring.story)
        known = quick_pass(people, priors, seed=1)
        ways = {"informed": (assemble(people, priors, known), known.start())}
        ways["non-centred"] = (assemble(people, priors), {})
        for way, (written, start) in ways.items():
            tree = sample(
                written,
                start=start,
                draws=draws,
                tune=TUNE,
                chains=CHAINS,
                cores=CHAINS,
                target_accept=0.9,
                seed=1,
                label=way,
                progress=False,
            )
            posterior = tree["posterior"].to_dataset()
            group = [n for n in posterior if str(n).endswith(("_mean", "_sd"))]
            ess = as_dataset(az.ess(posterior[group])).to_array().to_series()
            stats = tree["sample_stats"].to_dataset()
            steps = int(stats["n_steps"].sum() + stats["warmup_steps"].sum())
            steps += QUICK * (way == "informed")
            print(
                f"| {name} | {way} | {steps:,} | {int(stats['diverging'].sum())} | "
                f"{ess.min():.0f} ({ess.idxmin()}) | {1000 * ess.min() / steps:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--draws", type=int, default=500)
    asked = parser.parse_args()
    main(asked.shared, asked.names, asked.draws)
