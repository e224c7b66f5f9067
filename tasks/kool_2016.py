"""Does planning pay? The seven tasks in which Kool, Cushman & Gershman (2016) asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from metacontrol.tasks.two_step import KOOL_2016_STOCHASTIC, TwoStep
from metacontrol.tasks.walk import Walk

_STARTS = (((0.6, 0.6), (0.4, 0.4)), ((0.25, 0.25), (0.75, 0.75)))
_NARROW = Walk(0.25, 0.75, 0.025, start=_STARTS)
_WIDE = Walk(0, 1, 0.025, start=_STARTS)
_FAST = Walk(0, 1, 0.2, start=_STARTS)
_ALONE = Walk(0, 1, 0.2, start=(((0.6, 0.6),), ((0.4, 0.4),)))

_STOCHASTIC = replace(KOOL_2016_STOCHASTIC, trials=201)
_DETERMINISTIC = replace(_STOCHASTIC, common=1.0, first_states=2)
_ONE_OPTION = replace(_DETERMINISTIC, second_options=1, walk=_ALONE)

KOOL_2016_PAYOFF: Mapping[str, TwoStep] = {
    figure: replace(task, name=f"kool-2016-figure-{figure.lower()}")
    for figure, task in {
        "3A": replace(_STOCHASTIC, walk=_NARROW),
        "5A": replace(_DETERMINISTIC, walk=_NARROW),
        "6B": replace(_STOCHASTIC, walk=_WIDE),
        "7B": replace(_STOCHASTIC, walk=_FAST),
        "8A": replace(_DETERMINISTIC, walk=_FAST),
        "9": _ONE_OPTION,
        "11": replace(_ONE_OPTION, reward="points"),
    }.items()
}
"""By figure of the paper, doi:10.1371/journal.pcbi.1005090. From 3A, the task of Daw et al. (2011),
to 11 the range of rewards grows (6B), then the speed of their walk (7B); transitions become
deterministic, with two first states (8A; 5A does so alone); second choices go (9), and the walk
itself is paid (11)."""
