"""Sampling by NUTS: nutpie on the JAX backend, with a progress bar that says how long.

Each chain is a run of its own, with a seed of its own: so a finished chain can be kept, and a
chain that is missing sampled later, with the same draws.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, ENOSPC
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import xarray as xr
from nutpie.sample import CompiledModel
from pymc.model.transform.optimization import freeze_dims_and_data
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from metacontrol.fitting.checkpoint import Parts, joined

KEPT = ["diverging", "energy", "n_steps", "depth", "step_size", "mean_tree_accept"]


def compiled(model: pm.Model, start: Mapping[str, Any] | None = None) -> CompiledModel:
    """Compile a PyMC model for NUTS; `start` as for `sample`."""
    model = freeze_dims_and_data(model)
    with unheeded_blas():
        try:
            return nutpie.compile_pymc_model(
                model,
                backend="jax",
                gradient_backend="jax",
                freeze_model=False,  # it would make a copy, with other variables than named below
                initial_points=dict(start or {}),
                jitter_rvs={rv for rv in model.free_RVs if rv.name not in (start or {})},
            )
        except OSError as error:
            if error.errno not in (ENOSPC, EFBIG, EDQUOT):
                raise
            where = tempfile.gettempdir()  # of PyTensor's generated code
            raise type(error)(
                f"cannot write a temporary file in {where}: {error.strerror} (TMPDIR may name "
                "another folder)"
            ) from error


@contextmanager
def unheeded_blas() -> Iterator[None]:
    """Let PyTensor not warn that it has no BLAS: JAX has its own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PyTensor could not link to a BLAS")
        yield


def sample(
    model: pm.Model | CompiledModel,
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
    parts: Parts | None = None,
) -> xr.DataTree:
    """Sample a PyMC model, or one that `compiled` has compiled.

    Parameters
    ----------
    start : mapping of str to float or array, optional
        Where each chain starts; all other variables start at random, somewhere about 0.
    parts : Parts, optional
        Where finished chains are kept, and found again.

    Returns
    -------
    DataTree
        Groups posterior and sample_stats; its `warmup_steps` counts a chain's gradients before.
    """
    parts = parts or Parts(None, {})
    names = [f"chain-{chain}" for chain in range(chains)]
    done = {name: tree for name in names if (tree := parts.load(name)) is not None}
    missing = [chain for chain, name in enumerate(names) if name not in done]
    if not missing:
        return joined([done[name] for name in names], "chain")
    sampler = compiled(model, start) if isinstance(model, pm.Model) else model
    shares = dict.fromkeys(range(chains), 1.0) | dict.fromkeys(missing, 0.0)
    diverging = dict.fromkeys(missing, 0)
    running: dict[int, Any] = {}

    def begin(chain: int, tell: Callable[..., None]) -> Any:
        def listen(*update: Any) -> None:
            (state,) = update[-1]
            shares[chain] = state.finished_draws / state.total_draws
            diverging[chain] = state.divergences
            count = sum(diverging.values())
            tell(sum(shares.values()) / chains, f"{count} divergences" if count else "")

        own = np.random.SeedSequence(seed, spawn_key=(chain,)).generate_state(1, np.uint64)
        return nutpie.sample(
            sampler,
            draws=draws,
            tune=tune,
            chains=1,
            cores=1,
            seed=int(own[0]),
            target_accept=target_accept,
            save_warmup=True,
            progress_bar=False,
            progress_callback=listen,
            progress_rate=250,
            blocking=False,
        )

    with bar(label, progress) as tell:
        try:
            while missing or running:
                while missing and len(running) < cores:
                    chain = missing.pop(0)
                    running[chain] = begin(chain, tell)
                for chain in list(running):
                    with suppress(TimeoutError):  # it is not finished yet
                        tree = _tidy(running[chain].wait(timeout=0.05), chain)
                        del running[chain]
                        done[names[chain]] = parts.keep(names[chain], tree)
        except BaseException:  # Ctrl-C too: no chain goes on in the background
            for chain_running in running.values():
                chain_running.cancel()
            raise
    return joined([done[name] for name in names], "chain")


def _tidy(tree: xr.DataTree, chain: int) -> xr.DataTree:
    """Return one chain's draws and statistics under its own number."""
    posterior, stats = (tree[group].to_dataset() for group in ("posterior", "sample_stats"))
    kept = stats[[name for name in KEPT if name in stats]]
    before = tree["warmup_sample_stats"]["n_steps"].sum().item()
    kept = kept.assign(warmup_steps=("chain", [before]))
    return xr.DataTree.from_dict(
        {
            "posterior": posterior.assign_coords(chain=[chain]),
            "sample_stats": kept.assign_coords(chain=[chain]),
        }
    )


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
