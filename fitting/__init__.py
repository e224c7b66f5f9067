"""From choices to parameters: priors, PyMC models, point estimates, sampling, results."""

from metacontrol.fitting.fit import fit
from metacontrol.fitting.group import build_model, log_likelihood_op
from metacontrol.fitting.result import Fit, load_fit
from metacontrol.fitting.sessions import split_sessions

__all__ = ["Fit", "build_model", "fit", "load_fit", "log_likelihood_op", "split_sessions"]
