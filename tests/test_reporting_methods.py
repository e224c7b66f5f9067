"""The report in words: methods, priors and references, as a paper has them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from reported import MODEL, Reported

import metacontrol as mc
from metacontrol.fitting.individuals import Individuals
from metacontrol.models.scoring import Scoring
from metacontrol.reporting.blocks import Table
from metacontrol.reporting.comparing import comparison
from metacontrol.reporting.methods import methods
from metacontrol.reporting.priors import in_words, likely, priors
from metacontrol.reporting.references import cited, references, references_of
from metacontrol.reporting.sections import model


def test_methods_say_what_was_done(reported: Reported) -> None:
    text = " ".join(methods({"one": reported.sampled}, simulated=5, within=False))
    about = reported.sampled.about
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
        f"the largest R-hat was {round(reported.sampled.group['rhat'].max(), 4):.3f}",
        f"nutpie {about['versions']['nutpie']} [@nutpie2022]",
        "5 data sets as large as the original",
    ):
        assert said in text
    assert "Zaphod" not in text
    found = comparison(reported.alone, None, 1)
    assert found is not None
    text = " ".join(methods(reported.alone, compared=found.methods, within=True))
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
        "distribution that they describe stand for what is not known of the group: two times 50. "
        "Reported are means over these draws and 95 % intervals",
    ),
    "em-laplace": (
        "normal distribution of the group, on the scale of their link, whose numbers had no priors",
        "found by EM [@dempster1977], whose E-step took the mode and curvature",
        "Reported are means over these draws",
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
def test_methods_of_every_method(reported: Reported, name: str) -> None:
    text = " ".join(methods({"one": reported.every[name]}, within=False))
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


def test_what_is_the_same_for_everybody_is_not_each_participants(reported: Reported) -> None:
    """The model has alpha, beta and w; of w's four coefficients two say something of people."""
    small = MODEL.fix(name="small", lam=1.0, stimulus_stickiness=0.0)
    frame = reported.data.frame
    ages = dict(zip(frame["participant"].unique(), range(20, 60, 5), strict=True))
    data = mc.Choices(frame.assign(age=frame["participant"].map(ages)), reported.data.task)
    options = {"method": "em", "importance": 100, "chains": 2, "draws": 50, "seed": 1}
    fit = mc.fit(small, data, formulas={"w": "load * scale(age)"}, **options)  # type: ignore[arg-type]
    text = " ".join(methods({"one": fit}, within=False))
    assert "each participant has four free parameters" in text
    assert "`w_scale(age)` and `w_load:scale(age)` are the same for everybody" in text


def test_missed_trials_are_counted(reported: Reported) -> None:
    frame = reported.data.frame.copy()
    frame.loc[[3, 77], "first_choice"] = np.nan
    missed = replace(
        mc.read_choices(frame, reported.data.task),
        left_out={"participants below 50% of secondary answers right (Zaphod1, ...)": 4},
    )
    text = methods(reported.alone, missed, within=False)[0]
    assert "Of the trials 2 were missed." in text
    assert text.endswith(
        "Not counted are, besides, 4 participants below 50% of secondary answers right."
    )


def test_priors_of_laplace_are_those_that_it_used(reported: Reported) -> None:
    fit = reported.every["laplace"]
    used = Individuals(Scoring.of(fit.model, reported.data)).prior()
    found = priors(fit)
    assert [p.mean for p in found.values()] == pytest.approx(used.mean.tolist())
    assert [p.variance for p in found.values()] == pytest.approx(np.diag(used.covariance).tolist())


def test_replaced_priors_are_reported(reported: Reported) -> None:
    own = {"w": mc.Prior("beta", 2.0, 3.0)}
    fit = mc.fit(mc.models.HYBRID_KOOL, reported.data, method="map", priors=own, starts=1, seed=1)
    assert priors(fit)["w"] == own["w"]
    assert (
        "Beta(2, 3) (95 % between 0.068 and 0.81) for `w`" in methods({"one": fit}, within=False)[1]
    )


def test_maximum_likelihood_has_bounds_in_place_of_priors(reported: Reported) -> None:
    options = {"method": "mle", "formulas": {"w": "1 + load"}, "starts": 1, "seed": 1}
    fit = mc.fit(MODEL, reported.data, **options)  # type: ignore[arg-type]
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


def test_references_are_whole(reported: Reported) -> None:
    for reference in references().values():
        wanted = {"author", "title", "year"}
        if reference.kind == "article":
            wanted |= {"journal", "volume", "pages"}
        assert wanted <= set(reference.fields), reference.key
        assert reference.doi or "url" in reference.fields or reference.key == "metacontrol2026"
        assert reference.bibtex.count("{") == reference.bibtex.count("}")
    written = (reported.page.parent / "references.bib").read_text(encoding="utf-8")
    keys = set(re.findall(r"^@\w+\{(\w+),$", written, re.MULTILINE))
    text = (reported.page.parent / "methods.md").read_text(encoding="utf-8")
    assert set(re.findall(r"@(\w+)", text)) <= keys
    assert keys == set(re.findall(r'href="#([a-z]+\d{4}[a-z]*)"', reported.page.read_text("utf-8")))
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
