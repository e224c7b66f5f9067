"""What every model is: a name, its parameters, a starting mind, and one trial told once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, ClassVar, Self

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.parameter import Parameter


@dataclass(frozen=True)
class Model:
    """A way in which habit and deliberation may share control.

    A model is written by subclassing: `start` says what is in mind before the first trial, `trial`
    tells what happens in one. Both are written for one participant, in plain arithmetic.

    The class says in `needs` which events its trial asks for besides those of a two-step task, and
    in `cues` which columns it looks at, each with the parameters for whose sake it does. A model
    with chance of its own says in `simulate_only` why it has no likelihood and what to fit in its
    place, and in `luck` what its trial asks chance for.

    Parameters
    ----------
    name : str
        Name in `metacontrol models`.
    source : str
        Paper, with DOI.
    parameters : tuple of Parameter
        All parameters, the fixed ones too.
    fixed : tuple of (str, float or str)
        Parameters that are not free: a value, or the name of the parameter they are equal to. Use
        `fix` to make such a model.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    cues: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    simulate_only: ClassVar[str] = ""

    name: str
    source: str
    parameters: tuple[Parameter, ...]
    fixed: tuple[tuple[str, float | str], ...] = ()

    def misfit(self, task: Any) -> str:
        """Return why the model cannot play a task, such as "needs ..."; nothing if it can.

        By default a model plays the tasks whose first options lead to second states of their own
        numbers, and which have the events that it needs.
        """
        if not hasattr(task, "first_states"):
            return "is a model of two-step tasks"
        events = [event.name for event in task.events]
        absent = [name for name in self.needs if name not in events]
        return f"needs the event {', '.join(absent)}" if absent else ""

    def must_play(self, task: Any) -> None:
        """Raise ValueError if the model cannot play a task."""
        if why := self.misfit(task):
            raise ValueError(f"{self.name} cannot play {task.name}: it {why}")

    def must_have_likelihood(self) -> None:
        """Raise ValueError if the model is for simulation only."""
        if self.simulate_only:
            raise ValueError(f"{self.name} is for simulation only: {self.simulate_only}")

    def luck(self, task: Any) -> tuple[str, ...]:
        """Return names of the uniform numbers that a trial asks for: none, if nothing is chance."""
        return ()

    def start(self, task: Any, theta: Any) -> Mind:
        """Return what is in mind before the first trial.

        Parameters
        ----------
        task : Task
            The world.
        theta : namespace
            Parameters, by attribute.
        """
        raise NotImplementedError

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial and return what is in mind after it.

        Parameters
        ----------
        theta : namespace
            Parameters of this trial, by attribute.
        mind : Mind
            What was in mind before it.
        t : Listener
            Who listens.
        """
        raise NotImplementedError

    @property
    def free(self) -> tuple[Parameter, ...]:
        """The parameters that are not fixed."""
        fixed = dict(self.fixed)
        return tuple(parameter for parameter in self.parameters if parameter.name not in fixed)

    def looks_at(self, cue: str) -> bool:
        """Whether some parameter uses a cue: not if all that would are fixed at 0."""
        return self.uses(*self.cues[cue])

    def uses(self, *names: str) -> bool:
        """Whether some of these parameters is not fixed at 0."""
        fixed = dict(self.fixed)
        return any(fixed.get(name) != 0.0 for name in names)

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of that name; raise ValueError with the known names if none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        known = ", ".join(parameter.name for parameter in self.parameters)
        raise ValueError(f"{self.name} has no parameter {name!r}; it has: {known}")

    def fix(self, name: str | None = None, **values: float | str) -> Self:
        """Return the model with some parameters fixed.

        Parameters
        ----------
        name : str, optional
            Name of the new model; by default the old name with what was fixed in brackets.
        **values : float or str
            A value on the natural scale, or the name of the free parameter to be equal to.

        Raises
        ------
        ValueError
            If a parameter is unknown, a value out of range, or two parameters equal to each other.

        Examples
        --------
        >>> from metacontrol.models import HYBRID
        >>> [p.name for p in HYBRID.fix(alpha2="alpha1", beta2="beta1").free]
        ['alpha1', 'beta1', 'lam', 'p', 'w']
        """
        fixed = dict(self.fixed) | values
        for key, value in values.items():
            low, high = self.parameter(key).link.bounds
            if isinstance(value, str):
                self.parameter(value)
            elif not (low <= value <= high and isfinite(value)):
                raise ValueError(f"{key} must be from {low:g} to {high:g}, got {value}")
        for key, value in fixed.items():
            if isinstance(value, str) and value in fixed:
                raise ValueError(f"{key} cannot equal {value}, which is fixed itself")
        if name is None:
            name = f"{self.name}({', '.join(f'{k}={v}' for k, v in values.items())})"
        return replace(self, name=name, fixed=tuple(fixed.items()))

    def complete(self, free: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters by name, given the free ones."""
        fixed = {k: free[v] if isinstance(v, str) else v for k, v in self.fixed}
        return {**free, **fixed}

    def __str__(self) -> str:
        return self.name
