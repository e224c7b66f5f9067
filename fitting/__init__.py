"""From choices to parameters: priors, PyMC models, point estimates, sampling, results."""

from metacontrol.fitting.checkpoint import gather
from metacontrol.fitting.fit import fit
from metacontrol.fitting.group import build_model, log_likelihood_op
from metacontrol.fitting.result import Fit, load_fit

__all__ = ["Fit", "build_model", "fit", "gather", "load_fit", "log_likelihood_op"]
