"""Whatever a command line says, it is carried out, or refused in words, and no half file stays."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import metacontrol as mc
from metacontrol.cli import app, main
from metacontrol.fitting.trees import read_tree, write_tree

ELSEWHERE = {"demo", "recover", "sbc", "data get"}  # take minutes; needs a network
SMALL = {  # what else would take minutes
    "fit": {"--method": "mle", "--starts": "2"},
    "confuse": {"--participants": "2", "--trials": "8", "--starts": "2"},
    "doctor": {"--pool": "10", "--trials": "8", "--participants": "4"},
}
NUMBERS = ["-1", "0", "1", "2", "1000000000000000000", "0.5", "nan", "1e400", "x", ""]
WORDS = [
    "hybrid", "model-free", "reliability", "dyna-sampled", "daw-2011", "otto-2013", "huys-2012",
    "load", "previous_load", "participant", "w ~ 1 + load", "w ~ 1 + nothing", "w = 1", "w=0.5",
    "first_choice=reward", "lam==alpha1", "~", "=", "bic", "mle", "map",
    "w=normal(0,1)", "w=normal(nan,1)", "w=beta(1)", "w=normal(0,1", "w_mean=cauchy(0,1)",
    "é\n", "", "-",
]  # fmt: skip
FILES = [
    "choices.csv", "parameters.csv", "fit.nc", "half.nc", "damaged.nc", "newer.nc", "text.csv",
    "empty.csv", "half.csv.gz", "no", ".", "/dev/null",
]  # fmt: skip

RIGHT = {"Path": FILES, "int": NUMBERS[:5], "float": NUMBERS[:8]}


def _commands(group: Any, before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        path = f"{before} {name}".strip()
        found |= _commands(command, path) if hasattr(command, "commands") else {path: command}
    return found


COMMANDS = {k: v for k, v in _commands(typer.main.get_command(app)).items() if k not in ELSEWHERE}


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """Return a command with options of its own, whose values mostly are of the right kind."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    line = name.split()
    for option in COMMANDS[name].params:
        wanted = option.required or draw(st.integers(0, 3)) == 0
        if option.name in ("out", "help") or not wanted:
            continue
        kind = str(option.type_descriptor.annotation)
        right = next((values for name, values in RIGHT.items() if name in kind), WORDS)
        value = draw(st.sampled_from(draw(st.sampled_from([right] * 7 + [WORDS, NUMBERS, FILES]))))
        if option.name == "method" and value == "nuts":
            value = "map"
        if option.name == "starts" and value.startswith("10"):
            value = "2"
        if option.param_type_name == "option":
            line += option.opts[:1]
        if not getattr(option, "is_flag", False):
            line.append(value)
    for option, value in SMALL.get(name, {}).items():
        line += [] if option in line else [option, value]
    if any(option.name == "out" for option in COMMANDS[name].params):
        line += ["--out", "out"]
    return line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mangled")
    people = mc.draw_participants(mc.models.HYBRID, 2, seed=1)
    data = mc.simulate(mc.models.HYBRID, mc.tasks.OTTO_2013, people, trials=8, seed=1)
    data.frame.to_csv(folder / "choices.csv", index=False)
    people.to_csv(folder / "parameters.csv", index=False)
    mc.fit(mc.models.HYBRID, data, method="mle", seed=1, starts=2).save(folder / "fit.nc")
    whole = (folder / "fit.nc").read_bytes()
    (folder / "half.nc").write_bytes(whole[: len(whole) // 2])
    tree = read_tree(folder / "fit.nc")
    for name, about in (("damaged", {}), ("newer", {"format": 99})):
        tree.attrs["about"] = json.dumps(about)
        write_tree(tree, folder / f"{name}.nc")
    (folder / "half.csv.gz").write_bytes(gzip.compress(data.frame.to_csv().encode())[:-9])
    (folder / "text.csv").write_text("one line\n")
    (folder / "empty.csv").touch()
    return folder


def _try(line: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with TemporaryDirectory(dir=folder) as out:
        line = [str(Path(out) / "to") if word == "out" else word for word in line]
        line = [str(folder / word) if word in FILES else word for word in line]
        with pytest.raises(SystemExit) as stop:
            main(line)
        said = capsys.readouterr().err
        assert stop.value.code in (0, 1, 2, 3), line
        if stop.value.code == 2 and "Usage: " not in said:
            assert_clear(said, line)
        assert "Traceback" not in said, line
        left = [p.name for p in Path(out).rglob("*") if p.name.startswith(".")]
        assert not left, line


def assert_clear(said: str, line: list[str]) -> None:
    """What a command ends with is a sentence, maybe with a list of problems; no bare exception."""
    told = said[said.rindex("metacontrol: ") :]
    assert re.fullmatch(r"metacontrol: .+\n(  .+\n)*", told), (line, said)
    assert len(re.findall(r"[^\W\d_]{2,}", told)) > 4, (line, said)
    assert not re.search(r"\[Errno|\w(Error|Exception)\b", told), (line, said)


@pytest.mark.parametrize("said", ["'model'", "KeyError('model')", "[Errno 17] File exists: 'a'"])
def test_a_bare_exception_is_not_clear(said: str) -> None:
    with pytest.raises(AssertionError):
        assert_clear(f"metacontrol: {said}\n", [])


@pytest.mark.parametrize(
    "examples", [60, pytest.param(300, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_mangled_command_lines(
    examples: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)

    @settings(
        deadline=None,
        max_examples=examples,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(command_lines())
    def check(line: list[str]) -> None:
        _try(line, folder, capsys)

    check()
