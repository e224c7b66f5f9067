"""From a participant's coefficients to the parameter of one trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from metacontrol.models.parameter import Parameter

INTERCEPT = "Intercept"


@dataclass(frozen=True)
class Predictor:
    """A parameter as it is, or as a regression on columns of the trial.

    Parameters
    ----------
    parameter : Parameter
        What is predicted.
    terms : tuple of str, optional
        Names of the regressors, `Intercept` among them if there is one. Coefficients are on the
        scale of the parameter's link; without terms the only coefficient is the parameter itself,
        on its natural scale.
    """

    parameter: Parameter
    terms: tuple[str, ...] | None = None

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the coefficients: `w`, or `w_Intercept`, `w_load` and so on."""
        name = self.parameter.name
        return (name,) if self.terms is None else tuple(f"{name}_{term}" for term in self.terms)

    @property
    def columns(self) -> tuple[str, ...]:
        """Coefficients whose regressor is a column of the record, under the same name."""
        return tuple(
            name
            for name, term in zip(self.coefficients, self.terms or (INTERCEPT,), strict=True)
            if term != INTERCEPT
        )

    def __call__(self, coefficients: Mapping[str, Any], record: Mapping[str, Any]) -> Any:
        """Return the parameter on its natural scale."""
        if self.terms is None:
            return coefficients[self.parameter.name]
        columns = self.columns
        total = sum(
            coefficients[name] * record[name] if name in columns else coefficients[name]
            for name in self.coefficients
        )
        return self.parameter.link.inverse(total, jnp)
