"""exp, tanh and log of a vector of lanes, to the last digits, without a library."""

from __future__ import annotations

from math import factorial, inf, log, nan

from metacontrol.models.engine.vocabulary import BITS, REAL, WIDTH, Text, every, real

# log(2) in two parts: the product of the first with a whole number is exact.
_LOG2 = 6.93147180369123816490e-01, 1.90821492927058770002e-10


def _power(text: Text, x: str) -> tuple[str, str]:
    """Return 2**k and p, such that exp(x) = 2**k * (1 + p).

    k is the whole number nearest to x / log(2), and p is exp(r) - 1 by its Taylor series in what is
    left, |r| < 0.35. What is below -708 or above 709.4 counts as that.
    """
    magic = real(1.5 * 2.0**52)  # adding it rounds, and leaves the whole number in the last bits
    x = text.choose(text.say(f"fcmp olt {REAL} {x}, {real(-708.0)}"), real(-708.0), x)
    x = text.choose(text.say(f"fcmp ogt {REAL} {x}, {real(709.4)}"), real(709.4), x)
    shifted = text.fused(x, real(1 / log(2.0)), magic)
    k = text.say(f"fsub {REAL} {shifted}, {magic}")
    r = text.fused(k, real(-_LOG2[1]), text.fused(k, real(-_LOG2[0]), x))
    series = real(1 / factorial(13))
    for n in range(12, 0, -1):
        series = text.fused(series, r, real(1 / factorial(n)))
    bits = text.say(f"bitcast {REAL} {shifted} to {BITS}")
    bits = text.say(f"shl {BITS} {bits}, {every('i64', 52)}")
    bits = text.say(f"add {BITS} {bits}, {every('i64', 1023 << 52)}")
    return text.say(f"bitcast {BITS} {bits} to {REAL}"), text.say(f"fmul {REAL} {series}, {r}")


def _function(name: str, text: Text, result: str) -> str:
    return f"define internal {REAL} {name}({REAL} %x) {{\n  {text}\n  ret {REAL} {result}\n}}\n"


def _exp() -> str:
    text = Text("x")
    power, p = _power(text, "%x")
    result = text.fused(power, p, power)
    result = text.choose(text.say(f"fcmp olt {REAL} %x, {real(-708.0)}"), real(0.0), result)
    result = text.choose(text.say(f"fcmp ogt {REAL} %x, {real(709.4)}"), real(inf), result)
    return _function("@lanes.exp", text, result)


def _tanh() -> str:
    """Write tanh(x) = -e / (2 + e) with the sign of x, where e = exp(-2 |x|) - 1."""
    text = Text("x")
    size = text.say(f"call {REAL} @llvm.fabs.v{WIDTH}f64({REAL} %x)")
    power, p = _power(text, text.say(f"fmul {REAL} {size}, {real(-2.0)}"))
    e = text.fused(power, p, text.say(f"fsub {REAL} {power}, {real(1.0)}"))
    ratio = text.say(f"fdiv {REAL} {e}, {text.say(f'fadd {REAL} {e}, {real(2.0)}')}")
    result = text.say(f"call {REAL} @llvm.copysign.v{WIDTH}f64({REAL} {ratio}, {REAL} %x)")
    return _function("@lanes.tanh", text, result)


def _log() -> str:
    """Write log(x) = k log(2) + 2 atanh((m - 1) / (m + 1)) for x = 2**k m, .7 < m < 1.42."""
    text = Text("x")
    bits = text.say(f"bitcast {REAL} %x to {BITS}")
    k = text.say(f"lshr {BITS} {bits}, {every('i64', 52)}")
    k = text.say(f"or {BITS} {k}, {every('i64', 0x433 << 52)}")  # 2**52 and as many more as k
    k = text.say(f"bitcast {BITS} {k} to {REAL}")
    k = text.say(f"fsub {REAL} {k}, {real(2.0**52 + 1023)}")
    m = text.say(f"and {BITS} {bits}, {every('i64', (1 << 52) - 1)}")
    m = text.say(f"or {BITS} {m}, {every('i64', 1023 << 52)}")
    m = text.say(f"bitcast {BITS} {m} to {REAL}")
    large = text.say(f"fcmp ogt {REAL} {m}, {real(2.0**0.5)}")
    k = text.choose(large, text.say(f"fadd {REAL} {k}, {real(1.0)}"), k)
    m = text.choose(large, text.say(f"fmul {REAL} {m}, {real(0.5)}"), m)
    above = text.say(f"fsub {REAL} {m}, {real(1.0)}")
    s = text.say(f"fdiv {REAL} {above}, {text.say(f'fadd {REAL} {m}, {real(1.0)}')}")
    square = text.say(f"fmul {REAL} {s}, {s}")
    series = real(2 / 23)
    for n in range(21, 1, -2):
        series = text.fused(series, square, real(2 / n))
    cube = text.say(f"fmul {REAL} {square}, {s}")
    rest = text.fused(series, cube, text.fused(k, real(_LOG2[1]), s))
    result = text.fused(k, real(_LOG2[0]), text.say(f"fadd {REAL} {s}, {rest}"))
    for rule, edge, value in (("olt", 2.0**-1022, -inf), ("olt", 0.0, nan), ("oeq", inf, inf)):
        result = text.choose(text.say(f"fcmp {rule} {REAL} %x, {real(edge)}"), real(value), result)
    result = text.choose(text.say(f"fcmp uno {REAL} %x, %x"), real(nan), result)
    return _function("@lanes.log", text, result)


PRELUDE = _exp() + _tanh() + _log()
