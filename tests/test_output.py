"""What the command line prints: tables of which nothing is cut."""

from __future__ import annotations

import pandas as pd
import pytest

from metacontrol.output import show

NUMBERS = ("trials", "participants", "r", "bias", "rmse", "coverage", "contraction", "mean_effect")
TABLE = pd.DataFrame(
    {name: [-0.1234] * 2 for name in NUMBERS}
    | {"parameter": ["alpha1_mean", "w_Intercept_sd"], "level": "participant"}
)


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_names_and_numbers_are_whole(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    show(TABLE, "Recovery")
    shown = capsys.readouterr().out
    assert "…" not in shown
    row = next(line for line in shown.splitlines() if "w_Intercept_sd" in line)
    assert row.count("-0.123" if columns == 200 else "-0.12") == len(NUMBERS)
    assert "participant" in row
    if columns >= 80:
        assert max(map(len, shown.splitlines())) <= columns


def test_sentences_are_broken_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show(
        pd.DataFrame({"check": ["largest R-hat"], "advice": ["sample longer " * 5]}), "Diagnostics"
    )
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert sum(line.count("sample") for line in lines) == 5
    assert all(len(" ".join(line)) <= 40 for line in lines)


def test_names_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    show(pd.DataFrame({"parameter": ["w_C(group)[high]", "w_a:b:c"]}), "Group")
    shown = capsys.readouterr().out
    assert "w_C(group)[high]" in shown
    assert "w_a:b:c" in shown
