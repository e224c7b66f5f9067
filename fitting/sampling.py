"""Sampling by NUTS: nutpie on the JAX backend, with a progress bar that says how long."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import nutpie
import pymc as pm
import xarray as xr
from pymc.model.transform.optimization import freeze_dims_and_data
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def sample(
    model: pm.Model,
    *,
    draws: int,
    tune: int,
    chains: int,
    cores: int,
    target_accept: float,
    seed: int,
    label: str,
    progress: bool,
    start: Mapping[str, Any] | None = None,
) -> xr.DataTree:
    """Sample a PyMC model.

    Parameters
    ----------
    start : mapping of str to float or array, optional
        Where each chain starts; all other variables start at random, somewhere about 0.

    Returns
    -------
    DataTree
        Groups posterior and sample_stats; the attribute `warmup_steps` counts the gradients before.
    """
    model = freeze_dims_and_data(model)
    compiled = nutpie.compile_pymc_model(
        model,
        backend="jax",
        gradient_backend="jax",
        freeze_model=False,  # it would make a copy, whose variables are not those named below
        initial_points=dict(start or {}),
        jitter_rvs={variable for variable in model.free_RVs if variable.name not in (start or {})},
    )
    with bar(label, progress) as tell:

        def listen(chains: Any) -> None:
            done = sum(chain.finished_draws for chain in chains)
            diverging = sum(chain.divergences for chain in chains)
            tell(
                done / sum(chain.total_draws for chain in chains),
                f"{diverging} divergences" if diverging else "",
            )

        sampler = nutpie.sample(
            compiled,
            draws=draws,
            tune=tune,
            chains=chains,
            cores=cores,
            seed=seed,
            target_accept=target_accept,
            save_warmup=True,
            progress_bar=False,
            progress_callback=lambda *update: listen(update[-1]),
            progress_rate=250,
            blocking=False,
        )
        try:
            tree = sampler.wait()
        except BaseException:  # Ctrl-C too: no chain goes on in the background
            sampler.cancel()
            raise
    stats = tree["sample_stats"].to_dataset()
    kept = ["diverging", "energy", "n_steps", "depth", "step_size", "mean_tree_accept"]
    sampled = xr.DataTree.from_dict(
        {
            "posterior": tree["posterior"].to_dataset(),
            "sample_stats": stats[[name for name in kept if name in stats]],
        }
    )
    sampled.attrs["warmup_steps"] = int(tree["warmup_sample_stats"]["n_steps"].sum())
    return sampled


class bar:  # noqa: N801 - reads as a word: with bar(...) as tell
    """A progress bar on a terminal; nothing elsewhere, so that logs stay readable."""

    def __init__(self, what: str, wanted: bool) -> None:
        self.shown = wanted and sys.stderr.isatty()
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            disable=not self.shown,
        )
        self.task = self.progress.add_task(what, total=1.0, note="")

    def __enter__(self) -> Callable[..., None]:
        self.progress.start()
        return self._tell

    def _tell(self, share: float, note: str = "") -> None:
        self.progress.update(self.task, completed=share, note=note)

    def __exit__(self, *error: object) -> None:
        self.progress.stop()
