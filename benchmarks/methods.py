"""Ways to fit a group: what each finds, with its error, and how long it takes.

    python benchmarks/methods.py CHOICES.csv [--model separate-weights] [--task daw-2011]
        [--methods two-stage em] [--participants 0] [--out FOLDER]

Of a group's means and standard deviations, on the scale of links, each method's estimate and its
error (posterior sd). Participants that the authors left out are left out, where a column says so;
`--participants` takes the first only. Fits are kept in the folder and not done again.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from metacontrol.commands.options import find_model, find_task
from metacontrol.fitting import Fit, fit, load_fit
from metacontrol.tasks import Choices, read_choices

THOUSANDS = 1000
GROUP = {"draws": 250, "tune": 250}  # of four chains: enough for a group of thousands
SAMPLED = {"draws": 1000, "tune": 300}  # by nuts, whose draws of such groups are alike


def read(path: Path, task: str, everybody: bool, participants: int) -> Choices:
    """Read choices, as the authors analysed them unless everybody is wanted."""
    frame = pd.read_csv(path, dtype={"participant": str})
    if "authors_included" in frame and not everybody:
        frame = frame[frame["authors_included"] == 1]
    if participants:
        frame = frame[frame["participant"].isin(frame["participant"].unique()[:participants])]
    return read_choices(frame, find_task(task))


def fitted(model: str, data: Choices, method: str, importance: int, out: Path) -> tuple[Fit, str]:
    """Return a fit and how long it took, made once: on the clock and of processors."""
    path = out / f"{model}-{len(data.participants)}-{method}.nc"
    clock = path.with_suffix(".txt")
    if not path.is_file():
        began = time.perf_counter(), time.process_time()
        parts = path.with_suffix("") if method == "nuts" else None  # it may be killed
        thousands = SAMPLED if len(data.participants) > THOUSANDS else {}
        many: dict[str, Any] = dict(thousands if method == "nuts" else GROUP)
        many |= {"importance": importance, "checkpoint": parts, "seed": 1}
        found = fit(find_model(model), data, method=method, **many)
        took = time.perf_counter() - began[0], time.process_time() - began[1]
        clock.write_text(f"{took[0]:.0f} s, {took[1]:.0f} of a core")
        found.save(path)
    return load_fit(path), clock.read_text()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("choices", type=Path)
    parser.add_argument("--model", default="separate-weights")
    parser.add_argument("--task", default="daw-2011")
    parser.add_argument("--methods", nargs="+", default=["two-stage", "em"])
    parser.add_argument("--everybody", action="store_true")
    parser.add_argument("--participants", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("methods"))
    parser.add_argument("--importance", type=int, default=500)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    data = read(asked.choices, asked.task, asked.everybody, asked.participants)
    fits = {m: fitted(asked.model, data, m, asked.importance, asked.out) for m in asked.methods}
    shown = Table(title=f"{asked.model}, {data}", title_justify="left")
    shown.add_column("")
    groups = {}
    for method, (found, took) in fits.items():
        shown.add_column(f"{method}\n{took}", justify="right")
        groups[method] = found.group.set_index("parameter")
    first = groups[asked.methods[0]]
    for name in first.index[first["scale"] == "link"]:
        cells = [f"{g.loc[name, 'mean']:.3f} ({g.loc[name, 'sd']:.3f})" for g in groups.values()]
        shown.add_row(name, *cells)
    Console(width=120).print(shown)
    for method, (found, _) in fits.items():
        print(method, found.diagnostics.drop(columns="advice").to_string(index=False), sep="\n")


if __name__ == "__main__":
    main()
