"""Three ways to listen to a trial: replay it, play it, narrate it.

A model tells its trial to a listener ``t``: it chooses (``t.choose``), sees (``t.see``) and may
``t.note`` what an experimenter would like to know. The listener decides what that means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import jax.numpy as jnp

from metacontrol.models.engine.table import SHUT, Index, Lane, Table, larger
from metacontrol.tasks.task import Choice, Task


class StoryError(Exception):
    """A model told a trial in another order than its task has, or asked for what is not there."""


class Listener:
    """What all listeners share: the order of events, and that nothing is seen before it happened.

    Parameters
    ----------
    task : Task
        The world of the trial; models read its constants as ``t.task``.
    record : mapping of str to Lane
        What is known of this trial: cues, and what the kind of listener needs besides.
    """

    def __init__(self, task: Task, record: Mapping[str, Lane]) -> None:
        self.task: Any = task
        self.record = dict(record)
        self._ahead = list(task.events)
        cues = task.cues.items()
        self._amounts = {name for name, cue in cues if cue.states is None} | {
            event.name for event in task.events if getattr(event, "states", 0) is None
        }

    def choose(self, name: str, values: Table) -> Index:
        """Choose among options by softmax.

        Parameters
        ----------
        name : str
            The choice, as the task's events name it.
        values : Table, shape (options,)
            Log-odds of the options up to a constant: value times inverse temperature.

        Returns
        -------
        Index
            The option chosen, counted from 0. A choice with one option is always 0.
        """
        event = self._reach(name)
        if not isinstance(event, Choice):
            raise StoryError(f"{name!r} is not a choice in {self.task.name}: use see({name!r})")
        if values.shape != (event.options,):
            raise StoryError(
                f"{name} has {event.options} option(s) in {self.task.name}, "
                f"but was given values of shape {values.shape}"
            )
        if event.options == 1:
            return 0
        masks = self.open(name)
        if masks is not None:
            values = values.where(masks[self.see(self.task.stage(name).state)], SHUT)
        return self._choose(name, values)

    def open(self, name: str) -> Table | None:
        """Return which options of a choice are open, by state and option; None if all are."""
        masks = self.task.open(name, self.see)
        if masks is None:
            return None
        stage = self.task.stage(name)
        return Table(tuple(masks), (stage.states, stage.options))

    def shown(self) -> Table | None:
        """Return what each end of the trial would pay, if that is shown beforehand."""
        values = self.task.shown(self.see)
        return None if values is None else Table.of(*values)

    def devalued(self) -> Table | None:
        """Return 1 for each end of the trial that is known to be worth nothing any more."""
        flags = self.task.devalued(self.see)
        return None if flags is None else Table.of(*flags)

    def teaches(self) -> Lane | None:
        """Return whether anything is learned from the trial; None if from all trials."""
        return self.task.teaches(self.see)

    def see(self, name: str) -> Index:
        """Return what happened or was shown; a cue that the task keeps constant is an int."""
        if name in self.task.constant_cues:
            return cast(int, self.task.constant_cues[name])
        if name not in self.task.cues:
            if any(isinstance(event, Choice) and event.name == name for event in self._ahead):
                raise StoryError(f"{name!r} is chosen, not seen: use choose({name!r}, values)")
            event = self._reach(name)
            if isinstance(event, Choice) and event.options == 1:
                return 0
        if name not in self.record:
            raise StoryError(
                f"the model needs the column {name!r}, which these data do not have. Add it, "
                "or fix to 0 the parameter that uses it."
            )
        value = self.record[name]
        return jnp.asarray(value, float) if name in self._amounts else value

    def note(self, name: str, value: Lane) -> None:
        """Tell the experimenter something; only a narration keeps it."""

    def luck(self, name: str) -> Lane:
        """Return a uniform number, 0 <= u < 1, for chance within the mind; only `Play` has one."""
        raise StoryError(
            f"the model asks for luck of its own, {name!r}: such a model is for simulation only, "
            f"for its likelihood would be an average over all that luck could have been"
        )

    def _reach(self, name: str) -> Any:
        """Let the trial go on up to the event `name` and return it."""
        if all(event.name != name for event in self.task.events):
            known = ", ".join([*(e.name for e in self.task.events), *self.task.cues])
            raise StoryError(f"{self.task.name} has no event {name!r}; it has: {known}")
        while any(event.name == name for event in self._ahead):
            event = self._ahead.pop(0)
            if event.name == name:
                return event
            if isinstance(event, Choice) and event.options > 1:
                raise StoryError(
                    f"{name!r} was asked for before {event.name!r} was chosen: a model tells a "
                    f"trial in the order of the task's events"
                )
            if not isinstance(event, Choice):
                self._happen(event.name)
        return next(event for event in self.task.events if event.name == name)

    def finish(self) -> None:
        """Let the rest of the trial happen; raise StoryError if a choice was never made."""
        last = self._reach(self.task.events[-1].name)
        if not isinstance(last, Choice):
            self._happen(last.name)

    def heard(self) -> Any:
        """Return what this listener has to say when the trial is over."""
        raise NotImplementedError

    def _choose(self, name: str, values: Table) -> Index:
        raise NotImplementedError

    def _happen(self, name: str) -> None:
        """Let an outcome happen of which the model takes no notice."""


class Replay(Listener):
    """Scores recorded choices and hands out recorded outcomes.

    The log-probability of a choice is ``x - log(s)`` with ``x <= 0`` and ``s`` from 1 to the number
    of options. Both are kept apart, so that the logarithms of many trials can be taken at once.
    """

    def __init__(self, task: Task, record: Mapping[str, Lane]) -> None:
        super().__init__(task, record)
        self.parts: dict[str, tuple[Lane, Lane]] = {}

    def _choose(self, name: str, values: Table) -> Index:
        option = self.record[name]
        if len(values.cells) == 2:
            zero, one = values.cells
            gain = jnp.where(option == 1, one - zero, zero - one)
            below = -larger(-gain, 0.0)  # 2 * below - gain is minus the size of gain, and its
            # slope goes with that of below, so that a tie has the right slope too
            self.parts[name] = below, 1.0 + jnp.exp(2.0 * below - gain)
        else:
            top = values.best().cells[0]
            rest = sum(jnp.exp(cell - top) for cell in values.cells)
            self.parts[name] = values[option] - top, rest
        return option

    def heard(self) -> Any:
        """Return ``x`` and ``s`` of the trial: the sum and the product over its choices."""
        linear, product = jnp.zeros(()), jnp.ones(())
        for part, normaliser in self.parts.values():
            linear, product = linear + part, product * normaliser
        return linear, product

    def score_by_choice(self) -> dict[str, Lane]:
        """Return the log-probability of each of the trial's choices."""
        return {name: part - jnp.log(rest) for name, (part, rest) in self.parts.items()}


class Narrate(Replay):
    """A replay that keeps what the model noted."""

    def __init__(self, task: Task, record: Mapping[str, Lane]) -> None:
        super().__init__(task, record)
        self.notes: dict[str, Lane] = {}

    def note(self, name: str, value: Lane) -> None:
        """Keep `value` under `name`."""
        self.notes[name] = jnp.asarray(value, dtype=float)

    def heard(self) -> Any:
        """Return the notes, and the log-probability of each choice."""
        return self.notes, self.score_by_choice()


class Play(Replay):
    """Draws choices and asks the task what they lead to.

    Chance comes from the record: a uniform number ``luck_<event>`` for each choice and outcome, and
    ``luck_<name>`` for each name in the model's `luck`, so that a simulation is a pure function of
    parameters, schedule and luck.
    """

    def _choose(self, name: str, values: Table) -> Index:
        luck = self.record[f"luck_{name}"]
        top = values.best().cells[0]
        odds = [jnp.exp(cell - top) for cell in values.cells]
        reached, option = jnp.zeros_like(luck), jnp.zeros_like(luck, dtype=jnp.int8)
        for weight in odds[:-1]:
            reached = reached + weight
            option = option + (luck * sum(odds) >= reached)
        self.record[name] = option
        return super()._choose(name, values)

    def see(self, name: str) -> Index:
        """Return what happens: the task's rule, given what was chosen."""
        if name not in self.record and name in self.task.rules:
            self._reach(name)
            self._happen(name)
        return super().see(name)

    def luck(self, name: str) -> Lane:
        """Return the number that was drawn for that name."""
        if f"luck_{name}" not in self.record:
            raise StoryError(f"no luck was drawn for {name!r}: the model's `luck` has to name it")
        return self.record[f"luck_{name}"]

    def heard(self) -> Any:
        """Return what happened, and the log-probability of each choice."""
        told = {e.name: self.record[e.name] for e in self.task.events if e.name in self.record}
        return told, self.score_by_choice()

    def _happen(self, name: str) -> None:
        if name not in self.record:
            self.record[name] = self.task.rules[name](self.record)
