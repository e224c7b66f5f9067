"""How well do the parameters of every model come back? One table, and a page of the guide.

    python benchmarks/recovery.py [--out FILE] [--people 50] [--trials 300] [--page] [NAME ...]

Participants are drawn from each model's priors (but repeat themselves a fifth as much as these
allow), play the first of some tasks that the model can play, and are fitted one by one (map).
Prints r, bias and rmse of each parameter. What is in the file already is not done again. With
--page the table becomes docs/recovery.md.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from time import time

import pandas as pd

import metacontrol as mc
from metacontrol.models import MODELS
from metacontrol.output import write_table
from metacontrol.tasks import HUYS_2012, KERAMATI_2016, KIM_2019, KOOL_2017_STOCHASTIC, LEE_2014

TASKS = (
    KERAMATI_2016,
    replace(KOOL_2017_STOCHASTIC, load="intermixed"),
    LEE_2014,
    HUYS_2012,
)
TASK_OF = {"reliability-load": KIM_2019, "reliability": LEE_2014}  # by how the name begins
DOCS = Path(__file__).parents[1] / "docs"
HEAD = """# How well the parameters of every model come back

{people} people drawn from each model's priors, who repeat themselves a fifth as much as these
allow, with {trials} trials each, fitted one by one (`map`); r is the correlation of what was true
and what was found. It is a hard case: priors are wide, and many people so drawn choose nearly at
random or learn nothing, of whom nothing can be known. Most models' pages have a case of their own.
hBayesDM's priors hold that people are nearly alike, so that there is little to correlate. Bias and
error are in the file that `python benchmarks/recovery.py` writes (a quarter of an hour on one
core).

Temperatures come back, and what repeats an option. Learning rates come back where their values are
chosen by. **Weights of planning, and what moves them, hardly do from {trials} trials of one
person**, in any model. Fit groups (`em`, `nuts`), which pool what people have in common; ask [how
many people](workflow.md) an effect needs before they are there; and compare models rather than
read single people's arbiters.

| model | task | r of its parameters |
| --- | --- | --- |
"""


def task_of(model: mc.Model) -> mc.tasks.Task:
    """Return the task that a model plays here."""
    own = [task for start, task in TASK_OF.items() if model.name.startswith(start)]
    first = TASKS if model.needs else TASKS[1:]
    return next(task for task in (*own, *first) if not model.misfit(task))


def recovered(model: mc.Model, count: int, trials: int) -> pd.DataFrame:
    """Return a row for each parameter."""
    task, began = task_of(model), time()
    people = mc.draw_participants(model, count, seed=1)
    if "p" in people:
        people["p"] /= 5
    true, fit = mc.recover(
        model, task, people=people, trials=trials, seed=1, starts=4, progress=False
    )
    table = mc.recovery_table(true, fit).round(2).reset_index()
    print(f"{model.name} in {task.name}: {time() - began:.0f} s", flush=True)
    table.insert(0, "model", model.name)
    table.insert(1, "task", task.name)
    return table


def page(table: pd.DataFrame, people: int, trials: int) -> str:
    """Return the page of the guide."""
    rows = []
    for (model, task), own in table.groupby(["model", "task"], sort=False):
        best_first = own.sort_values("r", ascending=False, kind="stable")
        pairs = zip(best_first["parameter"], best_first["r"], strict=True)
        listed = ", ".join(f"{name} {r:.2f}".replace("0.", ".") for name, r in pairs)
        rows.append(f"| {model} | {task} | {listed} |\n")
    return HEAD.format(people=people, trials=trials) + "".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("recovery.csv"))
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args()
    found = [pd.read_csv(given.out)] if given.out.is_file() else []
    done = set(found[0]["model"]) if found else set()
    for model in MODELS:
        wanted = not given.names or model.name in given.names
        if wanted and not model.simulate_only and model.name not in done:
            found.append(recovered(model, given.people, given.trials))
            write_table(pd.concat(found), given.out)
    if given.page:
        text = page(pd.concat(found), given.people, given.trials)
        (DOCS / "recovery.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
