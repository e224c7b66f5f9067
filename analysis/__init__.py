"""From choices and fits to what people look at: tables and figures."""

from metacontrol.analysis.change import around, changing_columns, plot_around
from metacontrol.analysis.comparison import compare, plot_comparison
from metacontrol.analysis.confusion import confuse, plot_confusion
from metacontrol.analysis.course import course, plot_course
from metacontrol.analysis.criteria import log_evidence
from metacontrol.analysis.depth import depth_effects, plot_stay_by_path, stay_by_path
from metacontrol.analysis.devaluation import devaluation_index
from metacontrol.analysis.drivers import drivers, plot_drivers
from metacontrol.analysis.elpd import Elpd
from metacontrol.analysis.kfold import kfold
from metacontrol.analysis.lags import lag_indices, lagged_regression, plot_lags
from metacontrol.analysis.loo import loo
from metacontrol.analysis.noted import noted_by_condition, noted_draws
from metacontrol.analysis.predictive import plot_predictive_stay, predictive_stay
from metacontrol.analysis.recovery import (
    plot_recoveries,
    plot_recovery,
    recover,
    recovery_table,
)
from metacontrol.analysis.reliability import reliability
from metacontrol.analysis.revaluation import revaluation_score
from metacontrol.analysis.stay import (
    plot_stay_probabilities,
    stay_by_participant,
    stay_probabilities,
    stay_regression,
)
from metacontrol.analysis.style import panels, save_figure, style
from metacontrol.analysis.task_figure import plot_graph, plot_schedule
from metacontrol.analysis.weight import (
    has_weight,
    participant_weights,
    plot_participant_weights,
    plot_weight_by_condition,
    weight_by_condition,
    weight_draws,
)

__all__ = [
    "Elpd",
    "around",
    "changing_columns",
    "compare",
    "confuse",
    "course",
    "depth_effects",
    "devaluation_index",
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
    "plot_drivers",
    "plot_graph",
    "plot_lags",
    "plot_participant_weights",
    "plot_predictive_stay",
    "plot_recoveries",
    "plot_recovery",
    "plot_schedule",
    "plot_stay_by_path",
    "plot_stay_probabilities",
    "plot_weight_by_condition",
    "predictive_stay",
    "recover",
    "recovery_table",
    "reliability",
    "revaluation_score",
    "save_figure",
    "stay_by_participant",
    "stay_by_path",
    "stay_probabilities",
    "stay_regression",
    "style",
    "weight_by_condition",
    "weight_draws",
]
