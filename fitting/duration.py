"""How long a run will take, roughly: from timed gradients of everybody's likelihood, or a group."""

from __future__ import annotations

import sys
import timeit
from collections.abc import Mapping
from typing import Any

import numpy as np

from metacontrol.fitting.individuals import Individuals
from metacontrol.models.scoring import Scoring

LONG = 10_000  # trials from which it is worth timing a gradient
EACH = 30  # gradients for a draw of NUTS
SEARCH = 60  # gradients for a start of a search
MODES = 600  # gradients to the modes of all participants
ROUNDS = 800  # the same, and more that does not depend on importance, over all rounds of EM
WEIGHED = 15  # gradients' worth of time for an importance draw, over all rounds
GROUP = 0.06  # the same to weigh it once more for a draw of the group


def say_how_long(scoring: Scoring, method: str, cores: int, used: Mapping[str, Any]) -> None:
    """Print about how many minutes a fit of many trials will take (none if below one) to stderr."""
    if int(np.sum(scoring.records.scored)) < LONG:
        return
    individuals = Individuals(scoring)
    at = np.tile(individuals.prior().mean, (len(scoring.participants), 1))
    individuals.slope(at)  # compiles
    one = min(timeit.repeat(lambda: individuals.slope(at), number=1, repeat=3))
    alone = min(cores, scoring.records.scored.shape[0])  # processors that one gradient keeps busy
    minutes = one * _gradients(method, cores, alone, used) / 60
    if minutes < 1:
        return
    more = ", or two or three times that where choices tell little" if method == "nuts" else ""
    print(f"this will take about {minutes:,.0f} min{more}", file=sys.stderr)


def say_how_long_groups(seconds: float, left: int, at_once: int) -> None:
    """Print about how many minutes groups will take, of which one took so long, to stderr."""
    minutes = seconds * left / at_once / 60
    if minutes >= 1:
        print(
            f"the first of the simulated groups took {seconds:,.0f} s, compiling included: the "
            f"{left:,} others will take {minutes:,.0f} min or less",
            file=sys.stderr,
        )


def _gradients(method: str, cores: int, alone: int, used: Mapping[str, Any]) -> float:
    """Return how many gradients, one after another, take as long as a fit."""
    match method:
        case "mle" | "map":
            return float(used["starts"] * SEARCH)
        case "laplace":
            return float(MODES)
        case "nuts":
            return EACH * used["chains"] * (used["draws"] + used["tune"]) * alone / cores
        case "two-stage":
            again = GROUP * used["chains"] * (used["draws"] + used["tune"]) / cores
            return ROUNDS + used["importance"] * (WEIGHED + again)
        case _:
            return float(ROUNDS + used["importance"] * WEIGHED)
