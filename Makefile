.PHONY: demo test test-all setup bench

demo: setup
	.venv/bin/metacontrol demo

test: setup
	.venv/bin/python -m pytest -q -m "not slow"

test-all: setup
	.venv/bin/python -m pytest -q -m ""

bench: setup
	.venv/bin/python benchmarks/engine.py

setup:
	@tools/setup.sh
