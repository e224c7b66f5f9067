"""Files and folders that are whole or not there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from full_disk import full_disk

from metacontrol.tasks.files import DAY, whole_file, whole_folder


def test_a_folder_that_finds_the_disk_full_names_the_file(tmp_path: Path) -> None:
    there = tmp_path / "report"
    message = rf"cannot write {there}/table.csv: File too large$"
    with full_disk(), pytest.raises(OSError, match=message), whole_folder(there, ()) as folder:
        with whole_file(folder / "table.csv") as part:
            part.write_bytes(bytes(1000))
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path) -> None:
    left = [".report.abcd1234", ".report.abcd5678", ".report.older__1", ".reports.abcd1234"]
    for name in left:
        (tmp_path / name / "new/figures").mkdir(parents=True)
    (tmp_path / ".report.older__1/old").mkdir()  # an older report that may be the only one
    for name in (left[0], *left[2:]):
        os.utime(tmp_path / name, (time.time() - DAY - 60,) * 2)
    with whole_folder(tmp_path / "report", holds=["page"]) as folder:
        (folder / "page").touch()
    assert {path.name for path in tmp_path.iterdir()} == {"report", *left[1:]}
