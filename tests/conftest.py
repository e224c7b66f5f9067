"""Where the human data are, and the sets and fits that several tests read."""

import os
from pathlib import Path

import pandas as pd
import pytest
from reported import Reported

from metacontrol.tasks import (
    DAW_2011,
    KOOL_2016_DETERMINISTIC,
    KOOL_2016_STOCHASTIC,
    Choices,
    Task,
    read_choices,
)

BESIDE = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the human data; METACONTROL_REQUIRE_DATA turns the skip into a failure."""
    folder = Path(os.environ.get("METACONTROL_SHARED", BESIDE))
    if not (folder / "data").is_dir():
        missing = f"human data are not here: {folder} (set METACONTROL_SHARED to their folder)"
        if os.environ.get("METACONTROL_REQUIRE_DATA"):
            pytest.fail(missing)
        pytest.skip(missing)
    return folder


def _authors_choices(file: Path, task: Task) -> Choices:
    """Read the participants that the authors of a set analysed."""
    frame = pd.read_csv(file)
    return read_choices(frame[frame["authors_included"] == 1], task)


@pytest.fixture(scope="session")
def kool2016_daw(shared: Path) -> Choices:
    return _authors_choices(shared / "data/kool2016-daw/choices.csv", KOOL_2016_STOCHASTIC)


@pytest.fixture(scope="session")
def kool2016_novel(shared: Path) -> Choices:
    return _authors_choices(shared / "data/kool2016-novel/choices.csv", KOOL_2016_DETERMINISTIC)


@pytest.fixture(scope="session")
def gillan2016(shared: Path) -> Choices:
    return _authors_choices(shared / "data/gillan2016/choices.csv.gz", DAW_2011)


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    return Reported(tmp_path_factory.mktemp("reported"))
