"""Published data: the same bytes as the checked tables, or a clear reason why not."""

import os
import shutil
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pooch
import pytest

from metacontrol.tasks import TASKS, read_choices
from metacontrol.tasks.fetching import fetch
from metacontrol.tasks.parsers import csv, decimal, transition, whole
from metacontrol.tasks.published import PUBLISHED, PublishedData, published

FETCHED = [data.name for data in PUBLISHED if data.parse is not None]
LISTED_ONLY = [data.name for data in PUBLISHED if data.parse is None]


@pytest.fixture
def originals(shared: Path) -> Path:
    """Return the folder of original files; METACONTROL_REQUIRE_DATA forbids to skip."""
    folder = shared / "raw"
    if not folder.is_dir():
        if os.environ.get("METACONTROL_REQUIRE_DATA"):
            pytest.fail(f"original files are not here: {folder}")
        pytest.skip(f"original files are not here: {folder}")
    return folder


@pytest.fixture
def offline(shared: Path, originals: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let `fetch` read original files from the shared folder."""
    monkeypatch.setenv("METACONTROL_DATA", str(originals))
    return shared


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the user's cache into a folder of the test."""
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    return tmp_path / "cache/metacontrol"


@pytest.fixture
def asked(originals: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answer downloads from the shared folder; return the list that addresses are added to."""
    addresses: list[str] = []

    def answer(_self: object, url: str, output_file: str, _pooch: object) -> None:
        addresses.append(url)
        owner, name, _, path = (
            unquote(url).removeprefix("https://raw.githubusercontent.com/").split("/", maxsplit=3)
        )
        shutil.copyfile(originals / f"{owner}+{name}" / path, output_file)

    monkeypatch.delenv("METACONTROL_DATA", raising=False)
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", answer)
    return addresses


def files_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", FETCHED)
def test_parsed_originals_are_the_checked_table(name: str, offline: Path, tmp_path: Path) -> None:
    path = fetch(name, tmp_path)
    assert path == tmp_path / name / "choices.csv"
    assert path.read_bytes() == (offline / "data" / name / "choices.csv").read_bytes()
    assert files_in(tmp_path) == [f"{name}/choices.csv"]


@pytest.mark.parametrize("name", [n for n in FETCHED if published(n).task is not None])
def test_data_of_one_of_our_tasks_are_choices_of_that_task(
    name: str, offline: Path, tmp_path: Path
) -> None:
    (task,) = [task for task in TASKS if task.name == published(name).task]
    path = fetch(name, tmp_path)
    assert len(read_choices(path, task)) == len(pd.read_csv(path))


def test_every_task_named_in_the_registry_exists() -> None:
    tasks = {task.name for task in TASKS}
    assert {data.task for data in PUBLISHED if data.task is not None} <= tasks


@pytest.mark.parametrize("data", PUBLISHED, ids=lambda data: data.name)
def test_about_says_whose_the_data_are_and_what_is_allowed(data: PublishedData) -> None:
    about = data.about()
    for said in (data.citation, data.license, data.repository, data.commit, data.elsewhere):
        assert said in about
    assert "doi:10." in data.citation
    assert bool(data.elsewhere) == (data.parse is None) == (not data.files)
    assert data.personal.keys() <= data.files.keys()


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'kool'; there are: kool2016-daw, .*mikus2022-drug"):
        fetch("kool")


@pytest.mark.parametrize("name", LISTED_ONLY)
def test_data_that_are_not_fetched_say_why_and_where(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not fetched by metacontrol: .*(are in|It is) "):
        fetch(name, tmp_path)
    assert files_in(tmp_path) == []


def test_address_is_percent_encoded_at_the_pinned_commit() -> None:
    path = "Data Analysis/3 Main-effect ttests/Comparing the groups/ANOVA/1.txt"
    assert published("keramati2016").url(path) == (
        "https://raw.githubusercontent.com/mehdiKeramati/PNAS-2016/"
        "6d28cf44817f2862916167f71825d68fd0fdac18/"
        "Data%20Analysis/3%20Main-effect%20ttests/Comparing%20the%20groups/ANOVA/1.txt"
    )


def test_download_keeps_originals_by_commit_and_is_not_repeated(
    asked: list[str], cache: Path, shared: Path, tmp_path: Path
) -> None:
    data = published("kool2016-daw")
    path = fetch(data.name)
    assert path == cache / data.commit / data.name / "choices.csv"
    assert path.read_bytes() == (shared / "data" / data.name / "choices.csv").read_bytes()
    assert asked == [data.url("data/daw paradigm/groupdata.mat")]
    fetch(data.name)
    fetch(data.name, tmp_path / "mine")
    assert len(asked) == 1
    assert files_in(cache / data.commit) == [
        "kool2016-daw/choices.csv",
        "originals/data/daw paradigm/groupdata.mat",
    ]


def test_spoiled_result_in_the_cache_is_made_anew(
    asked: list[str], cache: Path, shared: Path
) -> None:
    path = fetch("kool2016-novel")
    path.write_text("spoiled")
    assert fetch("kool2016-novel") == path
    assert path.read_bytes() == (shared / "data/kool2016-novel/choices.csv").read_bytes()


def test_personal_original_is_never_kept(
    asked: list[str], cache: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = published("wyckmans2022-stress")
    (personal,) = data.personal
    answer = pooch.HTTPDownloader.__call__
    stand_in = shared / "raw/redacted_samples" / data.name / Path(personal).name

    def redacted(self: object, url: str, output_file: str, source: object) -> None:
        if url == data.url(personal):
            shutil.copyfile(stand_in, output_file)
            kept.append(Path(output_file).parent)
        else:
            answer(self, url, output_file, source)

    kept: list[Path] = []
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", redacted)
    # The stand-in is no answer to a download: there only the original passes.
    with pytest.raises(ValueError, match="does not match the known hash"):
        fetch(data.name)
    assert files_in(cache) == [f"{data.commit}/originals/Output/UnProcessedData.txt"]
    monkeypatch.setitem(data.files, personal, data.personal[personal])
    path = fetch(data.name)
    assert path.read_bytes() == (shared / "data" / data.name / "choices.csv").read_bytes()
    assert personal not in " ".join(files_in(cache))
    assert kept
    assert not any(folder.exists() for folder in kept)


def test_failed_download_says_what_from_where_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: object, url: str, _output_file: str, _pooch: object) -> None:
        raise ConnectionError(f"no route to {url}")

    monkeypatch.delenv("METACONTROL_DATA", raising=False)
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", refuse)
    with pytest.raises(
        OSError,
        match=r"kool2016-daw: data/daw paradigm/groupdata.mat could not be downloaded: no route to "
        r"https://.* set METACONTROL_DATA to a folder that holds wkool\+tradeoffs/data/daw ",
    ):
        fetch("kool2016-daw")
    assert files_in(cache) == []


def test_corrupted_original_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = tmp_path / "raw/wkool+tradeoffs/data/daw paradigm/groupdata.mat"
    original.parent.mkdir(parents=True)
    original.write_bytes(b"not what was published")
    monkeypatch.setenv("METACONTROL_DATA", str(tmp_path / "raw"))
    with pytest.raises(
        ValueError, match=r"kool2016-daw: .*groupdata.mat is not the published file"
    ):
        fetch("kool2016-daw", tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_missing_original_says_which_file_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METACONTROL_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError) as error:
        fetch("keramati2016", tmp_path / "mine")
    assert "mehdiKeramati+PNAS-2016/Data Analysis/" in str(error.value)
    assert str(tmp_path) in str(error.value)
    assert files_in(tmp_path) == []


def test_result_that_differs_is_not_written(
    offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metacontrol.tasks.parsers.csv", lambda trials: b"something else")
    with pytest.raises(ValueError, match="kool2016-daw: the parsed file is not what it should be"):
        fetch("kool2016-daw", tmp_path)
    assert files_in(tmp_path) == []


def test_interrupted_writing_leaves_nothing(
    offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(part: Path, content: bytes) -> int:
        with part.open("wb") as file:
            file.write(content[:100])
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="the disk is full"):
        fetch("kool2016-daw", tmp_path)
    assert files_in(tmp_path) == []


def test_another_file_of_the_user_is_not_overwritten(offline: Path, tmp_path: Path) -> None:
    mine = tmp_path / "kool2016-daw/choices.csv"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(FileExistsError, match="holds something else"):
        fetch("kool2016-daw", tmp_path)
    assert mine.read_text() == "mine"


def test_columns_are_written_without_points_and_blank_where_missing() -> None:
    missing = [False, True]
    frame = pd.DataFrame(
        {
            "whole": whole([2, 0], missing),
            "decimal": decimal([0.735343, 0.1], missing, decimals=4),
            "transition": transition([False, True], missing),
        }
    )
    assert csv(frame) == b"whole,decimal,transition\n2,0.7353,rare\n,,\n"
