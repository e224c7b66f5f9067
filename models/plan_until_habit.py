"""Planning to a depth, and habit from there on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jax.numpy as jnp

from metacontrol.models.engine.listeners import Listener
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Index, Lane, Table
from metacontrol.models.model import Model
from metacontrol.models.notes import note_at, note_two_steps
from metacontrol.models.parameter import probability, stickiness, temperature
from metacontrol.models.plan import expected_probability, planned_values


@dataclass(frozen=True)
class PlanUntilHabit(Model):
    """Keramati et al. (2016), PNAS, doi:10.1073/pnas.1609094113, as their likelihood has it.

    In mind are R(x), what each third state x is believed to pay, and habit values Q(s, a) of the
    second and Q1(a) of the first choice. With T the common transition's probability, c(s, a) and
    r(s, a) the third states that an option leads to commonly and rarely::

        P(s, a)  = T R(c(s, a)) + (1 - T) R(r(s, a))                     # planned, one step
        V(s)     = w1 max_a P(s, a) + (1 - w1) max_a Q(s, a)            # to the end, or to habit
        Q_net(a) = w0 sum_s T(s | a) V(s) + (1 - w0) Q1(a) + p rep(a)
        P(a)     ~ exp( beta1 Q_net(a) )
        P(a2)    ~ exp( beta2 (w2 P(s, a2) + (1 - w2) Q(s, a2)) )

    So w1 is the weight of a plan to the end against one that stops after a step and asks habit;
    w0 = 1 in the paper's best model. After the trial::

        Q(s, a2) += alpha_habit (r - Q(s, a2))              and the other three Q *= 1 - decay
        Q1(a)    += alpha_habit (max Q(s, .) - Q1(a))       and the other Q1 *= 1 - decay

    One state pays at a time. With beliefs "shared", what R gains in the state reached the others
    lose, in proportion to R if r = 1 and else to 1 - R; R starts at 1/4. With "separate", a reward
    first takes all R *= 1 - alpha_plan, and only the state reached is then learned from; R starts
    at 0 (the authors' simulations).
    """

    beliefs: Literal["shared", "separate"] = "shared"
    needs: ClassVar[tuple[str, ...]] = ("third_state",)

    def start(self, task: Any, theta: Any) -> Mind:
        """Return habits of 0 and beliefs that no third state is better than another."""
        return Mind(
            first=Table.full((2,)),
            second=Table.full((2, 2)),
            pays=Table.full((4,), 0.25 if self.beliefs == "shared" else 0.0),
            last_choice=-1,
        )

    def trial(self, theta: Any, mind: Any, t: Listener) -> Mind:
        """Tell one trial."""
        common = t.task.common
        pays = mind.pays.cells
        one_step = [common * pays[i] + (1 - common) * pays[(i + 2) % 4] for i in range(4)]
        plan = Table(tuple(one_step), (2, 2))
        ahead = theta.w1 * plan.best() + (1 - theta.w1) * mind.second.best()
        net = theta.w0 * planned_values(common, ahead) + (1 - theta.w0) * mind.first
        net = net + theta.p * Table.one_hot(mind.last_choice, 2)
        first = t.choose("first_choice", theta.beta1 * net)
        place = t.see("second_state")
        near = theta.w2 * plan[place] + (1 - theta.w2) * mind.second[place]
        second = t.choose("second_choice", theta.beta2 * near)
        end = t.see("third_state")
        reward = t.see("reward")

        habits = self._practise(theta, mind.second, (place, second), reward)
        target = habits[place].best().cells[0]
        t.note("weight", theta.w1)
        t.note("planning_depth", theta.w0 * (1 + theta.w1))
        t.note("outcome_prediction_error", reward - mind.pays[end])
        expected = expected_probability(common, first, place)
        error = reward - mind.second[place, second]
        note_two_steps(t, expected, target - mind.first[first], error)
        common_end = jnp.where(end == 2 * place + second, common, 1 - common)
        note_at(t, 1, state_prediction_error=1 - common_end)
        return mind.replace(
            first=self._practise(theta, mind.first, (first,), target),
            second=habits,
            pays=self._believe(mind.pays, end, reward, theta.alpha_plan),
            last_choice=first,
        )

    def _practise(self, theta: Any, habits: Table, chosen: tuple[Index, ...], to: Lane) -> Table:
        """Return habits after one of them was chosen and the others were not."""
        kept, habit = 1 - theta.decay, habits[chosen]
        learned = habit + theta.alpha_habit * (to - habit)
        return (kept * habits).add(chosen, learned - kept * habit)

    def _believe(self, pays: Table, end: Index, reward: Lane, alpha: Lane) -> Table:
        """Return what each third state is believed to pay after one of them was seen."""
        if self.beliefs == "separate":
            pays = (1 - alpha * reward) * pays
            return pays.toward(end, reward, alpha)
        gain = alpha * (reward - pays[end])
        here = Table.one_hot(end, 4).cells
        room = [
            (1 - h) * (reward * x + (1 - reward) * (1 - x))
            for h, x in zip(here, pays.cells, strict=True)
        ]
        total = sum(room)
        share = gain / jnp.where(total == 0.0, 1.0, total)  # with no room nothing is gained
        return Table.of(
            *(x + h * gain - r * share for x, h, r in zip(pays.cells, here, room, strict=True))
        )


PLANNING_TO_A_DEPTH = PlanUntilHabit(
    name="planning-to-a-depth",
    source="Keramati et al. (2016), doi:10.1073/pnas.1609094113",
    parameters=(
        temperature("beta1", "Inverse temperature of the first choice, per unit of reward."),
        temperature("beta2", "Inverse temperature of the second choice, per unit of reward."),
        probability("alpha_plan", "Learning rate of what each third state pays."),
        probability("alpha_habit", "Learning rate of habit values."),
        probability("decay", "Share of a habit value that is lost when its option is not chosen."),
        stickiness("p", "Bonus for repeating the first choice, in units of reward (inside beta1)."),
        probability("w0", "Weight of planning, to any depth, against the first choice's habit."),
        probability("w1", "Weight of a plan to the end against one that stops at habit values."),
        probability("w2", "Weight of planning at the second choice; 1 - w2 is that of habit."),
    ),
)

PLAN_UNTIL_HABIT = PLANNING_TO_A_DEPTH.fix(name="plan-until-habit", w0=1.0)
