"""How well do the parameters of every model come back? One table.

    python benchmarks/recovery.py [--out recovery.csv] [--people 50] [--trials 300] [NAME ...]

Participants are drawn from each model's priors, play the first of some tasks that the model can
play, and are fitted one by one (map). Prints r, bias and rmse of each parameter. What is in the
file already is not done again.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from time import time

import pandas as pd

import metacontrol as mc
from metacontrol.models import MODELS
from metacontrol.output import write_table
from metacontrol.tasks import HUYS_2012, KERAMATI_2016, KOOL_2017_STOCHASTIC, LEE_2014

TASKS = (
    KERAMATI_2016,
    replace(KOOL_2017_STOCHASTIC, load="intermixed"),
    LEE_2014,
    HUYS_2012,
)
TASK_OF = {"reliability": LEE_2014, "reliability-with-resets": LEE_2014}


def task_of(model: mc.Model) -> mc.tasks.Task:
    """Return the task that a model plays here."""
    first = TASKS if model.needs else TASKS[1:]
    return TASK_OF.get(model.name) or next(task for task in first if not model.misfit(task))


def recovered(model: mc.Model, people: int, trials: int) -> pd.DataFrame:
    """Return a row for each parameter."""
    task, began = task_of(model), time()
    true, fit = mc.recover(
        model, task, participants=people, trials=trials, seed=1, starts=4, progress=False
    )
    table = mc.recovery_table(true, fit).round(2).reset_index()
    print(f"{model.name} in {task.name}: {time() - began:.0f} s", flush=True)
    table.insert(0, "model", model.name)
    table.insert(1, "task", task.name)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("recovery.csv"))
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--trials", type=int, default=300)
    given = parser.parse_args()
    found = [pd.read_csv(given.out)] if given.out.is_file() else []
    done = set(found[0]["model"]) if found else set()
    for model in MODELS:
        wanted = not given.names or model.name in given.names
        if wanted and not model.simulate_only and model.name not in done:
            found.append(recovered(model, given.people, given.trials))
            write_table(pd.concat(found), given.out)


if __name__ == "__main__":
    main()
