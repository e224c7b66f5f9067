"""From choices and fits to what people look at: tables and figures."""

from metacontrol.analysis.calibration import plot_sbc, sbc, sbc_sentence, sbc_verdict
from metacontrol.analysis.change import around, changing_columns, plot_around
from metacontrol.analysis.comparison import compare, plot_comparison
from metacontrol.analysis.confusion import confuse, plot_confusion
from metacontrol.analysis.course import course, plot_course
from metacontrol.analysis.criteria import log_evidence
from metacontrol.analysis.depth import depth_effects, plot_stay_by_path, stay_by_path
from metacontrol.analysis.design import design, design_sentence, plot_design_recovery, plot_power
from metacontrol.analysis.devaluation import devaluation_index
from metacontrol.analysis.doctor import doctor
from metacontrol.analysis.drivers import drivers, plot_drivers
from metacontrol.analysis.elpd import Elpd
from metacontrol.analysis.kfold import kfold
from metacontrol.analysis.lags import lag_indices, lagged_regression, plot_lags
from metacontrol.analysis.loo import loo
from metacontrol.analysis.noted import noted_by_condition, noted_draws
from metacontrol.analysis.predictive import (
    plot_predictive,
    plot_predictive_stay,
    predictive,
    predictive_stay,
    prior_predictive,
)
from metacontrol.analysis.recovery import plot_recoveries, plot_recovery, recover, recovery_table
from metacontrol.analysis.recovery_by_design import plot_recovery_by_design, recovery_by_design
from metacontrol.analysis.reliability import reliability
from metacontrol.analysis.revaluation import revaluation_score
from metacontrol.analysis.statistics import indices, learning_curve, staying
from metacontrol.analysis.stay import (
    plot_stay_probabilities,
    stay_by_participant,
    stay_probabilities,
    stay_regression,
)
from metacontrol.analysis.style import panels, save_figure, style
from metacontrol.analysis.task_graph import plot_graph
from metacontrol.analysis.task_schedule import plot_schedule
from metacontrol.analysis.weight import (
    has_weight,
    participant_weights,
    weight_by_condition,
    weight_draws,
)
from metacontrol.analysis.weight_figures import plot_participant_weights, plot_weight_by_condition

__all__ = [
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
    "indices",
    "kfold",
    "lag_indices",
    "lagged_regression",
    "learning_curve",
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
    "staying",
    "style",
    "weight_by_condition",
    "weight_draws",
]
