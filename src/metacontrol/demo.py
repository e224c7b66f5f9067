"""The demonstration: a load experiment from simulation to a fitted weight and figures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

import metacontrol as mc

PARTICIPANTS, TRIALS = 40, 200


def parameters(seed: int) -> pd.DataFrame:
    """Return participants whose weight of planning is about .70 without load and .30 with it."""
    rng = np.random.default_rng(seed)

    def spread(center: float, sd: float) -> np.ndarray:
        return rng.normal(center, sd, PARTICIPANTS)

    def unit(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    return pd.DataFrame(
        {
            "participant": [f"s{i + 1:02d}" for i in range(PARTICIPANTS)],
            "alpha1": unit(spread(0.0, 0.5)),
            "alpha2": unit(spread(0.0, 0.5)),
            "beta1": np.exp(spread(1.5, 0.3)),
            "beta2": np.exp(spread(1.2, 0.3)),
            "lam": unit(spread(0.5, 0.5)),
            "p": spread(0.1, 0.1),
            "w_Intercept": spread(0.85, 0.6),
            "w_load": spread(-1.7, 0.3),
        }
    )


def run(out: Path, seed: int) -> None:
    """Simulate, fit, say what came out, draw; write everything to the folder `out`."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    import matplotlib.pyplot as plt

    true = parameters(seed)
    data = mc.simulate(mc.models.HYBRID, mc.tasks.OTTO_2013, true, trials=TRIALS, seed=seed)
    print(f"Simulated a load experiment.\n{data}")
    print("Fitting the hybrid, with a weight of planning that may depend on load ...")
    fit = mc.fit(
        mc.models.HYBRID,
        data,
        formulas={"w": "1 + load"},
        seed=seed,
        draws=2000,
        tune=500,
    )
    fit.save(out / "fit.nc")
    print(fit)
    if not fit.doubts.empty:
        print("\nAs diagnostics are not as wanted, what follows is not to be relied on.")

    found = mc.weight_by_condition(fit)
    people = mc.participant_weights(fit)
    logit = np.outer([1, 1], true["w_Intercept"]) + np.outer([0, 1], true["w_load"])
    typical = 1 / (1 + np.exp(-logit.mean(axis=1)))
    table = found.assign(true=typical)[["load", "true", "mean", "lower", "upper"]]
    print("\nWeight of planning of the median participant")
    print(table.round(3).to_string(index=False))
    draws = mc.weight_draws(fit)
    low = draws.loc[draws["load"] == 1, "weight"].to_numpy()
    high = draws.loc[draws["load"] == 0, "weight"].to_numpy()
    lower, upper = np.quantile(low - high, [0.025, 0.975])
    print(
        f"\nUnder load these people plan less: their weight of planning is lower by "
        f"{(high - low).mean():.2f} (95 % interval {-upper:.2f} to {-lower:.2f}; true "
        f"{typical[0] - typical[1]:.2f}), so habit decides more of their first choices.\n"
        f"The fit had only their choices to go by, and its interval "
        f"{'holds' if lower <= typical[1] - typical[0] <= upper else 'misses'} the truth."
    )

    with mc.style():
        figure, axes = mc.panels(1, 3, height=6.2)
        mc.plot_stay_probabilities(mc.stay_probabilities(data, by=["load"]), axes[0])
        mc.plot_weight_by_condition(draws, axes[1], people)
        mc.plot_recovery(true, fit, "w_Intercept", axes[2])
        mc.save_figure(figure, out / "load")
        figure, axes = mc.panels(1, 2)
        mc.plot_participant_weights(people, axes[0])
        mc.plot_predictive_stay(mc.predictive_stay(fit, data, seed=seed), axes[1])
        mc.save_figure(figure, out / "participants")
        plt.close("all")
    print(f"\nFigures and the fit are in the folder {out}/: load.pdf, participants.pdf, fit.nc.")
