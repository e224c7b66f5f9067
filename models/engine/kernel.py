"""The two loops of a likelihood as machine code.

JAX traces one trial and its pull-back as numbers. What it traced is written out in LLVM, a vector
of participants for each number, inside a loop ahead through the trials and one back. The mind and
the slopes stay in registers; only what was in mind before each trial goes through memory. Where
nobody asks for slopes, one loop ahead does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from metacontrol.models.engine.elementary import PRELUDE
from metacontrol.models.engine.foreign import register
from metacontrol.models.engine.records import Records
from metacontrol.models.engine.story import Array, Story
from metacontrol.models.engine.vocabulary import (
    REAL,
    WIDTH,
    Text,
    UnsaidError,
    real,
    vector,
)

STRETCH = 64  # trials whose normalisers are multiplied before their logarithm is taken
_COLUMN_KINDS = {"float64": "double", "int8": "i8"}


Loops = Callable[[Array, Array, Array], tuple[Array, ...]]


def kernel(story: Story, records: Records, *, slopes: bool = True) -> Loops | None:
    """Return the loops of a story, or None if it cannot be told in LLVM on this machine.

    Returns
    -------
    function
        From coefficients, values and facts before the first trial, each of shape (blocks, number,
        lanes), to the log-likelihood, shape (blocks, lanes), and with `slopes` its slopes in the
        coefficients and in the values, shaped as these.
    """
    dtypes = tuple((name, str(column.dtype)) for name, column in sorted(records.columns.items()))
    on_cpu = jax.default_backend() == "cpu"
    name = _compiled(story, dtypes, slopes=slopes) if on_cpu else None
    if name is None:
        return None
    blocks, trials, lanes = records.scored.shape

    def loops(coefficients: Array, values: Array, facts: Array) -> tuple[Array, ...]:
        shapes = [(blocks, lanes), (blocks, -(-trials // STRETCH), lanes)]
        if slopes:
            kept = (trials, values.shape[1] + facts.shape[1], WIDTH)
            shapes += [coefficients.shape, values.shape, kept]
        call = jax.ffi.ffi_call(name, [jax.ShapeDtypeStruct(s, float) for s in shapes])
        linear, products, *found = call(
            coefficients,
            values,
            facts,
            jnp.asarray(records.lengths, jnp.int32),
            records.scored,
            *(records.columns[column] for column, _ in dtypes),
        )
        played = jnp.arange(products.shape[1]) < (records.lengths[:, None] + STRETCH - 1) // STRETCH
        logs = jnp.where(played[:, :, None], jnp.log(products), 0.0)
        return linear - logs.sum(axis=1), *found[:2]

    return loops


@cache
def _compiled(story: Story, dtypes: tuple[tuple[str, str], ...], *, slopes: bool) -> str | None:
    """Return the name by which XLA knows the loops of a story; None if they cannot be told."""
    theta = tuple(jnp.float64(0.5) for _ in story.coefficients)
    record = {name: jnp.zeros((), dtype) for name, dtype in dtypes}
    passes = story.passes(theta, record)
    mind = theta, passes.values, passes.facts, record
    lanes = _Lanes(
        coefficients=len(theta),
        kinds=["double"] * len(passes.values) + ["i32"] * len(passes.facts),
        columns=[_COLUMN_KINDS[dtype] for _, dtype in dtypes],
    )
    filled = ["%linear", "%products"]
    try:
        if slopes:
            ahead, back = jax.make_jaxpr(passes.ahead), jax.make_jaxpr(passes.back)
            body = _there_and_back(
                lanes, ahead(*mind), back(*mind, passes.values, jnp.float64(1.0))
            )
            filled += ["%slopes", "%slopes_of_values", "%kept"]
        else:
            body = _ahead(lanes, jax.make_jaxpr(passes.through)(*mind))
    except UnsaidError:
        return None
    given = ["%theta", "%values", "%facts", "%lengths", "%scored"]
    given += [f"%column{i}" for i in range(len(dtypes))]
    return register(body, given, filled, PRELUDE)


class _Block(Text):
    """Lines that also read and write arrays of shape (blocks, rows, lanes)."""

    def _row(self, array: str, kind: str, rows: int | str, row: int | str) -> str:
        """Return where the bundle's lanes begin in a row."""
        place = self.say(f"mul i64 %block, {rows}")
        place = self.say(f"add i64 {place}, {row}")
        place = self.say(f"mul i64 {place}, %lanes")
        place = self.say(f"add i64 {place}, %lane")
        return self.say(f"getelementptr {kind}, ptr {array}, i64 {place}")

    def load(self, array: str, kind: str, rows: int | str, row: int | str) -> str:
        """Read a vector."""
        size = 1 if kind == "i8" else 4 if kind == "i32" else 8
        at = self._row(array, kind, rows, row)
        return self.say(f"load {vector(kind)}, ptr {at}, align {size}")

    def store(self, vector: str, array: str, rows: int | str, row: int | str) -> None:
        """Write a vector of reals."""
        self.do(f"store {REAL} {vector}, ptr {self._row(array, 'double', rows, row)}, align 8")

    def kept(self, trial: str, number: int, i: int) -> str:
        """Return where number `i` of the mind before a trial is kept."""
        place = self.say(f"mul i64 {trial}, {number}")
        place = self.say(f"add i64 {place}, {i}")
        return self.say(f"getelementptr {REAL}, ptr %kept, i64 {place}")


@dataclass(frozen=True)
class _Lanes:
    """What a bundle of participants brings along: how many coefficients, and the kinds of the rest.

    `kinds` are those of the mind, values before facts; `columns` those of the records.
    """

    coefficients: int
    kinds: Sequence[str]
    columns: Sequence[str]

    @property
    def values(self) -> int:
        """How many values are in mind."""
        return list(self.kinds).count("double")

    @property
    def mind(self) -> list[str]:
        """Names of what is in mind before a trial, going ahead."""
        return [f"%mind{i}" for i in range(len(self.kinds))]

    def begin(self) -> tuple[_Block, list[str], list[str]]:
        """Read coefficients and what is in mind before the first trial."""
        begin = _Block("begin")
        facts = len(self.kinds) - self.values
        theta = [
            begin.load("%theta", "double", self.coefficients, i) for i in range(self.coefficients)
        ]
        first = [begin.load("%values", "double", self.values, i) for i in range(self.values)]
        return begin, theta, first + [begin.load("%facts", "i32", facts, i) for i in range(facts)]

    def shown(self, text: _Block, trial: str) -> list[str]:
        """Read the records of a trial."""
        return [
            text.load(f"%column{i}", kind, "%trials", trial) for i, kind in enumerate(self.columns)
        ]

    def carried(self, first: Sequence[str], after: Sequence[str]) -> Text:
        """Carry the mind from one trial to the next."""
        text = Text("")
        for name, kind, start, then in zip(self.mind, self.kinds, first, after, strict=True):
            text.do(f"{name} = phi {vector(kind)} [{start}, %bundle], [{then}, %go]")
        return text


def _sum_up(text: _Block, trial: str, counts: str, x: str, s: str, *, edge: int) -> dict[str, str]:
    """Add a trial's log-probability, x - log(s), to %sum and %product; return their new names.

    The product is stored, and begun anew at the `edge` of a stretch.
    """
    is_scored = text.say(f"fcmp ogt {REAL} {counts}, {real(0.0)}")
    product = text.say(f"fmul {REAL} %product, {text.choose(is_scored, s, real(1.0))}")
    text.store(product, "%products", "%stretches", text.say(f"udiv i64 {trial}, {STRETCH}"))
    place = text.say(f"urem i64 {trial}, {STRETCH}")
    is_last = text.say(f"icmp eq i64 {place}, {edge}")
    return {
        "%sum": text.fused(counts, x, "%sum"),
        "%product": text.say(f"select i1 {is_last}, {REAL} {real(1.0)}, {REAL} {product}"),
    }


def _gathered(after: Mapping[str, str], before: str, body: str) -> Text:
    """Gather sums, from 0, and the product, from 1, over the trials of a loop."""
    text = Text("")
    for name, then in after.items():
        zero = real(1.0 if name == "%product" else 0.0)
        text.do(f"{name} = phi {REAL} [{zero}, {before}], [{then}, {body}]")
    return text


def _counts(text: _Block, trial: str) -> str:
    """Return 1.0 where a trial is scored, else 0.0."""
    scored = text.load("%scored", "i8", "%trials", trial)
    return text.say(f"sitofp {vector('i8')} {scored} to {REAL}")


def _ahead(lanes: _Lanes, through: Any) -> str:
    """Write the loop ahead, which only scores."""
    begin, theta, first = lanes.begin()
    go = _Block("go")
    *after, x, s = go.tell(through, [*theta, *lanes.mind, *lanes.shown(go, "%t")])
    sums = _sum_up(go, "%t", _counts(go, "%t"), x, s, edge=STRETCH - 1)
    end = _Block("end")
    end.store("%sum", "%linear", 1, 0)
    loop = f"""
go.next:
  %t = phi i64 [0, %bundle], [%t.after, %go]
  {lanes.carried(first, after)}
  {_gathered(sums, "%bundle", "%go")}
  %t.is.left = icmp slt i64 %t, %length
  br i1 %t.is.left, label %go, label %end
go:
  {go}
  %t.after = add i64 %t, 1
  br label %go.next"""
    return _each_bundle(begin, loop, end)


def _there_and_back(lanes: _Lanes, ahead: Any, back: Any) -> str:
    """Write the loop ahead, which keeps what is in mind, and the one back, with slopes."""
    kinds = lanes.kinds
    begin, theta, first = lanes.begin()

    go = _Block("go")
    for i, kind in enumerate(kinds):
        place = go.kept("%t", len(kinds), i)
        go.do(f"store {vector(kind)} {lanes.mind[i]}, ptr {place}, align 8")
    after = go.tell(ahead, [*theta, *lanes.mind, *lanes.shown(go, "%t")])

    pull = _Block("pull")
    before = [
        pull.say(f"load {vector(kind)}, ptr {pull.kept('%u', len(kinds), i)}, align 8")
        for i, kind in enumerate(kinds)
    ]
    counts = _counts(pull, "%u")
    slope = [f"%slope{i}" for i in range(lanes.coefficients)]
    slope_of_value = [f"%slope_of_value{i}" for i in range(lanes.values)]
    shown = lanes.shown(pull, "%u")
    *found, x, s = pull.tell(back, [*theta, *before, *shown, *slope_of_value, counts])
    sums = {
        name: pull.say(f"fadd {REAL} {name}, {more}")
        for name, more in zip(slope, found, strict=False)
    }
    sums |= dict(zip(slope_of_value, found[lanes.coefficients :], strict=True))
    sums |= _sum_up(pull, "%u", counts, x, s, edge=0)

    end = _Block("end")
    end.store("%sum", "%linear", 1, 0)
    for i, name in enumerate(slope):
        end.store(name, "%slopes", lanes.coefficients, i)
    for i, name in enumerate(slope_of_value):
        end.store(name, "%slopes_of_values", lanes.values, i)

    loops = f"""
go.next:
  %t = phi i64 [0, %bundle], [%t.after, %go]
  {lanes.carried(first, after)}
  %t.is.left = icmp slt i64 %t, %length
  br i1 %t.is.left, label %go, label %turn
go:
  {go}
  %t.after = add i64 %t, 1
  br label %go.next
turn:
  br label %pull.next
pull.next:
  %u.after = phi i64 [%length, %turn], [%u, %pull]
  {_gathered(sums, "%turn", "%pull")}
  %u = sub i64 %u.after, 1
  %u.is.left = icmp sge i64 %u, 0
  br i1 %u.is.left, label %pull, label %end
pull:
  {pull}
  br label %pull.next"""
    return _each_bundle(begin, loops, end)


def _each_bundle(begin: _Block, loops: str, end: _Block) -> str:
    """Write loops over trials out for one bundle of participants after the other."""
    return f"""
  %blocks = load i64, ptr %scored.shape
  %trials.at = getelementptr i64, ptr %scored.shape, i64 1
  %trials = load i64, ptr %trials.at
  %lanes.at = getelementptr i64, ptr %scored.shape, i64 2
  %lanes = load i64, ptr %lanes.at
  %stretches.at = getelementptr i64, ptr %products.shape, i64 1
  %stretches = load i64, ptr %stretches.at
  %bundles = udiv i64 %lanes, {WIDTH}
  %all = mul i64 %blocks, %bundles
  br label %bundle.next
bundle.next:
  %n = phi i64 [0, %start], [%n.after, %end]
  %n.is.left = icmp ult i64 %n, %all
  br i1 %n.is.left, label %bundle, label %done
bundle:
  %block = udiv i64 %n, %bundles
  %bundle.of.block = urem i64 %n, %bundles
  %lane = mul i64 %bundle.of.block, {WIDTH}
  %length.at = getelementptr i32, ptr %lengths, i64 %block
  %length.short = load i32, ptr %length.at
  %length = sext i32 %length.short to i64
  {begin}
  br label %go.next{loops}
end:
  {end}
  %n.after = add i64 %n, 1
  br label %bundle.next
done:
  ret ptr null"""
