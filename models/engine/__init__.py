"""What makes models run: tables, listeners, replay and play. Everything is 64-bit."""

import jax

jax.config.update("jax_enable_x64", True)
