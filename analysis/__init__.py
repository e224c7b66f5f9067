"""From choices and fits to what people look at: tables and figures."""

from metacontrol.analysis.course import course, plot_course
from metacontrol.analysis.depth import depth_effects, plot_stay_by_path, stay_by_path
from metacontrol.analysis.predictive import plot_predictive_stay, predictive_stay
from metacontrol.analysis.recovery import plot_recovery, recovery_table
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
    "course",
    "depth_effects",
    "has_weight",
    "panels",
    "participant_weights",
    "plot_course",
    "plot_graph",
    "plot_participant_weights",
    "plot_predictive_stay",
    "plot_recovery",
    "plot_schedule",
    "plot_stay_by_path",
    "plot_stay_probabilities",
    "plot_weight_by_condition",
    "predictive_stay",
    "recovery_table",
    "save_figure",
    "stay_by_participant",
    "stay_by_path",
    "stay_probabilities",
    "stay_regression",
    "style",
    "weight_by_condition",
    "weight_draws",
]
