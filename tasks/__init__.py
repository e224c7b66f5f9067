"""The worlds: what a trial consists of, what answers a choice, and the choices people made."""

from typing import Any

from metacontrol.tasks.checks import ChoicesError
from metacontrol.tasks.choices import Choices
from metacontrol.tasks.daw_2005 import DAW_2005, DAW_2005_TWO_LEVERS, LeverTask
from metacontrol.tasks.degradation import CONTINGENCY_DEGRADATION, ContingencyDegradation
from metacontrol.tasks.devaluation import OUTCOME_DEVALUATION, OutcomeDevaluation
from metacontrol.tasks.gershman_2014 import GERSHMAN_2014, RetrospectiveRevaluation
from metacontrol.tasks.glascher_2010 import GLASCHER_2010, LatentLearning
from metacontrol.tasks.graph import Graph, Stage
from metacontrol.tasks.huys_2012 import (
    HUYS_2012,
    HUYS_2012_100,
    HUYS_2012_140,
    PlanningTree,
    moves_of,
    sequence_number,
)
from metacontrol.tasks.kim_2019 import KIM_2019, ComplexityTask
from metacontrol.tasks.kool_2016 import KOOL_2016_PAYOFF
from metacontrol.tasks.lee_2014 import LEE_2014, GoalTask
from metacontrol.tasks.momennejad_2017 import (
    MOMENNEJAD_2017,
    MOMENNEJAD_2017_PASSIVE,
    PassiveRevaluation,
    Revaluation,
)
from metacontrol.tasks.otto_2013 import OTTO_2013, DualTask, drop_dual_task_errors
from metacontrol.tasks.reading import read_choices, validate
from metacontrol.tasks.task import Choice, Outcome, Task
from metacontrol.tasks.three_step import KERAMATI_2016, KERAMATI_2016_SHORT, ThreeStep
from metacontrol.tasks.two_step import (
    AKAM_2015,
    AKAM_2015_REDUCED,
    DAW_2011,
    KOOL_2016_DETERMINISTIC,
    KOOL_2016_STOCHASTIC,
    KOOL_2017_DETERMINISTIC,
    KOOL_2017_STOCHASTIC,
    MILLER_2017,
    TwoStep,
)
from metacontrol.tasks.walk import Reversals, Walk

TASKS: tuple[Any, ...] = (
    DAW_2011,
    KOOL_2016_STOCHASTIC,
    KOOL_2016_DETERMINISTIC,
    OTTO_2013,
    KERAMATI_2016,
    KERAMATI_2016_SHORT,
    KOOL_2017_STOCHASTIC,
    KOOL_2017_DETERMINISTIC,
    AKAM_2015,
    AKAM_2015_REDUCED,
    MILLER_2017,
    GLASCHER_2010,
    LEE_2014,
    KIM_2019,
    DAW_2005,
    DAW_2005_TWO_LEVERS,
    *MOMENNEJAD_2017.values(),
    *MOMENNEJAD_2017_PASSIVE.values(),
    GERSHMAN_2014,
    OUTCOME_DEVALUATION,
    CONTINGENCY_DEGRADATION,
    HUYS_2012,
    HUYS_2012_100,
    HUYS_2012_140,
)

__all__ = [
    "AKAM_2015",
    "AKAM_2015_REDUCED",
    "CONTINGENCY_DEGRADATION",
    "DAW_2005",
    "DAW_2005_TWO_LEVERS",
    "DAW_2011",
    "GERSHMAN_2014",
    "GLASCHER_2010",
    "HUYS_2012",
    "HUYS_2012_100",
    "HUYS_2012_140",
    "KERAMATI_2016",
    "KERAMATI_2016_SHORT",
    "KIM_2019",
    "KOOL_2016_DETERMINISTIC",
    "KOOL_2016_PAYOFF",
    "KOOL_2016_STOCHASTIC",
    "KOOL_2017_DETERMINISTIC",
    "KOOL_2017_STOCHASTIC",
    "LEE_2014",
    "MILLER_2017",
    "MOMENNEJAD_2017",
    "MOMENNEJAD_2017_PASSIVE",
    "OUTCOME_DEVALUATION",
    "OTTO_2013",
    "TASKS",
    "Choice",
    "Choices",
    "ChoicesError",
    "ComplexityTask",
    "ContingencyDegradation",
    "DualTask",
    "GoalTask",
    "Graph",
    "LatentLearning",
    "LeverTask",
    "Outcome",
    "PassiveRevaluation",
    "OutcomeDevaluation",
    "PlanningTree",
    "RetrospectiveRevaluation",
    "Revaluation",
    "Reversals",
    "Stage",
    "Task",
    "ThreeStep",
    "TwoStep",
    "Walk",
    "drop_dual_task_errors",
    "moves_of",
    "read_choices",
    "sequence_number",
    "validate",
]
