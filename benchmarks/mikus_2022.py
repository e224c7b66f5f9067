"""How stable is a person's weight of planning? Two sessions of 112 people, fitted together.

    python benchmarks/mikus_2022.py CHOICES [--out FOLDER] [--draws 500] [--chains 2]

CHOICES is the table of choices of Mikus et al. (2022), doi:10.7554/eLife.79661: a session without a
drug, and one with amisulpride, naltrexone or placebo. Each parameter has a group for each session,
and a correlation over people between the two, with its interval; beside it the reliability of a
single session (`mc.reliability`).
"""

import argparse
from pathlib import Path
from time import time

import pandas as pd

import metacontrol as mc
from metacontrol.models import HYBRID_KOOL
from metacontrol.output import make_folder, show, write_table
from metacontrol.tasks import KOOL_2016_DETERMINISTIC


def main() -> None:
    """Fit, print the correlations, and write them and the fit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("choices", type=Path)
    parser.add_argument("--out", type=Path, default=Path("mikus-2022"))
    parser.add_argument("--draws", type=int, default=500, help="kept, and as many to tune")
    parser.add_argument("--chains", type=int, default=2)
    given = parser.parse_args()
    frame = pd.read_csv(given.choices, dtype={"participant": str})
    data = mc.read_choices(frame, KOOL_2016_DETERMINISTIC)
    make_folder(given.out)
    began = time()
    settings = {"draws": given.draws, "tune": given.draws, "chains": given.chains}
    fit = mc.fit(HYBRID_KOOL, data, sessions="session", seed=1, **settings)
    fit.save(given.out / "fit.nc")
    print(f"{fit}\n  {time() - began:.0f} s")
    tables = {"correlations": fit.correlations, "reliability": mc.reliability(fit, seed=1)}
    for name, table in tables.items():
        write_table(table, given.out / f"{name}.csv")
        show(table, name.capitalize())
    show(fit.group, "Groups")


if __name__ == "__main__":
    main()
