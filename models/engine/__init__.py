"""What makes models run: tables, listeners, replay and play. Everything is 64-bit."""

import os

import jax

jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]

# Eight numbers at a time on processors that can (AVX-512), no difference on others. XLA reads
# this when JAX first computes.
_WIDE = "--xla_cpu_prefer_vector_width"
if _WIDE not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_WIDE}=512".strip()
