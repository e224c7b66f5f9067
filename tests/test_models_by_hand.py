"""Each model on a few trials worked by hand."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from metacontrol.models import (
    GAGNE_2021,
    HBAYESDM_TS_PAR4,
    HBAYESDM_TS_PAR6,
    HBAYESDM_TS_PAR7,
    HYBRID,
    HYBRID_KOOL,
    LATENT_STATE,
    MODEL_BASED,
    MODEL_FREE,
    PLANNING_TO_A_DEPTH,
    REWARD_AS_CUE,
    SEPARATE_WEIGHTS,
    Model,
    latents,
)
from metacontrol.models.engine.listeners import Replay
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.table import Table
from metacontrol.tasks import (
    DAW_2011,
    KERAMATI_2016,
    KOOL_2016_DETERMINISTIC,
    KOOL_2016_STOCHASTIC,
    Task,
    read_choices,
)

Row = tuple[float | None, ...]
NO = None


@dataclass(frozen=True)
class Case:
    """Trials, and by hand the log-odds of what was chosen over what was not."""

    model: Model
    task: Task
    theta: dict[str, float]
    columns: tuple[str, ...]
    trials: tuple[Row, ...]
    first: tuple[float, ...]
    second: tuple[float, ...] = ()


EVENTS = ("first_choice", "second_state", "second_choice", "reward")
# The same four trials for all models of one first state. V is the best Q2 of states 0 and 1.
FOUR: tuple[Row, ...] = ((1, 1, 0, 1), (1, 0, 0, 0), (0, 1, 0, 1), (0, 1, 1, 0))
DAW = {"alpha1": 0.5, "alpha2": 0.4, "beta1": 2.0, "beta2": 3.0, "lam": 0.6, "p": 0.1, "w": 0.25}

B3 = 0.1 + 0.8 * (0.592 / 0.644)  # beliefs in the case of LATENT_STATE
B4 = 0.1 + 0.8 * (0.8 * B3 / (0.2 + 0.6 * B3))


def lapsing(x: float) -> float:
    """Return the log-odds of .8 q + .2 (1 - q), q = sigma(x)."""
    one = 0.2 + 0.6 / (1 + np.exp(-x))
    return float(np.log(one / (1 - one)))


CASES = [
    # 1 Nothing known: 0. Then Q_MF(1) = .5 (0 + .6 * 1) = .3, Q2(1,0) = .4, 1 -> 1 seen once more.
    # 2 V = (0, .4), T = .7: Q_MB = (.12, .28); net = (.03, .25 * .28 + .75 * .3 + .1 = .395);
    #   2 * .365 = .73. State 0 is new: 0. delta1 = -.3, Q_MF(1) = .15; 1 -> 0: transitions tie.
    # 3 T = .5: Q_MB = (.2, .2); net = (.05, .05 + .75 * .15 + .1 = .2625); 2 * -.2125 = -.425.
    #   3 * .4 = 1.2. delta1 = .4, delta2 = .6: Q_MF(0) = .5 (.4 + .36) = .38, Q2(1,0) = .64.
    # 4 Swapped direction: Q_MB = (.7 * .64 = .448, .192); net = (.112 + .285 + .1, .048 + .1125);
    #   2 * (.497 - .1605) = .673. Second: 3 * (0 - .64) = -1.92.
    Case(HYBRID, DAW_2011, DAW, EVENTS, FOUR, (0, 0.73, -0.425, 0.673), (0, 0, 1.2, -1.92)),
    # As above with Q_MF alone: 2 * (.3 + .1); 2 * -(.15 + .1); 2 * (.38 + .1 - .15).
    Case(MODEL_FREE, DAW_2011, DAW, EVENTS, FOUR, (0, 0.8, -0.5, 0.66), (0, 0, 1.2, -1.92)),
    # As above with Q_MB alone: 2 * (.28 + .1 - .12); 2 * -.1; 2 * (.448 + .1 - .192).
    Case(MODEL_BASED, DAW_2011, DAW, EVENTS, FOUR, (0, 0.52, -0.2, 0.712), (0, 0, 1.2, -1.92)),
    # As above: 1.5 * .16 + 2.5 * .3 + .3 = 1.29; -(2.5 * .15 + .3) = -.675;
    # 1.5 * .256 + 2.5 * (.38 - .15) + .3 = 1.259.
    Case(
        SEPARATE_WEIGHTS,
        DAW_2011,
        {**DAW, "beta_mb": 1.5, "beta_mf": 2.5, "p": 0.3},
        EVENTS,
        FOUR,
        (0, 1.29, -0.675, 1.259),
        (0, 0, 1.2, -1.92),
    ),
    # T known: .7. Values start at .5; what is not chosen moves back to .5 by half.
    # 1 Equal: 0, 0. Q_MF(1) = Q2(1,0) = .75.
    # 2 V = (.5, .75): Q_MB = (.575, .675); 2 * .1 + 3 * .25 + .3 = 1.25. State 0: 0.
    #   Q_MF = (.5, .375), Q2(0,0) = .25, Q2(1,0) = .625.
    # 3 V = (.5, .625): Q_MB = (.5375, .5875); 2 * -.05 + 3 * .125 - .3 = -.025. 4 * .125 = .5.
    #   Q_MF = (.75, .4375), Q2(1,0) = .8125, Q2(0,0) = .375.
    # 4 V = (.5, .8125): Q_MB = (.59375, .71875); 2 * -.125 + 3 * .3125 + .3 = .9875;
    #   4 * (.5 - .8125) = -1.25.
    Case(
        GAGNE_2021,
        DAW_2011,
        {"alpha": 0.5, "beta_mb": 2.0, "beta_mf": 3.0, "beta2": 4.0, "p": 0.3},
        EVENTS,
        FOUR,
        (0, 1.25, -0.025, 0.9875),
        (0, 0, 0.5, -1.25),
    ),
    # T known: .7. The late surprise is (1 - alpha2) delta2; repeating adds p = .1.
    # 1 Q_MF(1) = .5 * .6 * .6 = .18, Q2(1,0) = .4.
    # 2 2 * (.25 * .16 + .75 * .18) + .1 = .45. Q_MF(1) = .18 - .5 * .18 = .09.
    # 3 2 * (.25 * -.16 + .75 * -.09) - .1 = -.315. Q_MF(0) = .5 (.4 + .6 * .6 * .6) = .308,
    #   Q2(1,0) = .64.
    # 4 Q_MB = (.192, .448): 2 * (.25 * -.256 + .75 * (.308 - .09)) + .1 = .299.
    Case(
        HBAYESDM_TS_PAR7,
        DAW_2011,
        DAW,
        EVENTS,
        FOUR,
        (0, 0.45, -0.315, 0.299),
        (0, 0, 1.2, -1.92),
    ),
    # lam = 1: Q_MF(1) = .3, then .15; Q_MF(0) = .5 (.4 + .36) = .38. 2 * (.04 + .225) + .1;
    # 2 * (-.04 - .1125) - .1; 2 * (-.064 + .75 * .23) + .1.
    Case(
        HBAYESDM_TS_PAR6,
        DAW_2011,
        DAW,
        EVENTS,
        FOUR,
        (0, 0.63, -0.405, 0.317),
        (0, 0, 1.2, -1.92),
    ),
    # One alpha = .5, one beta = 2: Q_MF(1) = .25, then .125; Q2(1,0) = .5, then .75;
    # Q_MF(0) = .5 (.5 + .25) = .375. 2 * (.25 * .2 + .75 * .25) + .1 = .575;
    # 2 * (.25 * -.2 - .75 * .125) - .1 = -.3875; 2 * (.25 * -.3 + .75 * .25) + .1 = .325.
    Case(
        HBAYESDM_TS_PAR4,
        DAW_2011,
        {"alpha": 0.5, "beta": 2.0, "p": 0.1, "w": 0.25},
        EVENTS,
        FOUR,
        (0, 0.575, -0.3875, 0.325),
        (0, 0, 1.0, -1.5),
    ),
    # Two first states, transitions known and sure.
    # 1 State 0: 0. Q_MF(0,1) = .5 (0 + .5 * 4) = 1, Q2(1) = 2.
    # 2 State 1, where nothing was chosen: .5 * Q_MB(1) = 1. delta1 = 2, delta2 = -4:
    #   Q_MF(1,1) = .5 (2 - 2) = 0, Q2(1) = 0.
    # 3 State 0, whose option 1 is cached but was not the last choice: -.5 * 1.
    #   Q_MF(0,0) = .25, Q2(0) = .5.
    # 4 net = (.25 + .125 + .2, .5): .075.
    Case(
        HYBRID,
        KOOL_2016_DETERMINISTIC,
        {**DAW, "alpha2": 0.5, "lam": 0.5, "w": 0.5, "p": 0.2, "beta1": 1.0},
        ("first_state", "first_choice", "second_state", "reward"),
        ((0, 1, 1, 4), (1, 1, 1, -2), (0, 0, 0, 1), (0, 0, 0, 0)),
        (0, 1.0, -0.5, 0.075),
    ),
    # Counting with ties, both kinds of stickiness; the trial between 1 and 2 teaches nothing.
    # 1 0, 0. Q_MF(0) = .25, Q2(1,1) = .5; 0 -> 1 seen once: swapped. Left was pressed.
    # 2 T = .3: Q_MB = (.35, .15). Option 0 was last: +.2; option 1 is now on the left: +.1.
    #   net = (.175 + .125 + .2, .075 + .1): 2 * -.325 = -.65. 2 * .5 = 1.
    #   delta1 = .5, delta2 = -.5: Q_MF(1) = .125, Q2(1,1) = .25; 1 -> 1: tied. Left pressed.
    # 3 T = .5: Q_MB = (.125, .125). net = (.0625 + .125 + .1, .0625 + .0625 + .2): 2 * .0375.
    #   State 0: 0. Q_MF(1) = .125 + .5 (-.125 + .5) = .3125, Q2(0,0) = .5; 1 -> 0. Right pressed.
    # 4 T = .3, V = (.5, .25): Q_MB = (.325, .425). net = (.1625 + .125, .2125 + .15625 + .2 + .1):
    #   2 * (.2875 - .66875) = -.7625. 2 * -.5 = -1.
    Case(
        HYBRID_KOOL,
        KOOL_2016_STOCHASTIC,
        {
            "alpha": 0.5,
            "beta": 2.0,
            "lam": 0.5,
            "w": 0.5,
            "stimulus_stickiness": 0.2,
            "response_stickiness": 0.1,
        },
        (*EVENTS, "first_left_option"),
        (
            (0, 1, 1, 1, 0),
            (1, 0, NO, NO, 1),
            (1, 1, 1, 0, 1),
            (1, 0, 0, 1, 0),
            (0, 0, 1, 0, 0),
        ),
        (0, -0.65, 0.075, -0.7625),
        (0, 1.0, 0, -1.0),
    ),
    # Two first states; each one's transitions are unknown until seen once, then sure.
    # 1 State 0: 0. Q_MF(0,1) = .5 * .5 * 4 = 1, Q2(1) = 2. Right was pressed.
    # 2 (After a missed trial.) State 1, T = .5: Q_MB = (1, 1); option 1 is on the right: +.1.
    #   Chose the other: -.1. Q_MF(1,0) = .5 * .5 * -1 = -.25, Q2(0) = -.5. Left pressed.
    # 3 State 0: Q_MB = (-.5, 2), Q_MF = (0, 1), option 1 is on the left: +.1.
    #   net = (-.25, 1 + .5 + .1): 1.85. delta1 = 1, delta2 = -2: Q_MF(0,1) = 1, Q2(1) = 1.
    # 4 State 0: Q_MB = (-.5, 1). net = (-.25 + .1, .5 + .5 + .2): -.15 - 1.2 = -1.35.
    Case(
        HYBRID_KOOL,
        KOOL_2016_DETERMINISTIC,
        {
            "alpha": 0.5,
            "beta": 1.0,
            "lam": 0.5,
            "w": 0.5,
            "stimulus_stickiness": 0.2,
            "response_stickiness": 0.1,
        },
        ("first_state", "first_choice", "second_state", "reward", "first_left_option"),
        ((0, 1, 1, 4, 0), (1, NO, NO, NO, 1), (1, 0, 0, -1, 0), (0, 1, 1, 0, 1), (0, 0, 0, 0, 0)),
        (0, -0.1, 1.85, -1.35),
    ),
    # T = .7. R starts at 1/4, habits at 0, so that nothing is preferred.
    # 1 Won at 2: R = (.125, .125, .625, .125), Q(1,0) = .5, Q1(1) = .5 * .5 = .25.
    # 2 P = (.7 R0 + .3 R2, .7 R1 + .3 R3; .7 R2 + .3 R0, .7 R3 + .3 R1) = (.275, .125; .475, .125).
    #   V = (.25 * .275, .25 * .475 + .75 * .5) = (.06875, .49375): .7 - .3 = .4 of .425 is .17.
    #   2 * (.75 * .17 + .25 * .25 + .1) = .58. Rare: state 0; 3 * .4 * (.125 - .275) = -.18.
    #   Nothing at 3: R3 = .0625; what it lost, 1/34 of the others' 1 - R each, is theirs:
    #   R0 = R1 = .125 + .875/34, R2 = .625 + .375/34. Q(1,0) = .4, Q1(1) = .25 - .5 * .25 = .125.
    # 3 P(1,0) - P(0,0) = .4 (R2 - R0) = .2 * 33/34: V differs by .05 * 33/34 + .75 * .4.
    #   P(0,0) - P(0,1) = .7 (R0 - R1) + .3 (R2 - R3) = .3 (.5625 + .375/34).
    Case(
        PLANNING_TO_A_DEPTH,
        KERAMATI_2016,
        {
            "beta1": 2.0,
            "beta2": 3.0,
            "alpha_plan": 0.5,
            "alpha_habit": 0.5,
            "decay": 0.2,
            "p": 0.1,
            "w0": 0.75,
            "w1": 0.25,
            "w2": 0.4,
        },
        ("first_choice", "second_state", "second_choice", "third_state", "reward"),
        ((1, 1, 0, 2, 1), (1, 0, 1, 3, 0), (0, 0, 0, 0, 0)),
        (0, 0.58, -2 * (0.75 * 0.4 * (0.05 * 33 / 34 + 0.3) + 0.25 * 0.125 + 0.1)),
        (0, -0.18, 3 * 0.4 * 0.3 * (0.5625 + 0.375 / 34)),
    ),
    # Cues are (state, reward) of the trial before; those of trials 3 and 6 are the same, (0, 0).
    # 1 No cue. 2 (1, 1) is new; nothing won, so its options stay at 0. 3 (0, 0) is new; won with
    # option 0: .5. 4 (1, 1) is still 0. 5 (1, 0) is new. 6 2 * (.5 - 0) = 1.
    # Second: Q2(1,0) = .4, .64 (trials 1, 3); state 0 never paid.
    Case(
        REWARD_AS_CUE,
        DAW_2011,
        {"alpha1": 0.5, "alpha2": 0.4, "beta1": 2.0, "beta2": 3.0},
        EVENTS,
        (*FOUR, (1, 0, 0, 0), (0, 1, 0, 1)),
        (0, 0, 0, 0, 0, 1.0),
        (0, 0, 1.2, -1.92, 0, 1.92),
    ),
    # 1 b = .5. A win in 1 speaks for 1: b = .8, then .9 * .8 + .1 * .2 = .74.
    # 2 2 (2 * .74 - 1) = .96. No win in 0 speaks for 1: .592 / (.592 + .2 * .26 = .052).
    # 3 b = .1 + .8 * that, and chose the other. A win in 1: b = .8 b / (.8 b + .2 (1 - b)).
    # 4 b = .1 + .8 * that, and chose the other.
    Case(
        LATENT_STATE,
        DAW_2011,
        {"p_good": 0.8, "p_reversal": 0.1, "lapse": 0.2, "alpha2": 0.4, "beta1": 2.0, "beta2": 3.0},
        EVENTS,
        FOUR,
        (0, lapsing(0.96), -lapsing(2 * (2 * B3 - 1)), -lapsing(2 * (2 * B4 - 1))),
        (0, 0, 1.2, -1.92),
    ),
]


def log_probability(log_odds: tuple[float, ...]) -> np.ndarray:
    """Return log(1 / (1 + exp(-x)))."""
    return -np.log1p(np.exp(-np.asarray(log_odds, dtype=float)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.model.name}-{case.task.name}")
def test_trials_worked_by_hand(case: Case) -> None:
    frame = pd.DataFrame(case.trials, columns=list(case.columns), dtype=float)
    data = read_choices(frame.assign(participant="a"), case.task)
    seen = latents(case.model, data, pd.DataFrame([case.theta]))
    logs = seen[data.complete].filter(regex="^log_probability")
    expected = [log_probability(odds) for odds in (case.first, case.second) if odds]
    np.testing.assert_allclose(logs.to_numpy().T, expected, rtol=1e-12)
    assert seen[~data.complete].filter(regex="^log_probability").isna().all(axis=None)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (HYBRID, 0.520),  # .2 + .5 (.4 + .6 * .4)
        (HBAYESDM_TS_PAR7, 0.472),  # .2 + .5 (.4 + .6 * (1 - .76)), for Q2 has moved to .76
    ],
)
def test_order_of_updates(model: Model, expected: float) -> None:
    mind = Mind(
        first=Table((0.0, 0.2), (1, 2)),
        second=Table((0.0, 0.0, 0.6, 0.0), (2, 2)),
        evidence=Table.counts((1,)),
        last_option=-1,
    )
    record = {"first_choice": 1, "second_state": 1, "second_choice": 0, "reward": 1.0}
    after = model.trial(SimpleNamespace(**DAW), mind, Replay(DAW_2011, record))
    assert float(after.first[0, 1]) == pytest.approx(expected, rel=1e-12)
    assert float(after.second[1, 0]) == pytest.approx(0.76, rel=1e-12)
