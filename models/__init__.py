"""The minds: one file for each model; `metacontrol.models.engine` makes them run."""

from metacontrol.models.gagne_2021 import GAGNE_2021
from metacontrol.models.hbayesdm import HBAYESDM_TS_PAR4, HBAYESDM_TS_PAR6, HBAYESDM_TS_PAR7
from metacontrol.models.hybrid import HYBRID, MODEL_BASED, MODEL_FREE
from metacontrol.models.hybrid_kool import HYBRID_KOOL
from metacontrol.models.latent_state import LATENT_STATE
from metacontrol.models.logistic_weight import LOGISTIC_WEIGHT
from metacontrol.models.model import Model
from metacontrol.models.multiplicative_weight import MULTIPLICATIVE_WEIGHT
from metacontrol.models.parameter import Link, Parameter, Prior
from metacontrol.models.plan_until_habit import PLAN_UNTIL_HABIT, PLANNING_TO_A_DEPTH
from metacontrol.models.reward_as_cue import FIXED_REWARD_AS_CUE, REWARD_AS_CUE
from metacontrol.models.scoring import latents, log_likelihood
from metacontrol.models.separate_weights import SEPARATE_WEIGHTS
from metacontrol.models.simulation import simulate

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
    PLAN_UNTIL_HABIT,
    PLANNING_TO_A_DEPTH,
    REWARD_AS_CUE,
    FIXED_REWARD_AS_CUE,
    LATENT_STATE,
)

__all__ = [
    "FIXED_REWARD_AS_CUE",
    "GAGNE_2021",
    "HBAYESDM_TS_PAR4",
    "HBAYESDM_TS_PAR6",
    "HBAYESDM_TS_PAR7",
    "HYBRID",
    "HYBRID_KOOL",
    "LATENT_STATE",
    "LOGISTIC_WEIGHT",
    "MODELS",
    "MODEL_BASED",
    "MODEL_FREE",
    "MULTIPLICATIVE_WEIGHT",
    "PLANNING_TO_A_DEPTH",
    "PLAN_UNTIL_HABIT",
    "REWARD_AS_CUE",
    "SEPARATE_WEIGHTS",
    "Link",
    "Model",
    "Parameter",
    "Prior",
    "latents",
    "log_likelihood",
    "simulate",
]
