"""How people share control between habit and deliberation: simulate it, fit it, draw it."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metacontrol import analysis as analysis
    from metacontrol import fitting as fitting
    from metacontrol import models as models
    from metacontrol import reporting as reporting
    from metacontrol import tasks as tasks
    from metacontrol.analysis import Elpd as Elpd
    from metacontrol.analysis import around as around
    from metacontrol.analysis import changing_columns as changing_columns
    from metacontrol.analysis import compare as compare
    from metacontrol.analysis import confuse as confuse
    from metacontrol.analysis import course as course
    from metacontrol.analysis import depth_effects as depth_effects
    from metacontrol.analysis import design as design
    from metacontrol.analysis import design_sentence as design_sentence
    from metacontrol.analysis import devaluation_index as devaluation_index
    from metacontrol.analysis import doctor as doctor
    from metacontrol.analysis import drivers as drivers
    from metacontrol.analysis import has_weight as has_weight
    from metacontrol.analysis import kfold as kfold
    from metacontrol.analysis import lag_indices as lag_indices
    from metacontrol.analysis import lagged_regression as lagged_regression
    from metacontrol.analysis import log_evidence as log_evidence
    from metacontrol.analysis import loo as loo
    from metacontrol.analysis import noted_by_condition as noted_by_condition
    from metacontrol.analysis import noted_draws as noted_draws
    from metacontrol.analysis import panels as panels
    from metacontrol.analysis import participant_weights as participant_weights
    from metacontrol.analysis import plot_around as plot_around
    from metacontrol.analysis import plot_comparison as plot_comparison
    from metacontrol.analysis import plot_confusion as plot_confusion
    from metacontrol.analysis import plot_course as plot_course
    from metacontrol.analysis import plot_design_recovery as plot_design_recovery
    from metacontrol.analysis import plot_drivers as plot_drivers
    from metacontrol.analysis import plot_graph as plot_graph
    from metacontrol.analysis import plot_lags as plot_lags
    from metacontrol.analysis import plot_participant_weights as plot_participant_weights
    from metacontrol.analysis import plot_power as plot_power
    from metacontrol.analysis import plot_predictive as plot_predictive
    from metacontrol.analysis import plot_predictive_stay as plot_predictive_stay
    from metacontrol.analysis import plot_recoveries as plot_recoveries
    from metacontrol.analysis import plot_recovery as plot_recovery
    from metacontrol.analysis import plot_recovery_by_design as plot_recovery_by_design
    from metacontrol.analysis import plot_sbc as plot_sbc
    from metacontrol.analysis import plot_schedule as plot_schedule
    from metacontrol.analysis import plot_stay_by_path as plot_stay_by_path
    from metacontrol.analysis import plot_stay_probabilities as plot_stay_probabilities
    from metacontrol.analysis import plot_weight_by_condition as plot_weight_by_condition
    from metacontrol.analysis import predictive as predictive
    from metacontrol.analysis import predictive_stay as predictive_stay
    from metacontrol.analysis import prior_predictive as prior_predictive
    from metacontrol.analysis import recover as recover
    from metacontrol.analysis import recovery_by_design as recovery_by_design
    from metacontrol.analysis import recovery_table as recovery_table
    from metacontrol.analysis import reliability as reliability
    from metacontrol.analysis import revaluation_score as revaluation_score
    from metacontrol.analysis import save_figure as save_figure
    from metacontrol.analysis import sbc as sbc
    from metacontrol.analysis import sbc_sentence as sbc_sentence
    from metacontrol.analysis import sbc_verdict as sbc_verdict
    from metacontrol.analysis import stay_by_participant as stay_by_participant
    from metacontrol.analysis import stay_by_path as stay_by_path
    from metacontrol.analysis import stay_probabilities as stay_probabilities
    from metacontrol.analysis import stay_regression as stay_regression
    from metacontrol.analysis import style as style
    from metacontrol.analysis import weight_by_condition as weight_by_condition
    from metacontrol.analysis import weight_draws as weight_draws
    from metacontrol.fitting import HBI as HBI
    from metacontrol.fitting import Fit as Fit
    from metacontrol.fitting import StreamFit as StreamFit
    from metacontrol.fitting import build_model as build_model
    from metacontrol.fitting import fit as fit
    from metacontrol.fitting import fit_stream as fit_stream
    from metacontrol.fitting import gather as gather
    from metacontrol.fitting import hbi as hbi
    from metacontrol.fitting import load_fit as load_fit
    from metacontrol.fitting import log_likelihood_op as log_likelihood_op
    from metacontrol.fitting import random_effects as random_effects
    from metacontrol.fitting import split_sessions as split_sessions
    from metacontrol.models import Model as Model
    from metacontrol.models import Parameter as Parameter
    from metacontrol.models import Prior as Prior
    from metacontrol.models import draw_participants as draw_participants
    from metacontrol.models import latents as latents
    from metacontrol.models import log_likelihood as log_likelihood
    from metacontrol.models import simulate as simulate
    from metacontrol.reporting import report as report
    from metacontrol.tasks import Choices as Choices
    from metacontrol.tasks import ChoicesError as ChoicesError
    from metacontrol.tasks import read_choices as read_choices
    from metacontrol.tasks import validate as validate

__version__ = version("metacontrol")

# Where each public name lives. Modules load when first used, so that help and checks are quick.
_HOMES = {
    "tasks": ("Choices", "ChoicesError", "read_choices", "validate"),
    "models": (
        "Model",
        "Parameter",
        "Prior",
        "draw_participants",
        "latents",
        "log_likelihood",
        "simulate",
    ),
    "fitting": (
        "HBI",
        "Fit",
        "StreamFit",
        "build_model",
        "fit",
        "fit_stream",
        "gather",
        "hbi",
        "load_fit",
        "log_likelihood_op",
        "random_effects",
        "split_sessions",
    ),
    "analysis": (
        "Elpd",
        "around",
        "changing_columns",
        "compare",
        "confuse",
        "course",
        "depth_effects",
        "design",
        "design_sentence",
        "devaluation_index",
        "doctor",
        "drivers",
        "has_weight",
        "kfold",
        "lag_indices",
        "lagged_regression",
        "log_evidence",
        "loo",
        "noted_by_condition",
        "noted_draws",
        "panels",
        "participant_weights",
        "plot_around",
        "plot_comparison",
        "plot_confusion",
        "plot_course",
        "plot_design_recovery",
        "plot_drivers",
        "plot_graph",
        "plot_lags",
        "plot_participant_weights",
        "plot_power",
        "plot_predictive",
        "plot_predictive_stay",
        "plot_recoveries",
        "plot_recovery",
        "plot_recovery_by_design",
        "plot_sbc",
        "plot_schedule",
        "plot_stay_by_path",
        "plot_stay_probabilities",
        "plot_weight_by_condition",
        "predictive",
        "predictive_stay",
        "prior_predictive",
        "recover",
        "recovery_by_design",
        "recovery_table",
        "reliability",
        "revaluation_score",
        "save_figure",
        "sbc",
        "sbc_sentence",
        "sbc_verdict",
        "stay_by_participant",
        "stay_by_path",
        "stay_probabilities",
        "stay_regression",
        "style",
        "weight_by_condition",
        "weight_draws",
    ),
    "reporting": ("report",),
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
