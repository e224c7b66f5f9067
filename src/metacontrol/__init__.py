"""How people share control between habit and deliberation: simulate it, fit it, draw it."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metacontrol import analysis, fitting, models, tasks
    from metacontrol.analysis import (
        panels,
        participant_weights,
        plot_participant_weights,
        plot_predictive_stay,
        plot_recovery,
        plot_stay_probabilities,
        plot_weight_by_condition,
        predictive_stay,
        recovery_table,
        save_figure,
        stay_by_participant,
        stay_probabilities,
        stay_regression,
        style,
        weight_by_condition,
        weight_draws,
    )
    from metacontrol.fitting import Fit, build_model, fit, load_fit, log_likelihood_op
    from metacontrol.models import Model, Parameter, Prior, latents, log_likelihood, simulate
    from metacontrol.tasks import Choices, ChoicesError, read_choices, validate

__version__ = version("metacontrol")

# Where each public name lives. Modules load when first used, so that help and checks are quick.
_HOMES = {
    "tasks": ("Choices", "ChoicesError", "read_choices", "validate"),
    "models": ("Model", "Parameter", "Prior", "latents", "log_likelihood", "simulate"),
    "fitting": ("Fit", "build_model", "fit", "load_fit", "log_likelihood_op"),
    "analysis": (
        "panels",
        "participant_weights",
        "plot_participant_weights",
        "plot_predictive_stay",
        "plot_recovery",
        "plot_stay_probabilities",
        "plot_weight_by_condition",
        "predictive_stay",
        "recovery_table",
        "save_figure",
        "stay_by_participant",
        "stay_probabilities",
        "stay_regression",
        "style",
        "weight_by_condition",
        "weight_draws",
    ),
}
__all__ = [*_HOMES, *(name for names in _HOMES.values() for name in names)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return import_module(f"metacontrol.{name}")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"metacontrol.{home}"), name)
    raise AttributeError(f"metacontrol has no {name!r}; it has: {', '.join(sorted(__all__))}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
