"""What of JAX's arithmetic the engine can say in LLVM, a vector of lanes at a time."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import inf
from typing import Any

from jax.extend.core import Literal

WIDTH = 8  # lanes of a vector: a register of AVX-512; LLVM splits it where registers are shorter

_KINDS = {"float64": "double", "bool": "i1", "int8": "i8", "int32": "i32", "int64": "i64"}


class UnsaidError(Exception):
    """A function does what the vocabulary has no word for."""


def vector(kind: str) -> str:
    """Return LLVM's type of a vector of numbers of a kind."""
    return f"<{WIDTH} x {kind}>"


def every(kind: str, value: Any) -> str:
    """Return a vector with the same number in every lane."""
    number = str(int(value)) if kind != "double" else f"0x{struct.pack('>d', value).hex()}"
    return f"<{', '.join([f'{kind} {number}'] * WIDTH)}>"


REAL, BITS, MASK = vector("double"), vector("i64"), vector("i1")


def real(value: float) -> str:
    """Return a real number in every lane."""
    return every("double", value)


# {0} and {1} are arguments, {T} is their type. A product and a sum may become one instruction, and
# nobody asks for the sign of a zero.
_OF_REALS = {
    "add": "fadd contract nsz {T} {0}, {1}",
    "add_any": "fadd contract nsz {T} {0}, {1}",
    "sub": "fsub contract nsz {T} {0}, {1}",
    "mul": "fmul contract nsz {T} {0}, {1}",
    "div": "fdiv contract nsz {T} {0}, {1}",
    "neg": "fneg {T} {0}",
    "abs": f"call {{T}} @llvm.fabs.v{WIDTH}f64({{T}} {{0}})",
    "sqrt": f"call {{T}} @llvm.sqrt.v{WIDTH}f64({{T}} {{0}})",
    "max": f"call nsz {{T}} @llvm.maximum.v{WIDTH}f64({{T}} {{0}}, {{T}} {{1}})",
    "min": f"call nsz {{T}} @llvm.minimum.v{WIDTH}f64({{T}} {{0}}, {{T}} {{1}})",
    "exp": "call {T} @lanes.exp({T} {0})",
    "tanh": "call {T} @lanes.tanh({T} {0})",
    "log": "call {T} @lanes.log({T} {0})",
    "eq": "fcmp oeq {T} {0}, {1}",
    "ne": "fcmp une {T} {0}, {1}",
    "lt": "fcmp olt {T} {0}, {1}",
    "le": "fcmp ole {T} {0}, {1}",
    "gt": "fcmp ogt {T} {0}, {1}",
    "ge": "fcmp oge {T} {0}, {1}",
}
_OF_WHOLES = {
    "add": "add {T} {0}, {1}",
    "sub": "sub {T} {0}, {1}",
    "mul": "mul {T} {0}, {1}",
    "and": "and {T} {0}, {1}",
    "or": "or {T} {0}, {1}",
    "xor": "xor {T} {0}, {1}",
    "eq": "icmp eq {T} {0}, {1}",
    "ne": "icmp ne {T} {0}, {1}",
    "lt": "icmp slt {T} {0}, {1}",
    "le": "icmp sle {T} {0}, {1}",
    "gt": "icmp sgt {T} {0}, {1}",
    "ge": "icmp sge {T} {0}, {1}",
}


class Text:
    """Lines of LLVM; each result has a name of its own.

    Parameters
    ----------
    prefix : str
        What the names begin with.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.lines: list[str] = []

    def __str__(self) -> str:
        return "\n  ".join(self.lines)

    def do(self, line: str) -> None:
        """Add a line without a result."""
        self.lines.append(line)

    def say(self, line: str) -> str:
        """Add a line and return the name of its result."""
        name = f"%{self.prefix}{len(self.lines)}"
        self.do(f"{name} = {line}")
        return name

    def choose(self, condition: str, yes: str, no: str, kind: str = "double") -> str:
        """Take from one of two vectors, lane by lane."""
        return self.say(f"select {MASK} {condition}, {vector(kind)} {yes}, {vector(kind)} {no}")

    def fused(self, a: str, b: str, c: str) -> str:
        """Return a * b + c."""
        fused = f"@llvm.fmuladd.v{WIDTH}f64"
        return self.say(f"call {REAL} {fused}({REAL} {a}, {REAL} {b}, {REAL} {c})")

    def tell(self, traced: Any, arguments: Sequence[str]) -> list[str]:
        """Say a function of numbers, as far as its results need it.

        Parameters
        ----------
        traced : ClosedJaxpr
            The function, by `jax.make_jaxpr`.
        arguments : sequence of str
            Names of the vectors it is applied to.

        Returns
        -------
        list of str
            Names of its results.

        Raises
        ------
        UnsaidError
            If it does what is not in the vocabulary.
        """
        jaxpr = traced.jaxpr
        names = dict(zip(jaxpr.invars, arguments, strict=True))
        for variable, constant in zip(jaxpr.constvars, traced.consts, strict=True):
            names[variable] = every(_kind(variable), constant)

        def name(atom: Any) -> str:
            return every(_kind(atom), atom.val) if isinstance(atom, Literal) else names[atom]

        for equation in _needed(jaxpr):
            given = [name(atom) for atom in equation.invars]
            if equation.primitive.name == "scan":  # whose inner function is told many times
                raise UnsaidError("scan")
            inner = equation.params.get("jaxpr") or equation.params.get("call_jaxpr")
            results = self.tell(inner, given) if inner else [self._word(equation, given)]
            names.update(zip(equation.outvars, results, strict=True))
        return [name(atom) for atom in jaxpr.outvars]

    def _word(self, equation: Any, given: list[str]) -> str:
        rule = equation.primitive.name
        kind, to = _kind(equation.invars[0]), _kind(*equation.outvars)
        words = _OF_REALS if kind == "double" else _OF_WHOLES
        match rule, given:
            case "copy" | "stop_gradient", [value]:
                return value
            case "convert_element_type", [value]:
                return self._convert(kind, to, value)
            case "select_n", [condition, no, yes] if kind == "i1":
                return self.choose(condition, yes, no, to)
            case "sign", [value] if kind == "double":
                below = self.say(f"fcmp olt {REAL} {value}, {real(0.0)}")
                above = self.say(f"fcmp ogt {REAL} {value}, {real(0.0)}")
                return self.choose(above, real(1.0), self.choose(below, real(-1.0), value))
            case "one_minus_square", [value]:
                return self.fused(self.say(f"fneg {REAL} {value}"), value, real(1.0))
            case "log1p", [value]:
                return self._log1p(value)
            case "not", [value]:
                return self.say(f"xor {vector(kind)} {value}, {every(kind, -1)}")
            case "integer_pow", [value] if kind == "double" and equation.params["y"] != 0:
                power, y = value, equation.params["y"]
                for _ in range(abs(y) - 1):
                    power = self.say(words["mul"].format(power, value, T=REAL))
                return power if y > 0 else self.say(f"fdiv {REAL} {real(1.0)}, {power}")
        if rule not in words:
            raise UnsaidError(rule)
        return self.say(words[rule].format(*given, T=vector(kind)))

    def _log1p(self, x: str) -> str:
        """Say log(u) - ((u - 1) - x) / u for u = 1 + x: what rounding took from u is given back."""
        u = self.say(f"fadd {REAL} {x}, {real(1.0)}")
        log_u = self.say(f"call {REAL} @lanes.log({REAL} {u})")
        lost = self.say(f"fsub {REAL} {u}, {real(1.0)}")
        lost = self.say(f"fsub {REAL} {lost}, {x}")
        lost = self.say(f"fdiv {REAL} {lost}, {u}")
        more = self.say(f"fsub {REAL} {log_u}, {lost}")
        inside = self.say(f"fcmp ogt {REAL} {u}, {real(0.0)}")
        inside = self.say(f"and {MASK} {inside}, {self.say(f'fcmp olt {REAL} {u}, {real(inf)}')}")
        return self.choose(inside, more, log_u)

    def _convert(self, kind: str, to: str, value: str) -> str:
        if kind == to:
            return value
        match kind, to:
            case "i1", "double":
                word = "uitofp"
            case _, "double":
                word = "sitofp"
            case "i1", _:
                word = "zext"
            case "double", "i32":
                whole = f"{vector(to)} @llvm.fptosi.sat.v{WIDTH}i32.v{WIDTH}f64"
                return self.say(f"call {whole}({REAL} {value})")
            case ("double", _) | (_, "i1"):
                raise UnsaidError(f"convert {kind} to {to}")
            case _:
                word = "sext" if int(to[1:]) > int(kind[1:]) else "trunc"
        return self.say(f"{word} {vector(kind)} {value} to {vector(to)}")


def _needed(jaxpr: Any) -> list[Any]:
    """Return the equations that the results depend on, in order."""
    wanted, needed = set(map(id, jaxpr.outvars)), []
    for equation in reversed(jaxpr.eqns):
        if not wanted.isdisjoint(map(id, equation.outvars)):
            needed.append(equation)
            wanted.update(map(id, equation.invars))
    return needed[::-1]


def _kind(atom: Any) -> str:
    shape, dtype = atom.aval.shape, str(atom.aval.dtype)
    if shape != () or dtype not in _KINDS:
        raise UnsaidError(f"{dtype} of shape {shape}")
    return _KINDS[dtype]
