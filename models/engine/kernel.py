"""The two loops of a likelihood as machine code.

JAX traces one trial and its pull-back as numbers. What it traced is written out in LLVM, a vector
of participants for each number, inside a loop ahead through the trials and one back. The mind and
the slopes stay in registers; only what was in mind before each trial goes through memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def kernel(story: Story, records: Records) -> Callable[..., tuple[Array, Array, Array]] | None:
    """Return the loops of a story, or None if it cannot be told in LLVM on this machine.

    Returns
    -------
    function
        From coefficients, values and facts before the first trial, each of shape (blocks, number,
        lanes), to the log-likelihood, shape (blocks, lanes), and its slopes in the coefficients
        and in the values, shaped as these.
    """
    dtypes = tuple((name, str(column.dtype)) for name, column in sorted(records.columns.items()))
    name = _compiled(story, dtypes) if jax.default_backend() == "cpu" else None
    if name is None:
        return None
    blocks, trials, lanes = records.scored.shape

    def loops(coefficients: Array, values: Array, facts: Array) -> tuple[Array, Array, Array]:
        shapes = (
            (blocks, lanes),
            (blocks, -(-trials // STRETCH), lanes),
            coefficients.shape,
            values.shape,
            (trials, values.shape[1] + facts.shape[1], WIDTH),
        )
        call = jax.ffi.ffi_call(name, [jax.ShapeDtypeStruct(s, float) for s in shapes])
        linear, products, slopes, slopes_of_values, _ = call(
            coefficients,
            values,
            facts,
            jnp.asarray(records.lengths, jnp.int32),
            records.scored,
            *(records.columns[column] for column, _ in dtypes),
        )
        played = jnp.arange(products.shape[1]) < (records.lengths[:, None] + STRETCH - 1) // STRETCH
        logs = jnp.where(played[:, :, None], jnp.log(products), 0.0)
        return linear - logs.sum(axis=1), slopes, slopes_of_values

    return loops


@cache
def _compiled(story: Story, dtypes: tuple[tuple[str, str], ...]) -> str | None:
    """Return the name by which XLA knows the loops of a story; None if they cannot be told."""
    theta = tuple(jnp.float64(0.5) for _ in story.coefficients)
    record = {name: jnp.zeros((), dtype) for name, dtype in dtypes}
    values, facts, ahead, back = story.passes(theta, record)
    try:
        body = _body(
            jax.make_jaxpr(ahead)(theta, values, facts, record),
            jax.make_jaxpr(back)(theta, values, facts, record, values, jnp.float64(1.0)),
            coefficients=len(theta),
            values=len(values),
            facts=len(facts),
            columns=[_COLUMN_KINDS[dtype] for _, dtype in dtypes],
        )
    except UnsaidError:
        return None
    given = ["%theta", "%values", "%facts", "%lengths", "%scored"]
    given += [f"%column{i}" for i in range(len(dtypes))]
    filled = ["%linear", "%products", "%slopes", "%slopes_of_values", "%kept"]
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


def _body(
    ahead: Any, back: Any, *, coefficients: int, values: int, facts: int, columns: Sequence[str]
) -> str:
    """Write the loops out, for one bundle of participants after the other."""
    kinds = ["double"] * values + ["i32"] * facts

    begin = _Block("begin")
    theta = [begin.load("%theta", "double", coefficients, i) for i in range(coefficients)]
    first = [begin.load("%values", "double", values, i) for i in range(values)]
    first += [begin.load("%facts", "i32", facts, i) for i in range(facts)]

    go = _Block("go")
    mind = [f"%mind{i}" for i in range(len(kinds))]
    for i, kind in enumerate(kinds):
        go.do(f"store {vector(kind)} {mind[i]}, ptr {go.kept('%t', len(kinds), i)}, align 8")
    shown = [go.load(f"%column{i}", kind, "%trials", "%t") for i, kind in enumerate(columns)]
    mind_after = go.tell(ahead, [*theta, *mind, *shown])

    pull = _Block("pull")
    before = [
        pull.say(f"load {vector(kind)}, ptr {pull.kept('%u', len(kinds), i)}, align 8")
        for i, kind in enumerate(kinds)
    ]
    shown = [pull.load(f"%column{i}", kind, "%trials", "%u") for i, kind in enumerate(columns)]
    scored = pull.load("%scored", "i8", "%trials", "%u")
    counts = pull.say(f"sitofp {vector('i8')} {scored} to {REAL}")
    slope = [f"%slope{i}" for i in range(coefficients)]
    slope_of_value = [f"%slope_of_value{i}" for i in range(values)]
    *found, x, s = pull.tell(back, [*theta, *before, *shown, *slope_of_value, counts])
    slope_after = [
        pull.say(f"fadd {REAL} {sum_}, {more}") for sum_, more in zip(slope, found, strict=False)
    ]
    sum_after = pull.fused(counts, x, "%sum")
    is_scored = pull.say(f"fcmp ogt {REAL} {counts}, {real(0.0)}")
    product = pull.say(f"fmul {REAL} %product, {pull.choose(is_scored, s, real(1.0))}")
    pull.store(product, "%products", "%stretches", pull.say(f"udiv i64 %u, {STRETCH}"))
    is_last = pull.say(f"icmp eq i64 {pull.say(f'urem i64 %u, {STRETCH}')}, 0")
    product_after = pull.say(f"select i1 {is_last}, {REAL} {real(1.0)}, {REAL} {product}")

    end = _Block("end")
    end.store("%sum", "%linear", 1, 0)
    for i, name in enumerate(slope):
        end.store(name, "%slopes", coefficients, i)
    for i, name in enumerate(slope_of_value):
        end.store(name, "%slopes_of_values", values, i)

    carried = Text("")
    for i, kind in enumerate(kinds):
        carried.do(f"{mind[i]} = phi {vector(kind)} [{first[i]}, %bundle], [{mind_after[i]}, %go]")
    gathered = Text("")
    now = [*slope, *slope_of_value, "%sum", "%product"]
    then = [*slope_after, *found[coefficients:], sum_after, product_after]
    for name, after in zip(now, then, strict=True):
        zero = real(1.0 if name == "%product" else 0.0)
        gathered.do(f"{name} = phi {REAL} [{zero}, %turn], [{after}, %pull]")
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
  br label %go.next
go.next:
  %t = phi i64 [0, %bundle], [%t.after, %go]
  {carried}
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
  {gathered}
  %u = sub i64 %u.after, 1
  %u.is.left = icmp sge i64 %u, 0
  br i1 %u.is.left, label %pull, label %end
pull:
  {pull}
  br label %pull.next
end:
  {end}
  %n.after = add i64 %n, 1
  br label %bundle.next
done:
  ret ptr null"""
