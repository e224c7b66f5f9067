"""The guide: every page's code runs and prints what the page says; every model has one page."""

from __future__ import annotations

import re
import runpy
from itertools import zip_longest
from pathlib import Path

import pytest

from metacontrol import models

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FIGURE = re.compile(r"!\[.*?\]\(figures/(.*?)\)")
LINK = re.compile(r"\]\(([^)#:]+)\)")
NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")


def _same(ours: str, printed: str) -> bool:
    """Whether two words are the same, numbers within what another processor may round them to."""
    if NUMBER.fullmatch(ours) and NUMBER.fullmatch(printed):
        return float(ours) == pytest.approx(float(printed), rel=0.05, abs=0.05)
    return ours == printed


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_its_code_does(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    text = page.read_text(encoding="utf-8")
    again = runpy.run_path(str(ROOT / "tools/pages.py"))["run"](page, tmp_path)
    for now, before in zip_longest(again.split(), text.split(), fillvalue=""):
        assert _same(now, before), f"{page.name} says {before!r}, its code {now!r}"
    assert {path.name for path in tmp_path.iterdir()} == set(FIGURE.findall(text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_model_has_one_page() -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES if page.parent.name == "models"]
    heads = [text.split("**The question.**")[0] for text in texts]
    named = [name for head in heads for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", head)]
    ours = {
        name
        for name in dir(models)
        if isinstance(getattr(models, name), models.Model) or name == "RELIABILITY_UNDER_LOAD"
    }
    assert sorted(named) == sorted(ours)
