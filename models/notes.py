"""What models note of a trial, in words that all of them share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metacontrol.models.engine.table import Lane

CHOICES = ("first", "second", "third", "fourth")
"""Of a trial: a note that belongs to one of them begins with its name, as `first_weight`."""

NOTES = {
    "weight": "Weight of planning, 0 to 1; of the option taken, if options have their own.",
    "long_run_weight": "Weight that planning would come to if reliabilities stayed as they are.",
    "state_prediction_error": "How unexpected to the plan it was where the option led, 0 to 1.",
    "outcome_prediction_error": "What the end paid, less what the plan took it to be worth.",
    "reward_prediction_error": "What habit got from an option, less the value it had cached.",
    "successor_prediction_error": "Half the summed change that a cache of ends is told, 0 to 1.",
    "plan_reliability": "Reliability of planning after the trial.",
    "habit_reliability": "Reliability of habit after the trial.",
    "plan_variance": "Variance of the planned value of the option taken.",
    "habit_variance": "Variance of the cached value of the option taken.",
    "value_of_information": "What the true value of the option taken would be worth to know.",
    "cost_of_planning": "What planning one option costs in reward forgone.",
    "deliberation_time": "Time that all planning at this choice takes, in moves.",
    "planning_depth": "Number of moves that are planned, on average.",
    "value": "What the sequence taken was worth to the plan, in points.",
    "advantage": "What planning is held to earn more than habit, in units of reward.",
    "planning_noise": "Standard deviation of the noise on planned values.",
    "practice": "Practice, as it counts for the weight.",
    "novelty": "Novelty, as it counts for the weight.",
    "past_load": "Load when the last outcome came.",
    "fatigue": "Fatigue, as it counts for the weight.",
    "contingency": "How much hangs on the choice: mean distance of planned values from their mean.",
    "habitisation": "How one-sided habits are: mean distance of their strengths from their mean.",
    "default": "Probability of the option taken under the default policy.",
    "divergence_from_default": "KL of the choice from the default policy, in nats.",
    "replays": "Mean number of replays after the trial.",
    "free_trials": "Trials so far whose first choice was free.",
    "choice_evidence": "Log-odds that the first choice gives for planning over habit alone.",
    "belief": "Believed probability that second state 1 is the good one.",
}


def note_at(t: Any, i: int, **notes: Lane) -> None:
    """Note what belongs to one choice of a trial, counted from 0."""
    for name, value in notes.items():
        t.note(f"{CHOICES[i]}_{name}", value)


def meaning(note: str) -> str:
    """Return what a note says, whichever choice it belongs to.

    Examples
    --------
    >>> meaning("planning_depth")
    'Number of moves that are planned, on average.'
    """
    return NOTES[without_choice(note)]


def without_choice(note: str) -> str:
    """Return a note's name without that of the choice it belongs to, if it does to one."""
    choice, _, rest = note.partition("_")
    return rest if choice in CHOICES else note


def weight_name(notes: Iterable[str]) -> str:
    """Return which note is the weight of planning: `weight`, or else that of the first choice."""
    found = [name for name in ("weight", "first_weight") if name in notes]
    if not found:
        raise ValueError(f"there is no weight of planning among: {', '.join(notes)}")
    return found[0]


def note_two_steps(t: Any, expected: Lane, delta1: Lane, delta2: Lane) -> None:
    """Note the prediction errors of a two-step trial.

    Parameters
    ----------
    expected : Lane
        What the plan held to be the probability of the second state reached.
    delta1, delta2 : Lane
        Reward prediction errors of both cached values, in units of reward.
    """
    note_at(t, 0, state_prediction_error=1 - expected, reward_prediction_error=delta1)
    note_at(t, 1, reward_prediction_error=delta2)
