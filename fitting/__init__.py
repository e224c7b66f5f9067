"""From choices to parameters: priors, PyMC models, point estimates, sampling, results."""

from metacontrol.fitting.fit import fit
from metacontrol.fitting.group import build_model, log_likelihood_op
from metacontrol.fitting.hbi import HBI, hbi
from metacontrol.fitting.random_effects import random_effects
from metacontrol.fitting.result import Fit, load_fit
from metacontrol.fitting.sessions import split_sessions
from metacontrol.fitting.shards import gather
from metacontrol.fitting.stream import StreamFit, fit_stream

__all__ = [
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
]
