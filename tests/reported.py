"""What reports are tested with: choices, fits of them by every method, and two pages."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

import metacontrol as mc

MODEL = mc.models.HYBRID_KOOL.fix(name="<kool>", response_stickiness=0.0)
PEOPLE = [f"Zaphod{i}" for i in range(8)]
SAMPLED = {"chains": 2, "draws": 30, "tune": 60}
SETTINGS: dict[str, dict[str, object]] = {
    "mle": {"starts": 1},
    "map": {"starts": 1},
    "laplace": {},
    "em": {"importance": 100, "chains": 2, "draws": 50},
    "em-laplace": {"importance": 100, "chains": 2, "draws": 50},
    "two-stage": {"importance": 100, **SAMPLED},
    "correlated": SAMPLED | {"method": "nuts", "correlated": ["w", "beta"]},
    "sessions": SAMPLED | {"method": "nuts", "sessions": "session"},
}


class Reported:
    """Each is made when a test first asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def data(self) -> mc.Choices:
        """Choices under load, which makes people plan less."""
        rng = np.random.default_rng(2)
        true = pd.DataFrame(
            {
                "participant": PEOPLE,
                "alpha": rng.uniform(0.3, 0.7, 8),
                "beta": rng.uniform(2, 5, 8),
                "lam": 0.6,
                "w_Intercept": rng.normal(1, 0.3, 8),
                "w_load": -2.0,
                "stimulus_stickiness": 0.1,
                "response_stickiness": 0.0,
            }
        )
        return mc.simulate(mc.models.HYBRID_KOOL, mc.tasks.OTTO_2013, true, trials=60, seed=1)

    @cached_property
    def in_sessions(self) -> mc.Choices:
        """The same choices, with a column that says of which session they are."""
        frame = self.data.frame.assign(session=1 + (self.data.frame["trial"] > 30))
        return mc.read_choices(frame, self.data.task)

    @cached_property
    def sampled(self) -> mc.Fit:
        """Chains this short disagree: participants are named in the diagnostics."""
        options = {"seed": 1, "chains": 2, "draws": 40, "tune": 100, "centring": 0.0}
        return mc.fit(MODEL, self.data, formulas={"w": "1 + load"}, **options)  # type: ignore[arg-type]

    @cached_property
    def alone(self) -> dict[str, mc.Fit]:
        """Two models by the same method."""
        models = (mc.models.HYBRID_KOOL, MODEL.fix(name="habit", w=0.0))
        return {m.name: mc.fit(m, self.data, method="map", starts=2, seed=1) for m in models}

    @cached_property
    def every(self) -> dict[str, mc.Fit]:
        """A small model by each method, with a seed of eight digits."""
        small = MODEL.fix(name="small", lam=1.0, stimulus_stickiness=0.0)
        return {
            name: mc.fit(small, self.in_sessions, seed=20241127, **{"method": name} | options)  # type: ignore[arg-type]
            for name, options in SETTINGS.items()
        }

    @cached_property
    def page(self) -> Path:
        """A report of one fit."""
        return mc.report(self.sampled, self.data, out=self.folder / "one/report", draws=5)

    @cached_property
    def several(self) -> Path:
        """A report of two."""
        return mc.report(self.alone, self.data, out=self.folder / "several/report", draws=2)
