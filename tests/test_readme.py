"""The code of README and CONTRIBUTING runs, block after block, as printed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import matplotlib as mpl
import pytest

ROOT = Path(__file__).parents[1]


def _blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


def _run(blocks: list[str]) -> dict:
    names: dict = {"__name__": "readme"}
    for block in blocks:
        exec(compile(block, "README", "exec"), names)  # noqa: S102
    return names


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")


def test_readme_simulates_fits_and_draws(tmp_path: Path) -> None:
    names = _run(_blocks("README.md")[:2])
    weight = names["mc"].weight_by_condition(names["fit"]).set_index("load")["mean"]
    assert weight[0] > weight[1] + 0.1
    assert {path.name for path in tmp_path.iterdir()} == {
        "fit.nc",
        "weights.pdf",
        "weights.png",
        "weights.svg",
    }


def _with_human_data(shared: Path, tmp_path: Path, blocks: list[str]) -> dict:
    target = tmp_path / "data/kool2016-daw"
    target.mkdir(parents=True)
    shutil.copy(shared / "data/kool2016-daw/choices.csv", target)
    return _run(["import pandas as pd\nimport metacontrol as mc", *blocks])


def test_readme_reads_human_data(shared: Path, tmp_path: Path) -> None:
    names = _with_human_data(shared, tmp_path, _blocks("README.md")[2:3])
    people = names["alone"].participants.query("parameter == 'w'")
    assert people["estimate"].mean() == pytest.approx(0.35, abs=0.005)
    assert (~people["informed"]).sum() == pytest.approx(185, abs=1)
    known = people[people["determined"]]["estimate"]
    assert len(known) == pytest.approx(181, abs=1)
    assert known.median() == pytest.approx(0.185, abs=0.005)


@pytest.mark.slow
def test_readme_fits_human_data(shared: Path, tmp_path: Path) -> None:
    names = _with_human_data(shared, tmp_path, _blocks("README.md")[2:])
    checks = names["group"].diagnostics
    of_the_group = checks[~checks["check"].str.startswith("participants")]
    r_hat = of_the_group["check"].str.startswith("largest R-hat")
    assert of_the_group.loc[~r_hat, "ok"].all()
    assert of_the_group.loc[r_hat, "value"].item() < 1.02  # chance brings 1.011
    assert names["group"].parameters["w"].mean() == pytest.approx(0.44, abs=0.02)


def test_contributing_makes_a_model() -> None:
    names = _run(_blocks("CONTRIBUTING.md"))
    data, model = names["data"], names["REPEATER"]
    latents = names["mc"].latents(
        model, data, names["people"].assign(participant=["s1", "s2", "s3"])
    )
    # the first choice starts from strength 0, and a choice made once has strength alpha
    assert latents.groupby("participant")["strength"].first().tolist() == [0.0, 0.0, 0.0]
    first = data.frame[data.frame["participant"] == "s2"]["first_choice"].to_list()
    expected = 0.3 if first[1] == first[0] else 0.0
    assert latents[latents["participant"] == "s2"]["strength"].iloc[1] == pytest.approx(expected)
