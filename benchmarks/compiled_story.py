"""The next engine, measured: the same one-trial story, compiled by LLVM instead of XLA.

JAX traces the trial and its pull-back (nothing is derived by hand); what it traced, a few hundred
scalar operations, is written out as the body of two loops over lanes, and numba compiles those. As
in `hand_kernel`, every row stands at a constant place in one small array, so that LLVM can see
that no two rows overlap and uses vector instructions.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hand_kernel import exp, fast, where
from jax.extend.core import ClosedJaxpr, Literal
from jax.interpreters.partial_eval import dce_jaxpr
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from metacontrol.models import Model
from metacontrol.models.engine.listeners import Replay
from metacontrol.models.engine.replay import _split
from metacontrol.models.engine.story import Story, _leaf
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import Choices

INFIX = {
    "add": "+", "add_any": "+", "sub": "-", "mul": "*", "div": "/", "eq": "==", "ne": "!=",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "&", "or": "|",
}  # fmt: skip
CALLS = {
    "max": "where({0} > {1}, {0}, {1})",
    "min": "where({0} < {1}, {0}, {1})",
    "select_n": "where({0}, {2}, {1})",
    "neg": "-{0}",
    "exp": "exp({0})",  # of what is 0 or less: all that choices need
    "convert_element_type": "number({0})",
    "copy": "{0}",
    "stop_gradient": "{0}",
}
STRETCH = 64


@intrinsic
def number(context, value):
    """Return a truth value as 0.0 or 1.0, a number as it is."""

    def convert(context, builder, signature, arguments):
        (bits,) = arguments
        return builder.uitofp(bits, ir.DoubleType()) if value == types.boolean else bits

    return types.float64(value), convert


def write_out(traced: ClosedJaxpr, inputs: list[str]) -> tuple[list[str], list[str]]:
    """Write a traced function of numbers as lines of Python; return them and its outputs."""
    lines: list[str] = []

    def text(value: Any) -> str:
        value = np.asarray(value)
        return repr(bool(value) if value.dtype == bool else float(value))

    def walk(jaxpr: Any, constants: list[str], arguments: list[str]) -> list[str]:
        names = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))

        def name(atom: Any) -> str:
            return text(atom.val) if isinstance(atom, Literal) else names[atom]

        for equation in jaxpr.eqns:
            rule, given = equation.primitive.name, [name(atom) for atom in equation.invars]
            inner = equation.params.get("jaxpr") or equation.params.get("call_jaxpr")
            if inner is not None:
                outputs = walk(inner.jaxpr, [text(c) for c in inner.consts], given)
                names.update(zip(equation.outvars, outputs, strict=True))
                continue
            new = f"x{len(lines)}"
            pattern = f"{{0}} {INFIX[rule]} {{1}}" if rule in INFIX else CALLS[rule]
            if rule == "convert_element_type" and equation.params["new_dtype"].kind == "b":
                pattern = "{0}"
            lines.append(f"{new} = {pattern.format(*given)}")
            names[equation.outvars[0]] = new
        return [name(atom) for atom in jaxpr.outvars]

    outputs = walk(traced.jaxpr, [text(c) for c in traced.consts], inputs)
    return lines, outputs


def trace(function: Callable, *arguments: Any) -> ClosedJaxpr:
    """Trace a function and drop what its outputs do not need."""
    closed = jax.make_jaxpr(function)(*arguments)
    jaxpr, _ = dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars), instantiate=True)
    return ClosedJaxpr(jaxpr, closed.consts)


def source(story: Story, columns: list[str], lanes: int) -> str:
    """Return the kernel of a story as Python source."""
    start = jax.tree.map(_leaf, story.model.start(story.task, None))
    values, facts, join = _split(start)
    theta = [jnp.asarray(0.5)] * len(story.coefficients)
    record = {name: jnp.asarray(0.0) for name in columns}

    def step(theta: Any, values: Any, facts: Any, record: Any) -> Any:
        t = Replay(story.task, record)
        by_name = dict(zip(story.coefficients, theta, strict=True))
        free = {p.parameter.name: p(by_name, record) for p in story.predictors}
        mind = join(values, facts)
        after = story.model.trial(SimpleNamespace(**story.model.complete(free)), mind, t)
        t.finish()
        after = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), after, mind)
        values, facts, _ = _split(after)
        return (values, t.heard()), facts

    def ahead(*given: Any) -> Any:
        (values, _), facts = step(*given)
        return values, facts

    def back(theta: Any, values: Any, facts: Any, record: Any, slope: Any, counts: Any) -> Any:
        (_, (x, s)), pull, _ = jax.vjp(
            lambda c, v: step(c, v, facts, record), theta, values, has_aux=True
        )
        return *pull((slope, (counts, -counts / s))), x, s

    k, v, n, r = len(theta), len(values), len(values) + len(facts), len(columns)
    row = dict(theta=0, d_theta=k, d_mind=2 * k, sum=2 * k + v, counts=2 * k + v + 2)
    row["record"], row["mind"] = row["counts"] + 1, row["counts"] + 1 + r
    inputs = [f"c{i}" for i in range(k)] + [f"m{i}" for i in range(n)]
    inputs += [f"r_{name}" for name in columns]
    places = [row["theta"] + i for i in range(k)] + [row["mind"] + i for i in range(n)]
    places += [row["record"] + i for i in range(r)]
    read = [f"{name} = lane[{place}, i]" for name, place in zip(inputs, places, strict=True)]
    go, after = write_out(trace(ahead, theta, values, facts, record), inputs)
    slopes = [f"d{i}" for i in range(v)]
    pull, found = write_out(
        trace(back, theta, values, facts, record, values, jnp.asarray(1.0)),
        [*inputs, *slopes, "counts"],
    )
    body_ahead = read + go + [f"lane[{row['mind'] + i}, i] = {x}" for i, x in enumerate(after)]
    body_back = read + [f"{d} = lane[{row['d_mind'] + i}, i]" for i, d in enumerate(slopes)]
    body_back += [f"counts = lane[{row['counts']}, i]", *pull]
    body_back += [f"lane[{row['d_theta'] + i}, i] += {found[i]}" for i in range(k)]
    body_back += [f"lane[{row['d_mind'] + i}, i] = {found[k + i]}" for i in range(v)]
    body_back += [f"lane[{row['sum']}, i] += counts * {found[k + v]}"]
    body_back += [f"lane[{row['sum'] + 1}, i] *= where(counts > 0.0, {found[k + v + 1]}, 1.0)"]

    def loop(body: list[str], depth: int) -> str:
        indent = "    " * depth
        inside = "".join(f"{indent}    {line}\n" for line in body)
        return f"{indent}for i in range({lanes}):\n{inside}"

    load = "".join(
        loop([f"lane[{row['record'] + i}, i] = all_{name}[b, t, i]"], 3)
        for i, name in enumerate(columns)
    )
    begin = [float(x) for x in [*values, *facts]]
    return f"""
def kernel(theta, {", ".join(f"all_{name}" for name in columns)}, scored, lengths, value, slope):
    lane = np.empty(({row["mind"] + n}, {lanes}))
    kept = np.empty((scored.shape[1], {n}, {lanes}))
    for b in range(len(lengths)):
        lane[:] = 0.0
        lane[:{k}] = theta[b]
        lane[{row["sum"] + 1}] = 1.0
{"".join(f"        lane[{row['mind'] + i}] = {x}" + chr(10) for i, x in enumerate(begin))}
        for t in range(lengths[b]):
            for m in range({n}):
{loop([f"kept[t, m, i] = lane[{row['mind']} + m, i]"], 4)}
{load}{loop(body_ahead, 3)}
        value[b] = 0.0
        for t in range(lengths[b] - 1, -1, -1):
            for m in range({n}):
{loop([f"lane[{row['mind']} + m, i] = kept[t, m, i]"], 4)}
{load}{loop([f"lane[{row['counts']}, i] = scored[b, t, i]"], 3)}{loop(body_back, 3)}
            if t % {STRETCH} == 0:
                value[b] += lane[{row["sum"]}] - np.log(lane[{row["sum"] + 1}])
                lane[{row["sum"]}] = 0.0
                lane[{row["sum"] + 1}] = 1.0
        slope[b] = lane[{k}:{2 * k}]
"""


def compiled_story(model: Model, data: Choices) -> Callable:
    """Return theta (participants, parameters) -> value, gradient."""
    scoring = Scoring.of(model, data)
    records, columns = scoring.records, sorted(scoring.records.columns)
    blocks, _, lanes = records.scored.shape
    scope = {"np": np, "exp": exp, "where": where, "number": number}
    exec(source(scoring.story, columns, lanes), scope)
    kernel = fast(scope["kernel"])
    size = len(scoring.story.coefficients)
    value, slope = np.empty((blocks, lanes)), np.empty((blocks, size, lanes))
    trials = [records.columns[name] for name in columns]

    def call(theta: np.ndarray) -> tuple[float, np.ndarray]:
        seated = theta[records.seats].reshape(blocks, lanes, size).transpose(0, 2, 1)
        seated = np.ascontiguousarray(seated)
        kernel(seated, *trials, records.scored, records.lengths, value, slope)
        gradient = slope.transpose(0, 2, 1).reshape(-1, size)[records.slots]
        return value.ravel()[records.slots].sum(), gradient

    return call
