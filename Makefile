.PHONY: demo test test-all setup bench

demo: setup
	.venv/bin/metacontrol demo

test: setup
	.venv/bin/python -m pytest -q -n 2 --dist worksteal -m "not slow"

test-all: setup
	.venv/bin/python -m pytest -q -n 2 --dist worksteal -m ""

bench: setup
	.venv/bin/python benchmarks/engine.py

setup:
	@tools/setup.sh
