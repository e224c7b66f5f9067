"""How machine code of ours comes to be called by XLA, without Python in between.

Offsets are those of XLA's foreign function interface (xla/ffi/api/c_api.h), a stable binary
interface of version 0.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any

import jax
import llvmlite.binding as llvm


def register(body: str, arguments: Sequence[str], results: Sequence[str], prelude: str) -> str:
    """Compile a function and make it known to XLA.

    Parameters
    ----------
    body : str
        LLVM, from its first instruction to ``ret ptr null``.
    arguments, results : sequence of str
        What the body calls the arrays it is given and those it fills; for an array ``%x`` its
        lengths are at ``%x.shape``.
    prelude : str
        Functions that the body calls.

    Returns
    -------
    str
        The name by which `jax.ffi.ffi_call` finds it: the same for the same text.
    """
    buffers = "".join(
        _buffer(name, offset, i)
        for offset, names in ((72, arguments), (112, results))
        for i, name in enumerate(names)
    )
    text = f"""{prelude}
define ptr @called_by_xla(ptr %frame) {{
  %extension.at = getelementptr i8, ptr %frame, i64 8
  %extension = load ptr, ptr %extension.at
  %is.asked = icmp ne ptr %extension, null
  br i1 %is.asked, label %introduce, label %start
introduce:  ; asked which version of the interface it speaks, it answers: the one it is asked in
  %metadata.at = getelementptr i8, ptr %extension, i64 24
  %metadata = load ptr, ptr %metadata.at
  %version = getelementptr i8, ptr %metadata, i64 24
  %api.at = getelementptr i8, ptr %frame, i64 16
  %api = load ptr, ptr %api.at
  %spoken.at = getelementptr i8, ptr %api, i64 32
  %spoken = load i64, ptr %spoken.at
  store i64 %spoken, ptr %version
  ret ptr null
start:
{buffers}{body}
}}
"""
    return _registered(text)[0]


def _buffer(name: str, offset: int, i: int) -> str:
    """Load the address and the lengths of an array."""
    return f"""\
  {name}.all.at = getelementptr i8, ptr %frame, i64 {offset}
  {name}.all = load ptr, ptr {name}.all.at
  {name}.buffer.at = getelementptr ptr, ptr {name}.all, i64 {i}
  {name}.buffer = load ptr, ptr {name}.buffer.at
  {name}.at = getelementptr i8, ptr {name}.buffer, i64 24
  {name} = load ptr, ptr {name}.at
  {name}.shape.at = getelementptr i8, ptr {name}.buffer, i64 40
  {name}.shape = load ptr, ptr {name}.shape.at
"""


@cache  # the machine code lives as long as the engine that is remembered here
def _registered(text: str) -> tuple[str, Any]:
    """Compile a module, make it known to XLA and return its name."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
    )
    module = llvm.parse_assembly(text)
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_unrolling = tuning.loop_vectorization = tuning.slp_vectorization = False
    passes = llvm.create_pass_builder(machine, tuning)
    passes.getModulePassManager().run(module, passes)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    address = ctypes.c_void_p(engine.get_function_address("called_by_xla"))
    name = f"metacontrol_{sha256(text.encode()).hexdigest()[:32]}"
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(address), platform="cpu")
    return name, engine
