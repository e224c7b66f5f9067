.PHONY: demo test test-all setup bench

demo: setup
	.venv/bin/metacontrol demo

# Where there is no Chromium, tests that need it are left out.
browser := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

test: setup
	.venv/bin/python -m pytest -q -n 2 --dist worksteal -m "not slow$(if $(browser),, and not browser)"

test-all: setup
	.venv/bin/python -m pytest -q -n 2 --dist worksteal -m "$(if $(browser),,not browser)"

bench: setup
	.venv/bin/python benchmarks/engine.py

setup:
	@tools/setup.sh
