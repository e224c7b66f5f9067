"""Do one thing in a process of its own and print its peak memory in GB.

python benchmarks/memory.py simulate|gradient PARTICIPANTS
"""

import sys
from pathlib import Path

import jax
from workload import TASK, TRIALS, draw, matrix, value_and_gradient

from metacontrol.models import HYBRID, simulate


def peak() -> float:
    """Return this program's own peak in GB; `ru_maxrss` would count the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e9


what, participants = sys.argv[1:]
parameters = draw(HYBRID, int(participants))
data = simulate(HYBRID, TASK, parameters, trials=TRIALS, seed=1)
if what == "gradient":
    jax.block_until_ready(value_and_gradient(HYBRID, data)(matrix(parameters)))
print(peak())
