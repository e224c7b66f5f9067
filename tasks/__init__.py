"""The worlds: what a trial consists of, what answers a choice, and the choices people made."""

from metacontrol.tasks.checks import ChoicesError
from metacontrol.tasks.choices import Choices
from metacontrol.tasks.reading import read_choices, validate
from metacontrol.tasks.task import Choice, Outcome, Task
from metacontrol.tasks.three_step import KERAMATI_2016, ThreeStep
from metacontrol.tasks.two_step import (
    AKAM_2015,
    AKAM_2015_REDUCED,
    DAW_2011,
    KOOL_2016_DETERMINISTIC,
    KOOL_2016_STOCHASTIC,
    KOOL_2017_DETERMINISTIC,
    KOOL_2017_STOCHASTIC,
    OTTO_2013,
    TwoStep,
)
from metacontrol.tasks.walk import Reversals, Walk

TASKS = (
    DAW_2011,
    KOOL_2016_STOCHASTIC,
    KOOL_2016_DETERMINISTIC,
    OTTO_2013,
    KERAMATI_2016,
    KOOL_2017_STOCHASTIC,
    KOOL_2017_DETERMINISTIC,
    AKAM_2015,
    AKAM_2015_REDUCED,
)

__all__ = [
    "AKAM_2015",
    "AKAM_2015_REDUCED",
    "DAW_2011",
    "KERAMATI_2016",
    "KOOL_2016_DETERMINISTIC",
    "KOOL_2016_STOCHASTIC",
    "KOOL_2017_DETERMINISTIC",
    "KOOL_2017_STOCHASTIC",
    "OTTO_2013",
    "TASKS",
    "Choice",
    "Choices",
    "ChoicesError",
    "Outcome",
    "Reversals",
    "Task",
    "ThreeStep",
    "TwoStep",
    "Walk",
    "read_choices",
    "validate",
]
