"""The report: a page that stands alone and names nobody, its tables, figures and files."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64decode
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from shutil import which

import numpy as np
import pandas as pd
import pytest
from command_line import run
from full_disk import full_disk
from PIL import Image
from reported import MODEL, PEOPLE, Reported

import metacontrol as mc
from metacontrol.analysis.statistics import learning_curve, staying
from metacontrol.analysis.weight import people_by_condition
from metacontrol.arbitration import arbitration
from metacontrol.reporting.blocks import Figure
from metacontrol.reporting.estimation import count_word
from metacontrol.reporting.weights import _difference

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class _Read(HTMLParser):
    """What a page is made of: elements with attributes, and ends of those that have them."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_stands_alone_and_is_accessible(reported: Reported) -> None:
    for path in (reported.page, reported.several):
        read = _Read(path)
        assert not read.open
        tags = [tag for tag, _ in read.elements]
        assert not {"script", "link", "iframe"} & set(tags)
        images = [attributes for tag, attributes in read.elements if tag == "img"]
        assert images
        assert all(image["src"].startswith("data:image/") and image["alt"] for image in images)
        assert ("html", {"lang": "en"}) in read.elements
        levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert max(np.diff(levels)) <= 1
        names = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
        assert len(set(names)) == len(names)
        links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
        for link in links:
            if link.startswith("#"):
                assert link[1:] in names
            elif not link.startswith("https://"):
                assert (path.parent / link).is_file()
    assert "&lt;kool&gt;" in reported.page.read_text(encoding="utf-8")


def test_participants_are_named_in_their_tables_only(reported: Reported) -> None:
    assert reported.sampled.diagnostics["check"].str.contains("Zaphod").any()
    named = {
        path.name
        for path in reported.page.parent.rglob("*")
        if path.is_file() and b"zaphod" in path.read_bytes().lower()
    }
    assert named == {"participants.csv", "participant_weights.csv"}


def test_tables_are_those_of_the_fit(reported: Reported) -> None:
    tables = reported.page.parent / "tables"
    written = pd.concat([pd.read_csv(tables / f"{name}.csv") for name in ("median", "group")])
    pd.testing.assert_frame_equal(
        written.sort_values("parameter", ignore_index=True),
        reported.sampled.group.sort_values("parameter", ignore_index=True),
        check_dtype=False,
    )
    people = pd.read_csv(tables / "participants.csv")
    assert len(people) == len(reported.sampled.participants)
    checked = pd.read_csv(tables / "predictive_stay.csv")
    observed = mc.stay_probabilities(reported.data)["stay"]
    assert checked["observed"].to_numpy() == pytest.approx(observed.to_numpy())
    weights = mc.weight_by_condition(reported.sampled)
    shown = reported.page.read_text(encoding="utf-8")
    row = weights.iloc[1]
    cells = [f"{row[name]:.2f}" for name in ("mean", "sd", "lower", "upper")]
    assert "".join(f'\n<td class="number">{cell}</td>' for cell in cells) in shown
    for name in ("participant_weights", "weight_by_condition", "predictive_stay"):
        for suffix in ("pdf", "svg", "png"):
            assert (reported.page.parent / f"figures/{name}.{suffix}").stat().st_size > 1000


def test_doubts_come_before_all_else(reported: Reported) -> None:
    """Chains that disagree bear nothing out; an estimate at a bound is one person's."""
    sampled = reported.sampled
    bad = int((~sampled.diagnostics["ok"]).sum())
    assert len(sampled.doubts) == bad > 1
    text = " ".join(re.sub("<[^>]+>", "", reported.page.read_text(encoding="utf-8")).split())
    count = f"{count_word(bad).capitalize()} of six diagnostics are not as wanted: do not use these"
    assert text.index(count) < text.index("The model")
    for said in ("the median participant’s weight of planning is", "with load 1 the median"):
        assert f"Not to be relied on, since diagnostics are not as wanted: {said}" in text
    assert "With load 1 the median" not in text
    tree = reported.alone["habit"].tree.copy(deep=True)
    tree["estimates"].to_dataset()["at_bound"].loc[PEOPLE[0]] = True
    assert not mc.Fit(tree).ok
    assert mc.Fit(tree).doubts.empty


def test_a_difference_has_a_direction_where_its_interval_has_one(reported: Reported) -> None:
    for shift, said in (
        (0.0, "Whether the median participant plans more or less with load 1 than with load 0 is"),
        (0.4, "With load 1 the median participant plans more than with load 0: the weight"),
        (-0.4, "With load 1 the median participant plans less than with load 0: the weight"),
    ):
        weight = np.concatenate([np.linspace(0.4, 0.5, 100), np.linspace(0.4, 0.5, 100)[::-1]])
        draws = pd.DataFrame({"load": np.repeat([0, 1], 100), "weight": weight})
        draws.loc[draws["load"] == 1, "weight"] += shift
        (text,) = _difference(reported.sampled, draws, ["load"])
        assert said[1:] in text.text


def test_intervals_of_mean_weights_are_those_of_the_posterior(reported: Reported) -> None:
    expected = people_by_condition(reported.sampled).set_index("load")
    drawings = arbitration(reported.sampled, reported.data, draws=80)
    drawn = {drawing.name: drawing for drawing in drawings}
    assert set(drawn) == {"drivers_of_weight"}  # load alone moves it: over trials it has no course
    with mc.style():
        _, (ax,) = mc.panels()
        drawn["drivers_of_weight"].plot([ax])
    lines, _, (bars,) = ax.containers[0]
    assert lines.get_ydata() == pytest.approx(expected["mean"].to_numpy())
    ends = np.array([bar[:, 1] for bar in bars.get_segments()])
    assert ends == pytest.approx(expected[["lower", "upper"]].to_numpy())
    assert ax.get_title(loc="right") == "if every trial had this value"


@pytest.mark.parametrize("name", ["correlated", "sessions"])
def test_correlations_have_a_table(reported: Reported, tmp_path: Path, name: str) -> None:
    fit = reported.every[name]
    page = mc.report(fit, reported.in_sessions, out=tmp_path / "report", draws=2)
    written = pd.read_csv(page.parent / "tables/correlations.csv")
    assert written["mean"].to_numpy() == pytest.approx(fit.correlations["mean"].to_numpy())
    text = page.read_text(encoding="utf-8")
    assert "Correlations over people" in text
    if name == "sessions":
        weights = pd.read_csv(page.parent / "tables/weights_of_people.csv")
        assert weights["session"].tolist() == [1, 2]
        assert "with session 1 and" in text


def test_figures_are_of_sessions_too(reported: Reported, tmp_path: Path) -> None:
    reported.in_sessions.frame.to_csv(tmp_path / "choices.csv", index=False)
    fit = reported.every["sessions"].save(tmp_path / "fit.nc")
    options = ["--choices", tmp_path / "choices.csv", "--draws", 2]
    assert run("figures", fit, *options, "--out", tmp_path / "figures") == 0
    assert (tmp_path / "figures/predictive_stay.png").is_file()


def test_a_weight_without_conditions_is_said(
    reported: Reported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All else is there: figures in vain need the choices, for those that can be drawn."""
    reported.data.frame.to_csv(tmp_path / "choices.csv", index=False)
    formulas = {"w": "1 + I(load / load.mean())"}
    fit = mc.fit(MODEL, reported.data, method="laplace", formulas=formulas, seed=1)
    said = "There is no weight by condition: the regressor of w_I(load / load.mean()) depends on"
    page = mc.report(fit, reported.data, out=tmp_path / "report", draws=2)
    assert said in page.read_text(encoding="utf-8")
    assert (page.parent / "figures/predictive_stay.png").is_file()
    path, out = fit.save(tmp_path / "fit.nc"), tmp_path / "figures"
    assert run("figures", path, "--out", out) == 2
    assert said in capsys.readouterr().err
    assert run("figures", path, "--out", out, "--choices", tmp_path / "choices.csv") == 0
    assert said in capsys.readouterr().err
    assert (out / "predictive_stay.png").is_file()
    assert not (out / "participant_weights.png").exists()


@pytest.mark.parametrize("name", ["em", "em-laplace"])
def test_nothing_is_said_of_chains_where_there_were_none(
    reported: Reported, tmp_path: Path, name: str
) -> None:
    fit = reported.every[name]
    page = mc.report(fit, out=tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    for absent in ("R‑hat", "ESS", "posterior mean"):
        assert absent not in text
    best = {"em": "most probable", "em-laplace": "most likely"}[name]
    said = "mean, standard deviation and 95 % interval over draws of the normal distribution around"
    assert text.count(f"{said} the {best} group.") == 2
    tables = page.parent / "tables"
    written = pd.concat([pd.read_csv(tables / f"{table}.csv") for table in ("median", "group")])
    pd.testing.assert_frame_equal(
        written.sort_values("parameter", ignore_index=True),
        fit.group.sort_values("parameter", ignore_index=True),
    )


def test_weights_that_nothing_determines_are_left_out(reported: Reported, tmp_path: Path) -> None:
    fit = reported.alone["hybrid-kool"]
    tree = fit.tree.copy(deep=True)
    estimates = tree["estimates"].to_dataset()
    here = {"participant": PEOPLE[:3], "coefficient": "w"}
    estimates["values"].loc[here] = 0.5
    estimates["determined"].loc[here] = False
    tree["estimates"] = estimates
    page = mc.report(mc.Fit(tree), out=tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    median = fit.parameters["w"].loc[PEOPLE[3:]].median()
    said = f"weights of planning (of 5; nothing determines that of 3 others) is {median:.2f} ("
    assert said in text
    assert "Nothing determines the weight of three participants: the table leaves them out" in text
    written = pd.read_csv(page.parent / "tables/weight_by_condition.csv")
    assert written["q50"].tolist() == pytest.approx([median])
    weights = pd.read_csv(page.parent / "tables/group.csv").set_index("parameter").loc["w"]
    assert (weights["participants"], weights["q50"]) == (5, pytest.approx(median))
    assert "quartiles of those people whose estimate anything determines." in text


def test_learning_and_the_next_choice_are_checked(reported: Reported) -> None:
    seed = reported.sampled.about["settings"]["seed"]
    for name, statistic, back in (("learning", learning_curve, 0), ("next_stay", staying, 1)):
        written = pd.read_csv(reported.page.parent / f"tables/predictive_{name}.csv")
        expected = mc.predictive(
            reported.sampled, reported.data, statistic, draws=5, seed=seed, given_history=back
        )
        assert written["predicted"].to_numpy() == pytest.approx(expected["predicted"].to_numpy())
        assert (reported.page.parent / f"figures/predictive_{name}.png").is_file()


def test_report_is_written_whole_or_not_at_all(
    reported: Reported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = reported.alone["hybrid-kool"]
    path = mc.report(fit, out=tmp_path / "new/report")
    before = path.read_text(encoding="utf-8")
    assert mc.report(fit, out=tmp_path / "new/report") == path  # an older one is replaced
    assert path.read_text(encoding="utf-8") == before  # the same to the byte

    def fails(*arguments: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr("metacontrol.reporting.blocks.Figure.draw", fails)
    for name in ("new/report", "another"):
        with pytest.raises(OSError, match="no space"):
            mc.report(fit, out=tmp_path / name)
    assert path.read_text(encoding="utf-8") == before
    assert [p.name for p in tmp_path.iterdir()] == ["new"]
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["report"]


def test_a_report_that_finds_the_disk_full_names_the_file(
    reported: Reported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = reported.alone["hybrid-kool"]
    monkeypatch.setattr("metacontrol.reporting.blocks.Figure.draw", lambda *_: "")
    for room, name in {20: r"tables/[\w-]+.csv", 4000: "report.html"}.items():
        message = rf"cannot write {tmp_path}/report/{name}: File too large$"
        with full_disk(room), pytest.raises(OSError, match=message):
            mc.report(fit, out=tmp_path / "report")
    assert not list(tmp_path.iterdir())


def test_other_folders_are_left_alone(reported: Reported, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"holds thesis\.tex, not only report\.html"):
        mc.report(reported.alone, out=tmp_path)
    with pytest.raises(NotADirectoryError, match="there is a file of that name"):
        mc.report(reported.alone, out=tmp_path / "thesis.tex")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_command_line_writes_what_python_writes(
    reported: Reported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reported.data.frame.to_csv(tmp_path / "choices.csv", index=False)
    fits = [fit.save(tmp_path / f"{name}.nc") for name, fit in reported.alone.items()]
    options = ["--choices", tmp_path / "choices.csv", "--draws", 2]
    assert run("report", *fits, *options, "--out", tmp_path / "a/b") == 0
    assert f"wrote {tmp_path / 'a/b/report.html'}" in capsys.readouterr().out
    assert (tmp_path / "a/b/report.html").read_bytes() == reported.several.read_bytes()


def test_large_figures_are_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = Figure("dots", lambda axes: axes[0].plot([0, 1]), "", "")
    assert figure.draw(tmp_path).startswith("data:image/svg+xml;base64,")
    monkeypatch.setattr("metacontrol.reporting.blocks.LARGE", 1000)
    content = figure.draw(tmp_path).removeprefix("data:image/png;base64,")
    assert b64decode(content) == (tmp_path / "dots.png").read_bytes()


@pytest.fixture(scope="module")
def browse() -> Callable[..., str]:
    """Run Chromium headless without a network; return what it prints."""
    found = [path for name in BROWSERS if (path := which(name))]
    if not found:
        pytest.fail(
            f"no browser is here: install one of {', '.join(BROWSERS)}, or leave these tests out "
            "with -m 'not browser'"
        )

    def run(folder: Path, page: Path, *options: str) -> str:
        command = [
            *(found[0], "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr"),
            "--host-resolver-rules=MAP * ~NOTFOUND",
            *(f"--user-data-dir={folder / 'user'}", f"--log-net-log={folder / 'net.json'}"),
            *(*options, page.as_uri()),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        return done.stdout + "\n".join(
            line for line in done.stderr.splitlines() if "CONSOLE" in line
        )

    return run


def _asked_of_the_network(folder: Path) -> set[str]:
    """Return the addresses that a page asked for: not the browser, which has no initiator."""
    log = json.loads((folder / "net.json").read_text(encoding="utf-8"))
    asked = [event.get("params", {}) for event in log["events"]]
    return {
        entry["url"]
        for entry in asked
        if entry.get("url", "").startswith(("http", "ws", "ftp"))
        and entry.get("initiator", "not an origin") != "not an origin"
    }


@pytest.mark.browser
def test_a_browser_shows_it_without_a_network(
    reported: Reported, browse: Callable[..., str], tmp_path: Path
) -> None:
    for path in (reported.page, reported.several):
        folder = tmp_path / path.parents[1].name
        folder.mkdir()
        shot = folder / "shot.png"
        printed = browse(
            folder, path, "--dump-dom", "--window-size=400,9000", f"--screenshot={shot}"
        )
        assert "CONSOLE" not in printed
        assert not _asked_of_the_network(folder)
        assert "<h2>References</h2>" in printed
        picture = np.asarray(Image.open(shot).convert("RGB"))
        assert picture.shape[1] == 400
        colours = {tuple(colour) for colour in picture.reshape(-1, 3)[::7].tolist()}
        assert (0, 114, 178) in colours  # the blue of the figures: they are drawn
        assert (picture[:, -10:] == 255).all()  # nothing hangs over the edge of a phone


@pytest.mark.browser
def test_the_browser_would_tell(browse: Callable[..., str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<img src='http://example.invalid/a.png'><script>console.error('no')</script>")
    printed = browse(tmp_path, bad, "--dump-dom")
    assert "CONSOLE" in printed
    assert _asked_of_the_network(tmp_path) == {"http://example.invalid/a.png"}
