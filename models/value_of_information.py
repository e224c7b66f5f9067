"""Planning when knowing better is worth the time (Keramati et al., 2011)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, pi, sqrt
from typing import Any

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import SHUT, Index, Lane, Table
from metacontrol.models.model import Model
from metacontrol.models.notes import note_at
from metacontrol.models.parameter import Link, Prior, probability, stickiness, temperature
from metacontrol.models.stages import (
    TIE,
    Tables,
    arrival,
    beliefs,
    end_values,
    learned_move,
    learned_worth,
    no_choice,
    one_step,
    opened,
    plan,
    reward_range,
    start_worth,
)

MOST_OPTIONS = 12  # of all states together: the filter's work grows with their square


@dataclass(frozen=True)
class ValueOfInformation(Model):
    """Keramati, Dezfouli & Piray (2011), PLoS Comput Biol, doi:10.1371/journal.pcbi.1002055.

    Habit values Q(s, a) are a Gaussian belief, mean vector m and covariance S over all options,
    learned by a Kalman filter. Knowing the true value of an option would be worth, with d the
    distance of its mean from the best other (for the best option from the second, for others from
    the best) and s its standard deviation::

        VPI(a) = s phi(d / s) - d Phi(-d / s)

    Planning takes time_cost steps for each option, in which Rbar a step would be earned::

        w(a)     = sigma( (VPI(a) - time_cost Rbar) / softness )
        value(a) = w(a) Q_MB(s, a) + (1 - w(a)) m(s, a)
        P(a)     ~ exp( beta (value(a) + p rep(a)) )

    After each move, with g = m of the best option there, at the end the reward, h = 1 for the
    option taken and -1 for that best one::

        S    <- (1 + process_noise) S
        K     = S h / (h S h + noise),   m += K (g - m(s, a)),   S -= K (h S)
        Rbar <- (1 - alpha_rate)^(1 + time) Rbar + alpha_rate r

    where time = time_cost sum_a w(a) is also the time that the model deliberates, a latent to lay
    beside response times. The plan is that of `ForwardHybrid`. Q starts at 0 with variance 1;
    all is in ranges of the task's reward.

    With `endless` a trial's end leads back to its start, as in the paper, and what follows a move
    counts `discount` of what it is worth: g is r and discount times the mean of the best option
    there, h = -discount for it, and plans go to the end of the trial and ask habit for what comes
    after it. Values then are of all that is to come, and far from 0, where they start: habits
    become sure of them slowly, and planning stays worth its time for much longer.

    Differences from the paper: planning or not is a slope instead of a step, without which no
    gradient would tell where time_cost lies; softness 0 is the paper's step, for simulation. The
    largest next value is that of the option best on average (shared if several are), where the
    paper sends points through. A devalued outcome is worth 0 to the plan, not -1. Plans are as deep
    as a trial, not three moves. If not endless, trials are episodes of their own, without
    discounting. p is ours: fix it at 0.
    """

    softness: float = 0.01
    endless: bool = False

    def misfit(self, task: Any) -> str:
        """Return why not, if there are too many options to hold the covariance of all."""
        if sum(stage.states * stage.options for stage in task.stages) > MOST_OPTIONS:
            return f"holds the covariance of at most {MOST_OPTIONS} options"
        if self.endless and task.stages[0].states > 1:
            return "needs one first state, where trials begin again"
        return ""

    def start(self, task: Any, theta: Any) -> Mind:
        """Return habits of 0 that nothing is known of."""
        size = sum(stage.states * stage.options for stage in task.stages)
        covariance = Table.full((size, size))
        for i in range(size):
            covariance = covariance.add((i, i), 1.0)
        return Mind(
            habits=Table.full((size,)),
            covariance=covariance,
            believed=beliefs(task),
            worth=start_worth(task),
            rate=0.0,
            last=no_choice(task),
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        span, start = reward_range(t.task), t.see(t.task.stages[0].state)
        state, first, before = start, 0, 0
        planned = self._planned(theta, mind, t, span)
        for i, stage in enumerate(t.task.stages):
            place = before + stage.options * state  # of the state's first option among all
            options = [place + option for option in range(stage.options)]
            cached = Table.of(*(mind.habits[o] for o in options))
            masks = t.open(stage.choice)
            open_ = None if masks is None else masks[state]
            spread = Table.of(*(jnp.sqrt(mind.covariance[o, o]) for o in options))
            gain = gains(cached, spread, open_)
            weight = self._weight(gain - theta.time_cost * mind.rate)
            if open_ is not None:
                weight = weight.where(open_, 0.0)
            net = weight * planned[i][state] + (1 - weight) * cached
            if i == 0:
                net = net + theta.p * Table.one_hot(mind.last[start], stage.options)
            option = t.choose(stage.choice, theta.beta * net)
            reached = arrival(t, stage, state, option)
            before += stage.states * stage.options
            time = theta.time_cost * sum(weight.cells)
            note_at(
                t,
                i,
                weight=weight[option],
                value_of_information=gain[option],
                cost_of_planning=theta.time_cost * mind.rate,
                deliberation_time=time,
                habit_variance=spread[option] ** 2,
            )
            following: list[tuple[Index, Lane]] = []
            reward = t.see("reward") / span if i + 1 == len(t.task.stages) else 0.0
            if i + 1 < len(t.task.stages):
                following = _best(t, t.task.stages[i + 1], mind.habits, before, reached)
            elif self.endless:
                following = _best(t, t.task.stages[0], mind.habits, 0, 0)
            if self.endless:
                following = [(number, theta.discount * share) for number, share in following]
            expected = sum(share * mind.habits[number] for number, share in following)
            note_at(t, i, reward_prediction_error=reward + expected - cached[option])
            taken = state, option
            believed, _ = learned_move(t, i, mind.believed, taken, reached, theta.alpha_plan)
            kept = jnp.exp((1 + time) * jnp.log1p(-theta.alpha_rate))
            mind = filtered(theta, mind, place + option, following, reward).replace(
                believed=believed,
                rate=kept * mind.rate + theta.alpha_rate * reward,
            )
            first, state = (option if i == 0 else first), reached
        return mind.replace(
            worth=learned_worth(t, mind.worth, state, theta.alpha_plan),
            last=mind.last.add(start, first - mind.last[start]),
        )

    def _planned(self, theta: Any, mind: Any, t: Listener, span: float) -> Tables:
        """Return what each option is worth by planning, for each choice."""
        worth = end_values(t, mind.worth, span)
        if not self.endless:
            return plan(t, mind.believed, worth)
        start = _best(t, t.task.stages[0], mind.habits, 0, 0)
        later = sum(share * mind.habits[number] for number, share in start)
        planned: list[Table] = []
        worth = worth + theta.discount * later
        for stage, chances in reversed(list(zip(t.task.stages, mind.believed, strict=True))):
            planned.insert(0, one_step(stage, chances, worth))
            worth = theta.discount * opened(t, stage, planned[0]).best()
        return tuple(planned)

    def _weight(self, excess: Table) -> Table:
        """Return the weight of planning for each option, given what it is worth above its cost."""
        if self.softness == 0.0:
            return Table.of(*(jnp.where(x >= 0, 1.0, 0.0) for x in excess.cells))
        return Table.of(*(Link("logit").inverse(x / self.softness, jnp) for x in excess.cells))


def gains(means: Table, spreads: Table, open_: Table | None = None) -> Table:
    """Return the value of perfect information about each option.

    Examples
    --------
    >>> found = gains(Table.of(1.0, 0.5), Table.of(0.5, 0.5))
    >>> [round(float(x), 6) for x in found.cells]
    [0.041658, 0.041658]
    """
    values = means if open_ is None else means.where(open_, SHUT)
    if len(values.cells) == 1:
        return Table.of(0.0)
    found = []
    for i, (mean, spread) in enumerate(zip(means.cells, spreads.cells, strict=True)):
        others = [cell for j, cell in enumerate(values.cells) if j != i]
        apart = Table.of(*others).best().cells[0] - mean
        z = -jnp.abs(apart) / spread
        found.append(spread * (jnp.exp(-z * z / 2) / sqrt(2 * pi) + z * normal_below(z)))
    return Table.of(*found)


def normal_below(z: Lane) -> Lane:
    """Return the standard normal probability below z, for z <= 0, to 8e-8.

    Abramowitz & Stegun (1964), 26.2.17.
    """
    t = 1 / (1 - 0.2316419 * z)
    poly = 0.0
    for factor in (1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530):
        poly = (poly + factor) * t
    return jnp.exp(-z * z / 2) / sqrt(2 * pi) * poly


def filtered(
    theta: Any, mind: Any, taken: Index, following: list[tuple[Index, Lane]], reward: Lane
) -> Mind:
    """Return the mind after the Kalman filter saw where an option led and what it brought.

    `following` holds the best options there by number, each with its share of 1; none at the end.
    """
    grown = (1 + theta.process_noise) * mind.covariance
    towards = grown[taken]  # covariance of every option with h, as the matrix is symmetric
    gained = reward
    for number, share in following:
        towards = towards - share * grown[number]
        gained = gained + share * mind.habits[number]
    variance = towards[taken] - sum(share * towards[number] for number, share in following)
    gain = (1 / (variance + theta.noise)) * towards
    outer = [a * b for a in gain.cells for b in towards.cells]
    cells = [cell - product for cell, product in zip(grown.cells, outer, strict=True)]
    return mind.replace(
        habits=mind.habits + (gained - mind.habits[taken]) * gain,
        covariance=Table(tuple(cells), grown.shape),
    )


def _best(
    t: Listener, stage: Any, habits: Table, before: int, state: Index
) -> list[tuple[Index, Lane]]:
    """Return the options of a state by number, with the shares of those that are best in 1."""
    masks, place = t.open(stage.choice), before + stage.options * state
    numbers = [place + option for option in range(stage.options)]
    values = Table.of(*(habits[number] for number in numbers))
    if masks is not None:
        values = values.where(masks[state], SHUT)
    top = values.best().cells[0]
    best = [jnp.where(top - value < TIE, 1.0, 0.0) for value in values.cells]
    return [(number, one / sum(best)) for number, one in zip(numbers, best, strict=True)]


def _noise(name: str, meaning: str, scale: float) -> Any:
    """Return a positive parameter of that size."""
    return replace(
        temperature(name, meaning),
        prior=Prior("gamma", 1.2, scale),
        group_mean=Prior("normal", round(log(scale / 2), 1), 1.0),
        search=(0.0, 20 * scale),
    )


_SOURCE = "Keramati et al. (2011), doi:10.1371/journal.pcbi.1002055"
_PARAMETERS = (
    temperature("beta", "Inverse temperature, per range of the task's reward."),
    stickiness("p", "Bonus for repeating the first choice, in ranges of reward (inside beta)."),
    probability("alpha_plan", "Learning rate of transitions, and of what an end pays."),
    _noise("time_cost", "Time that planning an option takes, in moves.", 0.2),
    _noise("noise", "Variance of what an option brings, in squared ranges of reward.", 0.1),
    probability("alpha_rate", "Learning rate of the average reward."),
    probability("process_noise", "Share by which the covariance grows with each move."),
)
_FIXED = (("alpha_rate", 0.02), ("process_noise", 0.0001))

VALUE_OF_INFORMATION = ValueOfInformation(
    name="value-of-information", source=_SOURCE, parameters=_PARAMETERS, fixed=_FIXED
)

VALUE_OF_INFORMATION_ENDLESS = ValueOfInformation(
    name="value-of-information-endless",
    source=_SOURCE,
    parameters=(*_PARAMETERS, probability("discount", "Share that what follows a move counts.")),
    fixed=(*_FIXED, ("discount", 0.95)),
    endless=True,
)
