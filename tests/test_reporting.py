"""The report: a page that stands alone and names nobody, its methods, references and files."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from shutil import which

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import metacontrol as mc
from metacontrol.analysis.statistics import learning_curve, staying
from metacontrol.analysis.weight import people_by_condition
from metacontrol.arbitration import arbitration
from metacontrol.cli import main
from metacontrol.fitting.individuals import Individuals
from metacontrol.models.scoring import Scoring
from metacontrol.reporting.blocks import Figure, Table, Text
from metacontrol.reporting.comparing import comparison
from metacontrol.reporting.methods import methods
from metacontrol.reporting.priors import in_words, likely, priors
from metacontrol.reporting.references import cited, references, references_of
from metacontrol.reporting.sections import model

PEOPLE = [f"Zaphod{i}" for i in range(8)]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def data() -> mc.Choices:
    rng = np.random.default_rng(2)
    true = pd.DataFrame(
        {
            "participant": PEOPLE,
            "alpha": rng.uniform(0.3, 0.7, 8),
            "beta": rng.uniform(2, 5, 8),
            "lam": 0.6,
            "w_Intercept": rng.normal(1, 0.3, 8),
            "w_load": -2.0,
            "stimulus_stickiness": 0.1,
            "response_stickiness": 0.0,
        }
    )
    return mc.simulate(mc.models.HYBRID_KOOL, mc.tasks.OTTO_2013, true, trials=60, seed=1)


MODEL = mc.models.HYBRID_KOOL.fix(name="<kool>", response_stickiness=0.0)


@pytest.fixture(scope="module")
def sampled(data: mc.Choices) -> mc.Fit:
    """Chains this short disagree: participants are named in the diagnostics."""
    options = {"seed": 1, "chains": 2, "draws": 40, "tune": 100, "centring": 0.0}
    return mc.fit(MODEL, data, formulas={"w": "1 + load"}, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def alone(data: mc.Choices) -> dict[str, mc.Fit]:
    models = (mc.models.HYBRID_KOOL, MODEL.fix(name="habit", w=0.0))
    return {m.name: mc.fit(m, data, method="map", starts=2, seed=1) for m in models}


SAMPLED = {"chains": 2, "draws": 30, "tune": 60}
SETTINGS: dict[str, dict[str, object]] = {
    "mle": {"starts": 1},
    "map": {"starts": 1},
    "laplace": {},
    "em": {"importance": 100, "chains": 2, "draws": 50},
    "em-laplace": {"importance": 100, "chains": 2, "draws": 50},
    "two-stage": {"importance": 100, **SAMPLED},
    "correlated": SAMPLED | {"method": "nuts", "correlated": ["w", "beta"]},
    "sessions": SAMPLED | {"method": "nuts", "sessions": "session"},
}


@pytest.fixture(scope="module")
def every(data: mc.Choices) -> dict[str, mc.Fit]:
    """A small model by each method, with a seed of eight digits."""
    small = MODEL.fix(name="small", lam=1.0, stimulus_stickiness=0.0)
    frame = data.frame.assign(session=1 + (data.frame["trial"] > 30))
    data = mc.read_choices(frame, data.task)
    return {
        name: mc.fit(small, data, seed=20241127, **{"method": name} | options)  # type: ignore[arg-type]
        for name, options in SETTINGS.items()
    }


@pytest.fixture(scope="module")
def page(sampled: mc.Fit, data: mc.Choices, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mc.report(sampled, data, out=tmp_path_factory.mktemp("one") / "report", draws=5)


@pytest.fixture(scope="module")
def several(
    alone: dict[str, mc.Fit], data: mc.Choices, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return mc.report(alone, data, out=tmp_path_factory.mktemp("several") / "report", draws=2)


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


def test_page_stands_alone_and_is_accessible(page: Path, several: Path) -> None:
    for path in (page, several):
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
    assert "&lt;kool&gt;" in page.read_text(encoding="utf-8")


def test_participants_are_named_in_their_tables_only(page: Path, sampled: mc.Fit) -> None:
    assert sampled.diagnostics["check"].str.contains("Zaphod").any()
    named = {
        path.name
        for path in page.parent.rglob("*")
        if path.is_file() and b"zaphod" in path.read_bytes().lower()
    }
    assert named == {"participants.csv", "participant_weights.csv"}


def test_tables_are_those_of_the_fit(page: Path, sampled: mc.Fit, data: mc.Choices) -> None:
    tables = page.parent / "tables"
    written = pd.concat([pd.read_csv(tables / f"{name}.csv") for name in ("median", "group")])
    pd.testing.assert_frame_equal(
        written.sort_values("parameter", ignore_index=True),
        sampled.group.sort_values("parameter", ignore_index=True),
        check_dtype=False,
    )
    people = pd.read_csv(tables / "participants.csv")
    assert len(people) == len(sampled.participants)
    checked = pd.read_csv(tables / "predictive_stay.csv")
    observed = mc.stay_probabilities(data)["stay"]
    assert checked["observed"].to_numpy() == pytest.approx(observed.to_numpy())
    weights = mc.weight_by_condition(sampled)
    shown = page.read_text(encoding="utf-8")
    row = weights.iloc[1]
    cells = [f"{row[name]:.2f}" for name in ("mean", "sd", "lower", "upper")]
    assert "".join(f'\n<td class="number">{cell}</td>' for cell in cells) in shown
    for name in ("participant_weights", "weight_by_condition", "predictive_stay"):
        for suffix in ("pdf", "svg", "png"):
            assert (page.parent / f"figures/{name}.{suffix}").stat().st_size > 1000


def test_intervals_of_mean_weights_are_those_of_the_posterior(
    sampled: mc.Fit, data: mc.Choices
) -> None:
    expected = people_by_condition(sampled).set_index("load")
    drawn = {drawing.name: drawing for drawing in arbitration(sampled, data, draws=80)}
    assert set(drawn) == {"course_of_weight", "course_of_weight_by_load", "drivers_of_weight"}
    with mc.style():
        _, (left, right) = mc.panels(1, 2)
        drawn["drivers_of_weight"].plot([left])
        drawn["course_of_weight_by_load"].plot([right])
    lines, _, (bars,) = left.containers[0]
    assert lines.get_ydata() == pytest.approx(expected["mean"].to_numpy())
    ends = np.array([bar[:, 1] for bar in bars.get_segments()])
    assert ends == pytest.approx(expected[["lower", "upper"]].to_numpy())
    assert left.get_title(loc="right") == "if every trial had this value"
    for line, mean in zip(right.lines, expected["mean"], strict=True):
        assert np.mean(np.asarray(line.get_ydata(), dtype=float)) == pytest.approx(mean, abs=0.05)


def test_several_fits_are_compared(several: Path, alone: dict[str, mc.Fit]) -> None:
    written = pd.read_csv(several.parent / "tables/comparison.csv")
    pd.testing.assert_frame_equal(written, mc.compare(alone), check_dtype=False)
    best = mc.compare(alone)["model"].iloc[0]
    assert f"By BIC the best model is <code>{best}</code>" in several.read_text(encoding="utf-8")
    assert (several.parent / "tables/habit_group.csv").is_file()
    assert not (several.parent / "tables/habit_participant_weights.csv").exists()  # w is 0


def test_methods_say_what_was_done(sampled: mc.Fit, alone: dict[str, mc.Fit]) -> None:
    text = " ".join(methods({"one": sampled}, simulated=5, within=False))
    about = sampled.about
    for said in (
        "8 participants on 480 trials",
        "the model `<kool>` of @kool2016, with `response_stickiness` = 0 fixed",
        "On the logit scale `w` followed the formula `w ~ 1 + load`",
        "means were Normal(0, 1.5) on the logit scale (95 % of median participants between 0.05 "
        "and 0.95) for `alpha` and `lam`; Normal(1, 1) on the log scale",
        "HalfNormal(0.5) for `w_load`",
        "sampled by NUTS [@hoffman2014], with two chains of 40 draws after 100 tuning draws each, "
        "a target acceptance rate of 0.9 and seed 1",
        "with a share of centring of 0, where 0 is non-centred",
        f"the largest R-hat was {round(sampled.group['rhat'].max(), 4):.3f}",
        f"nutpie {about['versions']['nutpie']} [@nutpie2022]",
        "5 data sets as large as the original",
    ):
        assert said in text
    assert "Zaphod" not in text
    found = comparison(alone, None, 1)
    assert found is not None
    text = " ".join(methods(alone, compared=found.methods, within=True))
    assert "by maximum a posteriori, with L-BFGS-B [@byrd1995]" in text
    assert "Gamma(shape 4.82, scale 0.88) (95 % between 1.3 and 8.8) for `beta`" in text
    assert "[@stephan2009; @rigoux2014]" in text
    assert "[@morey2008]" in text


SAYS = {
    "mle": (
        "by maximum likelihood, with L-BFGS-B [@byrd1995]",
        "Bounds of the search: `alpha` and `w` between 0 and 1; `beta` between 0 and ",
        "Reported are the best estimates, and their mean, standard deviation and quartiles",
        "SciPy",
    ),
    "map": (
        "Priors of each participant's parameters were ",
        "Gamma(shape 4.82, scale 0.88) (95 % between 1.3 and 8.8) for `beta`",
        "by maximum a posteriori",
        "Bounds of the search",
    ),
    "laplace": (
        "Priors of each participant's parameters were Normal(0, 1.8) on the logit scale (95 % "
        "between 0.028 and 0.97) for `alpha` and `w`; Normal(1, 1.41) on the log scale",
        "the means and variances that the priors of a group imply",
        "The second number of a Normal is its standard deviation.",
        "alone by Laplace's approximation",
        "Reported are modes",
        "participants whose search did not converge",
    ),
    "em": (
        "came from a normal distribution of the group",
        "Priors of the group's means were Normal(0, 1.5) on the logit scale",
        "HalfNormal(1) for `alpha`, `beta` and `w`",
        "found by EM [@dempster1977], whose E-step took 100 draws of each participant",
        "(seed 20241127)",
        "two times 50",
        "Reported are the most probable group, its standard errors and 95 % intervals",
    ),
    "em-laplace": (
        "normal distribution of the group, on the scale of their link, whose numbers had no priors",
        "found by EM [@dempster1977], whose E-step took the mode and curvature",
        "Reported are the most likely group",
    ),
    "two-stage": (
        "Priors of the group's means were",
        "sampled in two stages [@lunn2013]: 100 draws of each participant, made where EM "
        "[@dempster1977] puts the group",
        "two chains of 30 draws after 60 tuning draws each, a target acceptance rate of 0.9 and "
        "seed 20241127",
        "Reported are posterior means and 95 % intervals, from the 2.5 % to the 97.5 % quantile",
        "nutpie",
    ),
    "correlated": (
        "Of them `w` and `beta` correlated over people, with an LKJ(2) prior [@lewandowski2009]",
        "Beforehand EM with importance-weighted draws [@dempster1977]",
        "generalizes partial centring [@papaspiliopoulos2007]",
        "seed 20241127",
    ),
    "sessions": (
        "Each session (`session`) was learned anew and had a group of its own",
        "8 participants, in 16 sessions, on 480 trials",
        "with an LKJ(1) prior, which is uniform [@lewandowski2009]",
    ),
}


@pytest.mark.parametrize("name", SAYS)
def test_methods_of_every_method(every: dict[str, mc.Fit], name: str) -> None:
    text = " ".join(methods({"one": every[name]}, within=False))
    for said in (
        *SAYS[name],
        "with `response_stickiness` = 0, `lam` = 1 and `stimulus_stickiness` = 0 fixed",
        "`w` (weight of planning; 1 - w is the weight of habit)",
        "A trial with a missed choice was skipped wholly",
        "Python 3.",
        "NumPy",
    ):
        assert said in text
    assert not re.search(r"20,241,127|[{}]|were \.|were ;|  |quick pass|intermixed|\.\.", text)
    alone = name in ("mle", "map", "laplace")
    assert ("of the group," in text) != alone
    assert ("HalfNormal" in text) == (not alone and name != "em-laplace")
    assert ("R-hat" in text) == (name in ("two-stage", "correlated", "sessions"))
    assert set(re.findall(r"@(\w+)", text)) <= set(references())


def test_priors_of_laplace_are_those_that_it_used(
    every: dict[str, mc.Fit], data: mc.Choices
) -> None:
    fit = every["laplace"]
    used = Individuals(Scoring.of(fit.model, data)).prior()
    found = priors(fit)
    assert [p.mean for p in found.values()] == pytest.approx(used.mean.tolist())
    assert [p.variance for p in found.values()] == pytest.approx(np.diag(used.covariance).tolist())


@pytest.mark.parametrize("name", ["correlated", "sessions"])
def test_correlations_have_a_table(
    every: dict[str, mc.Fit], data: mc.Choices, tmp_path: Path, name: str
) -> None:
    frame = data.frame.assign(session=1 + (data.frame["trial"] > 30))
    chosen = mc.read_choices(frame, data.task)
    page = mc.report(every[name], chosen, out=tmp_path / "report", draws=2)
    written = pd.read_csv(page.parent / "tables/correlations.csv")
    assert written["mean"].to_numpy() == pytest.approx(every[name].correlations["mean"].to_numpy())
    text = page.read_text(encoding="utf-8")
    assert "Correlations over people" in text
    if name == "sessions":
        weights = pd.read_csv(page.parent / "tables/weights_of_people.csv")
        assert weights["session"].tolist() == [1, 2]
        assert "with session 1 and" in text


def test_figures_are_of_sessions_too(
    every: dict[str, mc.Fit], data: mc.Choices, tmp_path: Path
) -> None:
    frame = data.frame.assign(session=1 + (data.frame["trial"] > 30))
    frame.to_csv(tmp_path / "choices.csv", index=False)
    fit = every["sessions"].save(tmp_path / "fit.nc")
    options = ["--choices", str(tmp_path / "choices.csv"), "--draws", "2"]
    with pytest.raises(SystemExit) as stop:
        main(["figures", str(fit), *options, "--out", str(tmp_path / "figures")])
    assert stop.value.code == 0
    assert (tmp_path / "figures/predictive_stay.png").is_file()


@pytest.mark.parametrize("name", ["em", "em-laplace"])
def test_nothing_is_said_of_chains_where_there_were_none(
    every: dict[str, mc.Fit], tmp_path: Path, name: str
) -> None:
    fit = every[name]
    page = mc.report(fit, out=tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    for absent in ("R‑hat", "ESS", "posterior mean"):
        assert absent not in text
    assert "standard error (of the logarithm of a standard deviation)" in text
    written = pd.read_csv(page.parent / "tables/group.csv").set_index("parameter")
    posterior = fit.tree["posterior"].to_dataset()
    errors = fit.tree["maximum"].to_dataset()["error"].to_series()
    for number in ("w_mean", "beta_mean"):  # draws lie in pairs around the mode
        close = 0.05 * errors[number]
        middle = float(posterior[number].mean())
        assert written.loc[number, "estimate"] == pytest.approx(middle, abs=close)
        assert written.loc[number, "error"] == pytest.approx(errors[number])


def test_weights_that_nothing_determines_are_left_out(
    alone: dict[str, mc.Fit], tmp_path: Path
) -> None:
    fit = alone["hybrid-kool"]
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


def test_missed_trials_are_counted(alone: dict[str, mc.Fit], data: mc.Choices) -> None:
    frame = data.frame.copy()
    frame.loc[[3, 77], "first_choice"] = np.nan
    missed = replace(
        mc.read_choices(frame, data.task),
        left_out={"participants below 50% of secondary answers right (Zaphod1, ...)": 4},
    )
    text = methods(alone, missed, within=False)[0]
    assert "Of the trials 2 were missed." in text
    assert text.endswith(
        "Not counted are, besides, 4 participants below 50% of secondary answers right."
    )


def test_groups_are_compared_by_prediction(
    every: dict[str, mc.Fit], sampled: mc.Fit, data: mc.Choices, tmp_path: Path
) -> None:
    fits = {"loaded": sampled, "tied": every["correlated"]}
    page = mc.report(fits, data, out=tmp_path / "report", draws=2, seed=3)
    written = pd.read_csv(page.parent / "tables/comparison.csv")
    expected = mc.compare(fits, data, leave="participant", seed=3)
    pd.testing.assert_frame_equal(written, expected, check_dtype=False)
    text = page.read_text(encoding="utf-8")
    best = expected["model"].iloc[0]
    assert f"All choices of a new person are predicted best by <code>{best}</code>" in text
    assert "How well does it predict all choices of a new person" in text
    assert (page.parent / "figures/comparison.png").is_file()
    assert "leaving out one participant after another [@vehtari2017]" in (
        page.parent / "methods.md"
    ).read_text(encoding="utf-8")
    found = comparison(fits, None, 3)
    assert found is not None
    assert found.sentence.endswith("need the choices that were fitted.")


def test_fits_alone_with_priors_are_compared_by_evidence(every: dict[str, mc.Fit]) -> None:
    tree = every["laplace"].tree.copy(deep=True)
    tree["estimates"]["log_evidence"] = tree["estimates"]["log_evidence"] - 2.0
    found = comparison({"worse": mc.Fit(tree), "better": every["laplace"]}, None, 1)
    assert found is not None
    assert "`better`, ahead of `worse` by 16 nats" in found.sentence
    assert "Laplace's approximation of the marginal likelihood" in found.methods


def test_groups_by_em_are_compared_by_integrated_bic_if_there_is_one(
    every: dict[str, mc.Fit], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.DataFrame(
        {
            "model": ["one", "two"],
            "parameters": 6,
            "log_evidence": [-500.0, -510.0],
            "ibic": [1037.0, 1057.0],
            "ibic_difference": [0.0, 20.0],
        }
    )
    monkeypatch.setattr("metacontrol.reporting.comparing.compare", lambda fits: table)
    found = comparison({"two": every["em"], "one": every["em"]}, None, 1)
    assert found is not None
    assert found.sentence == "By integrated BIC the best model is `one`, ahead of `two` by 20."
    assert found.methods.endswith("compared by the integrated BIC [@huys2011].")


def test_different_methods_are_not_compared(
    every: dict[str, mc.Fit], data: mc.Choices, tmp_path: Path
) -> None:
    mixed = {"one": every["em"], "two": every["map"]}
    page = mc.report(mixed, out=tmp_path / "report")
    why = "not compared: they were fitted by different methods (one by EM and two by maximum a"
    assert page.read_text(encoding="utf-8").count(why) == 2  # on top, and under its heading
    found = comparison(mixed | {"three": every["map"]}, data, 1)
    assert found is not None
    first = found.section.blocks[0]
    assert isinstance(first, Text)
    assert first.text == "Not compared, since fitted by another method: `one`."


def test_learning_and_the_next_choice_are_checked(
    page: Path, sampled: mc.Fit, data: mc.Choices
) -> None:
    seed = sampled.about["settings"]["seed"]
    for name, statistic, back in (("learning", learning_curve, 0), ("next_stay", staying, 1)):
        written = pd.read_csv(page.parent / f"tables/predictive_{name}.csv")
        expected = mc.predictive(sampled, data, statistic, draws=5, seed=seed, given_history=back)
        assert written["predicted"].to_numpy() == pytest.approx(expected["predicted"].to_numpy())
        assert (page.parent / f"figures/predictive_{name}.png").is_file()


def test_replaced_priors_are_reported(data: mc.Choices) -> None:
    own = {"w": mc.Prior("beta", 2.0, 3.0)}
    fit = mc.fit(mc.models.HYBRID_KOOL, data, method="map", priors=own, starts=1, seed=1)
    assert priors(fit)["w"] == own["w"]
    assert (
        "Beta(2, 3) (95 % between 0.068 and 0.81) for `w`" in methods({"one": fit}, within=False)[1]
    )


def test_maximum_likelihood_has_bounds_in_place_of_priors(data: mc.Choices) -> None:
    options = {"method": "mle", "formulas": {"w": "1 + load"}, "starts": 1, "seed": 1}
    fit = mc.fit(MODEL, data, **options)  # type: ignore[arg-type]
    *_, table = model(fit, "").blocks
    assert isinstance(table, Table)
    bounds = table.frame.set_index("parameter")["likely"]
    assert bounds[["alpha", "w_load"]].tolist() == ["0 and 1", "−20 and 20"]
    assert [column.heading for column in table.columns][-1] == "searched between"
    text = methods({"one": fit}, within=False)[1]
    assert "by maximum likelihood" in text
    assert "rior" not in text


@pytest.mark.parametrize(
    ("prior", "words", "middle"),
    [
        (mc.Prior("normal", 1.0, 1.0), "Normal(1, 1)", "−0.96 and 3"),
        (mc.Prior("half_normal", 0.5), "HalfNormal(0.5)", "0.016 and 1.1"),
        (mc.Prior("uniform", 0.0, 100.0), "Uniform(0, 100)", "2.5 and 98"),
    ],
)
def test_priors_in_words(prior: mc.Prior, words: str, middle: str) -> None:
    drawn = np.quantile(prior.draw(200_000, np.random.default_rng(1)), [0.025, 0.975])
    ends = [float(end.replace("−", "-")) for end in likely(prior).split(" and ")]
    assert ends == pytest.approx(drawn, rel=0.05, abs=0.02)
    assert (in_words(prior), likely(prior)) == (words, middle)


@pytest.mark.parametrize("thing", [*mc.models.MODELS, *mc.tasks.TASKS], ids=lambda t: t.name)
def test_every_model_and_task_has_a_reference(thing: mc.Model) -> None:
    found = references_of(thing.source)
    assert len(found) == 1
    assert found[0].doi
    assert found[0].authors[0][0].split()[0] in thing.source


def test_references_are_whole(page: Path) -> None:
    for reference in references().values():
        wanted = {"author", "title", "year"}
        if reference.kind == "article":
            wanted |= {"journal", "volume", "pages"}
        assert wanted <= set(reference.fields), reference.key
        assert reference.doi or "url" in reference.fields or reference.key == "metacontrol2026"
        assert reference.bibtex.count("{") == reference.bibtex.count("}")
    written = (page.parent / "references.bib").read_text(encoding="utf-8")
    keys = set(re.findall(r"^@\w+\{(\w+),$", written, re.MULTILINE))
    text = (page.parent / "methods.md").read_text(encoding="utf-8")
    assert set(re.findall(r"@(\w+)", text)) <= keys
    assert keys == set(re.findall(r'href="#([a-z]+\d{4}[a-z]*)"', page.read_text("utf-8")))
    assert {"otto2013gershman", "kool2016", "hoffman2014", "pymc2023", "vehtari2021"} <= keys


def test_references_look_like_those_of_a_paper() -> None:
    assert str(references()["ahn2017"].html()) == (
        "Ahn, W.-Y., Haines, N., &amp; Zhang, L. (2017). Revealing neurocomputational mechanisms "
        "of reinforcement learning and decision-making with the hBayesDM package. "
        "<cite>Computational Psychiatry</cite>, <cite>1</cite>, 24–57. "
        '<a href="https://doi.org/10.1162/CPSY_a_00002">https://doi.org/10.1162/CPSY_a_00002</a>'
    )
    assert references()["otto2013raio"].who == "Otto, Raio, et al."
    assert references()["hoffman2014"].who == "Hoffman & Gelman"
    assert [r.key for r in cited(["@kool2016 [@daw2011; @akam2015], a@b"])] == [
        "akam2015",
        "daw2011",
        "kool2016",
    ]


def test_report_is_written_whole_or_not_at_all(
    alone: dict[str, mc.Fit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = alone["hybrid-kool"]
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


def test_other_folders_are_left_alone(alone: dict[str, mc.Fit], tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"holds thesis\.tex, not only report\.html"):
        mc.report(alone, out=tmp_path)
    with pytest.raises(NotADirectoryError, match="there is a file of that name"):
        mc.report(alone, out=tmp_path / "thesis.tex")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_other_choices_are_refused(
    alone: dict[str, mc.Fit], data: mc.Choices, tmp_path: Path
) -> None:
    """As few differences as there can be: one reward, in choices that are as many."""
    frame = data.frame.copy()
    frame.loc[7, "reward"] = 1 - frame.loc[7, "reward"]
    other = mc.read_choices(frame, data.task)
    size = r"\(8 participants, 480 trials that count\)"
    said = f"the fit of hybrid-kool {size} and the data given {size} are not of the same choices"
    with pytest.raises(ValueError, match=said):
        mc.report(alone, other, out=tmp_path / "report")
    fit = mc.fit(MODEL, other, method="map", starts=1, seed=1)
    with pytest.raises(ValueError, match="changed and hybrid-kool are not of the same choices"):
        mc.report({**alone, "changed": fit}, out=tmp_path / "report")
    told = mc.read_choices(data.frame, replace(mc.tasks.OTTO_2013, name="told"))
    fit = mc.fit(MODEL, told, method="map", starts=1, seed=1)
    with pytest.raises(ValueError, match="a report is of one task: told's is another than"):
        mc.report({**alone, "told": fit}, out=tmp_path / "report")
    with pytest.raises(ValueError, match="needs a fit, got none"):
        mc.report([], out=tmp_path / "report")


def test_command_line_writes_what_python_writes(
    alone: dict[str, mc.Fit],
    data: mc.Choices,
    several: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data.frame.to_csv(tmp_path / "choices.csv", index=False)
    fits = [str(fit.save(tmp_path / f"{name}.nc")) for name, fit in alone.items()]
    options = ["--choices", str(tmp_path / "choices.csv"), "--draws", "2"]
    with pytest.raises(SystemExit) as stop:
        main(["report", *fits, *options, "--out", str(tmp_path / "a/b")])
    assert stop.value.code == 0
    assert f"wrote {tmp_path / 'a/b/report.html'}" in capsys.readouterr().out
    assert (tmp_path / "a/b/report.html").read_bytes() == several.read_bytes()


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
    browse: Callable[..., str], page: Path, several: Path, tmp_path: Path
) -> None:
    for path in (page, several):
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
