"""Run the code of the guide's pages: figures and printed results in docs/ are what it makes.

`python tools/pages.py [PAGE ...]` runs pages in docs/ (all, if none is named), writes their figures
and puts what each block of code prints into the block of text that follows it.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import matplotlib.pyplot as plt

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<printed>.*?)```\n)?", re.DOTALL)


def run(page: Path, folder: Path) -> str:
    """Run a page's code, block after block; figures go to a folder.

    Returns
    -------
    str
        The page with what its code printed.
    """
    names = {"__name__": page.stem}

    def told(block: re.Match[str]) -> str:
        heard = io.StringIO()
        with _inside(folder), redirect_stdout(heard):
            exec(compile(block["code"], str(page), "exec"), names)  # noqa: S102
        code = f"```python\n{block['code']}```\n"
        return f"{code}\n```text\n{heard.getvalue()}```\n" if heard.getvalue() else code

    try:
        return BLOCK.sub(told, page.read_text(encoding="utf-8"))
    finally:
        plt.close("all")


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def main(pages: list[Path]) -> None:
    """Write the figures and printed results of pages."""
    os.environ["MPLBACKEND"] = "Agg"
    for page in pages or sorted(DOCS.rglob("*.md")):
        print(page.name, flush=True)
        folder = page.parent / "figures"
        folder.mkdir(exist_ok=True)
        text = run(page, folder)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main([Path(name).resolve() for name in sys.argv[1:]])
