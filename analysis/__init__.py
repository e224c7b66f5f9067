"""From choices and fits to what people look at: tables and figures."""

from metacontrol.analysis.change import around, changing_columns, plot_around
from metacontrol.analysis.comparison import (
    compare,
    confuse,
    log_evidence,
    plot_confusion,
)
from metacontrol.analysis.course import course, plot_course
from metacontrol.analysis.depth import depth_effects, plot_stay_by_path, stay_by_path
from metacontrol.analysis.devaluation import devaluation_index
from metacontrol.analysis.drivers import drivers, plot_drivers
from metacontrol.analysis.lags import lag_indices, lagged_regression, plot_lags
from metacontrol.analysis.noted import noted_by_condition, noted_draws
from metacontrol.analysis.predictive import plot_predictive_stay, predictive_stay
from metacontrol.analysis.recovery import (
    plot_recoveries,
    plot_recovery,
    recover,
    recovery_table,
)
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
    "around",
    "changing_columns",
    "compare",
    "confuse",
    "course",
    "depth_effects",
    "devaluation_index",
    "drivers",
    "has_weight",
    "lag_indices",
    "lagged_regression",
    "log_evidence",
    "noted_by_condition",
    "noted_draws",
    "panels",
    "participant_weights",
    "plot_around",
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
