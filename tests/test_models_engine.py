"""The engine's parts: the order of a trial's events, what is drawn by luck, tables, minds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metacontrol.models.engine.listeners import Listener, Narrate, Play, Replay, StoryError
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.records import lay_out
from metacontrol.models.engine.table import Table
from metacontrol.tasks import DAW_2011, KOOL_2016_DETERMINISTIC

RECORD = {"first_choice": 1, "second_state": 0, "second_choice": 1, "reward": 1.0}
EVEN = Table.of(0.0, 0.0)


def test_a_trial_is_told_in_order() -> None:
    t = Replay(DAW_2011, RECORD)
    assert t.choose("first_choice", Table.of(0.0, np.log(3.0))) == 1
    assert t.see("second_state") == 0
    assert t.choose("second_choice", Table.of(np.log(4.0), 0.0)) == 1
    assert t.see("reward") == 1.0
    t.finish()
    by_choice = {name: float(log) for name, log in t.score_by_choice().items()}
    assert by_choice == pytest.approx({"first_choice": np.log(3 / 4), "second_choice": np.log(0.2)})
    linear, product = t.heard()
    assert float(linear - np.log(product)) == pytest.approx(np.log(3 / 20), rel=1e-14)


def test_only_a_narration_keeps_notes() -> None:
    t = Narrate(DAW_2011, RECORD)
    t.note("weight", 0.25)
    assert float(t.heard()[0]["weight"]) == 0.25


@pytest.mark.parametrize("name", ["second_state", "second_choice", "reward"])
def test_nothing_is_seen_or_chosen_before_the_first_choice(name: str) -> None:
    t = Replay(DAW_2011, RECORD)
    with pytest.raises(StoryError, match="before 'first_choice' was chosen|is chosen, not seen"):
        t.see(name)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("second_choice", EVEN, "asked for before 'first_choice' was chosen"),
        ("reward", EVEN, "'reward' is not a choice|before 'first_choice' was chosen"),
        (
            "third_choice",
            EVEN,
            "daw-2011 has no event 'third_choice'; it has: first_choice, .*load",
        ),
        ("first_choice", Table.of(0.0, 0.0, 0.0), r"2 option\(s\) .* values of shape \(3,\)"),
    ],
)
def test_choices_out_of_order(name: str, values: Table, message: str) -> None:
    with pytest.raises(StoryError, match=message):
        Replay(DAW_2011, RECORD).choose(name, values)


def test_a_choice_must_be_made_before_the_trial_ends() -> None:
    t = Replay(DAW_2011, RECORD)
    t.choose("first_choice", EVEN)
    with pytest.raises(StoryError, match="before 'second_choice' was chosen"):
        t.finish()


def test_a_choice_with_one_option_is_no_choice() -> None:
    t = Replay(KOOL_2016_DETERMINISTIC, {"first_choice": 0, "second_state": 0, "reward": 4.0})
    t.choose("first_choice", EVEN)
    assert t.choose("second_choice", Table.of(3.0)) == 0
    assert list(t.score_by_choice()) == ["first_choice"]


def test_a_cue_that_is_not_there() -> None:
    with pytest.raises(StoryError, match="needs the column 'first_left_option'.*Add it, or fix"):
        Listener(DAW_2011, RECORD).see("first_left_option")


@pytest.mark.parametrize(("luck", "option"), [(0.0, 0), (0.2499, 0), (0.2501, 1), (0.9999, 1)])
def test_luck_decides_a_choice(luck: float, option: int) -> None:
    """P(0) = 1 / (1 + 3): luck below .25 chooses it."""
    t = Play(DAW_2011, {"luck_first_choice": np.float64(luck)})
    assert int(t.choose("first_choice", Table.of(0.0, np.log(3.0)))) == option
    expected = np.log([0.25, 0.75][option])
    assert float(t.score_by_choice()["first_choice"]) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("luck", "state"), [(0.69, 1), (0.71, 0)])
def test_luck_decides_a_transition(luck: float, state: int) -> None:
    """Option 1 leads to state 1 with .7."""
    t = Play(DAW_2011, {"luck_first_choice": np.float64(0.9), "luck_second_state": luck})
    t.choose("first_choice", EVEN)
    assert int(t.see("second_state")) == state


shapes = st.sampled_from([(2,), (1, 2), (2, 2), (3, 2), (2, 1), (2, 3, 2)])


@settings(deadline=None, max_examples=60, derandomize=True)
@given(shapes, st.data())
def test_tables_are_arrays(shape: tuple[int, ...], data: st.DataObject) -> None:
    """Reading, adding and the best of the last axis, by indices known or unknown when traced."""
    cells = data.draw(
        st.lists(
            st.floats(-9, 9, allow_subnormal=False),
            min_size=int(np.prod(shape)),
            max_size=int(np.prod(shape)),
        )
    )
    index = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    some = tuple(i if data.draw(st.booleans()) else np.int32(i) for i in index)
    table, array = Table(tuple(cells), shape), np.array(cells).reshape(shape)
    assert float(table[some]) == array[index]
    part = table[some[:1]]
    picked = part.cells if isinstance(part, Table) else [part]
    np.testing.assert_array_equal(np.ravel(picked), np.ravel(array[index[:1]]))
    np.testing.assert_array_equal(table.best().cells, array.max(axis=-1).ravel())
    sums = (2.0 - table * 3.0 + table).cells
    np.testing.assert_array_equal(sums, ((2.0 - array * 3.0) + array).ravel())
    array[index] += 0.5
    np.testing.assert_array_equal(table.add(some, 0.5).cells, array.ravel())


def test_one_hot_outside_is_all_zero() -> None:
    assert [float(c) for c in Table.one_hot(-1, 2).cells] == [0.0, 0.0]
    assert [float(c) for c in Table.one_hot(2, 2).cells] == [0.0, 0.0]
    assert [float(c) for c in Table.one_hot(1, 2).cells] == [0.0, 1.0]


def test_a_mind_says_what_it_holds() -> None:
    mind = Mind(first=1.0)
    with pytest.raises(TypeError, match="cannot add second: .* which has: first"):
        mind.replace(second=2.0)
    with pytest.raises(AttributeError, match="the mind has no 'second'; it has: first"):
        _ = mind.second


def test_records_seat_every_trial_once() -> None:
    """Five participants of 0 to 4 complete trials; row numbers stand for all columns."""
    rng = np.random.default_rng(3)
    participant = rng.permutation(np.repeat(np.arange(5), [2, 3, 4, 5, 6]))
    used = np.ones(len(participant), dtype=bool)
    used[[np.flatnonzero(participant == i)[j] for i in range(5) for j in (0, -1)]] = False
    records = lay_out(participant, 5, used, used, {"row": np.arange(20.0)})
    assert records.scored.sum() == used.sum()
    np.testing.assert_array_equal(np.sort(records.rows[records.rows >= 0]), np.flatnonzero(used))
    flat = records.rows.transpose(0, 2, 1).reshape(-1, records.rows.shape[1])
    for person, slot in enumerate(records.slots):
        own = flat[slot][flat[slot] >= 0]
        np.testing.assert_array_equal(own, np.flatnonzero(used & (participant == person)))
        assert records.seats[slot] == person
    there = records.rows >= 0
    np.testing.assert_array_equal(records.columns["row"][there], records.rows[there])
    assert not records.scored[~there].any()
