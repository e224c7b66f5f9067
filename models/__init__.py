"""The minds: one file for each model; `metacontrol.models.engine` makes them run."""

from metacontrol.models.cost_benefit import COST_BENEFIT, STAKES_WEIGHT
from metacontrol.models.default_policy import DEFAULT_POLICY
from metacontrol.models.drifting_weight import DRIFTING_WEIGHT
from metacontrol.models.dyna import DYNA, DYNA_SAMPLED
from metacontrol.models.forward_hybrid import FORWARD_HYBRID, FORWARD_HYBRID_DECAYING
from metacontrol.models.gagne_2021 import GAGNE_2021
from metacontrol.models.habits_without_values import HABITS_WITHOUT_VALUES
from metacontrol.models.hbayesdm import HBAYESDM_TS_PAR4, HBAYESDM_TS_PAR6, HBAYESDM_TS_PAR7
from metacontrol.models.hybrid import HYBRID, MODEL_BASED, MODEL_FREE
from metacontrol.models.hybrid_kool import HYBRID_KOOL
from metacontrol.models.latent_state import LATENT_STATE
from metacontrol.models.logistic_weight import LOGISTIC_WEIGHT
from metacontrol.models.miller_2017 import MULTIPLE_AGENTS
from metacontrol.models.model import Model
from metacontrol.models.multiplicative_weight import MULTIPLICATIVE_WEIGHT
from metacontrol.models.parameter import Link, Parameter, Prior
from metacontrol.models.people import draw_participants
from metacontrol.models.plan_until_habit import PLAN_UNTIL_HABIT, PLANNING_TO_A_DEPTH
from metacontrol.models.planning_noise import PLANNING_NOISE
from metacontrol.models.pruning import DISCOUNT, LOOKAHEAD, PRUNING, PRUNING_WITH_SENSITIVITIES
from metacontrol.models.reliability import (
    RELIABILITY,
    RELIABILITY_UNDER_LOAD,
    RELIABILITY_WITH_RESETS,
)
from metacontrol.models.reward_as_cue import FIXED_REWARD_AS_CUE, REWARD_AS_CUE
from metacontrol.models.scoring import latents, log_likelihood
from metacontrol.models.separate_weights import SEPARATE_WEIGHTS
from metacontrol.models.simulation import simulate
from metacontrol.models.successor import SUCCESSOR
from metacontrol.models.successor_updated import SUCCESSOR_OF_POLICY, SUCCESSOR_REPLAYED
from metacontrol.models.switching import SWITCHING
from metacontrol.models.uncertainty import UNCERTAINTY
from metacontrol.models.uncertainty_hard import UNCERTAINTY_HARD
from metacontrol.models.value_of_information import (
    VALUE_OF_INFORMATION,
    VALUE_OF_INFORMATION_ENDLESS,
)
from metacontrol.models.wrong_model import TRANSITION_DEPENDENT_LEARNING, UNLUCKY_SYMBOL

MODELS = (
    HYBRID,
    MODEL_FREE,
    MODEL_BASED,
    HYBRID_KOOL,
    SEPARATE_WEIGHTS,
    GAGNE_2021,
    HBAYESDM_TS_PAR4,
    HBAYESDM_TS_PAR6,
    HBAYESDM_TS_PAR7,
    LOGISTIC_WEIGHT,
    MULTIPLICATIVE_WEIGHT,
    PLANNING_NOISE,
    STAKES_WEIGHT,
    COST_BENEFIT,
    DRIFTING_WEIGHT,
    SWITCHING,
    PLAN_UNTIL_HABIT,
    PLANNING_TO_A_DEPTH,
    REWARD_AS_CUE,
    FIXED_REWARD_AS_CUE,
    LATENT_STATE,
    MULTIPLE_AGENTS,
    UNLUCKY_SYMBOL,
    TRANSITION_DEPENDENT_LEARNING,
    HABITS_WITHOUT_VALUES,
    FORWARD_HYBRID,
    FORWARD_HYBRID_DECAYING,
    RELIABILITY,
    RELIABILITY_WITH_RESETS,
    *RELIABILITY_UNDER_LOAD,
    UNCERTAINTY,
    UNCERTAINTY_HARD,
    VALUE_OF_INFORMATION,
    VALUE_OF_INFORMATION_ENDLESS,
    SUCCESSOR,
    SUCCESSOR_OF_POLICY,
    SUCCESSOR_REPLAYED,
    DEFAULT_POLICY,
    DYNA,
    DYNA_SAMPLED,
    PRUNING,
    PRUNING_WITH_SENSITIVITIES,
    DISCOUNT,
    LOOKAHEAD,
)

__all__ = [
    "COST_BENEFIT",
    "DEFAULT_POLICY",
    "DISCOUNT",
    "DRIFTING_WEIGHT",
    "DYNA",
    "DYNA_SAMPLED",
    "FIXED_REWARD_AS_CUE",
    "FORWARD_HYBRID",
    "FORWARD_HYBRID_DECAYING",
    "GAGNE_2021",
    "HABITS_WITHOUT_VALUES",
    "HBAYESDM_TS_PAR4",
    "HBAYESDM_TS_PAR6",
    "HBAYESDM_TS_PAR7",
    "HYBRID",
    "HYBRID_KOOL",
    "LATENT_STATE",
    "LOGISTIC_WEIGHT",
    "LOOKAHEAD",
    "MODELS",
    "MODEL_BASED",
    "MODEL_FREE",
    "MULTIPLE_AGENTS",
    "MULTIPLICATIVE_WEIGHT",
    "PLANNING_NOISE",
    "PLANNING_TO_A_DEPTH",
    "PLAN_UNTIL_HABIT",
    "PRUNING",
    "PRUNING_WITH_SENSITIVITIES",
    "RELIABILITY",
    "RELIABILITY_UNDER_LOAD",
    "RELIABILITY_WITH_RESETS",
    "REWARD_AS_CUE",
    "SEPARATE_WEIGHTS",
    "STAKES_WEIGHT",
    "SUCCESSOR",
    "SUCCESSOR_OF_POLICY",
    "SUCCESSOR_REPLAYED",
    "SWITCHING",
    "TRANSITION_DEPENDENT_LEARNING",
    "UNCERTAINTY",
    "UNCERTAINTY_HARD",
    "UNLUCKY_SYMBOL",
    "VALUE_OF_INFORMATION",
    "VALUE_OF_INFORMATION_ENDLESS",
    "Link",
    "Model",
    "Parameter",
    "Prior",
    "draw_participants",
    "latents",
    "log_likelihood",
    "simulate",
]
