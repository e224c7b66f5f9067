"""The hierarchical model: its density, its gradient, its variables."""

from __future__ import annotations

from tempfile import gettempdir

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest
import scipy.stats
from full_disk import full_disk

import metacontrol as mc
from metacontrol.fitting.group import assemble
from metacontrol.fitting.hierarchy import Hierarchy
from metacontrol.fitting.individuals import Individuals
from metacontrol.fitting.information import quick_pass
from metacontrol.fitting.priors import check_regressors, group_priors
from metacontrol.fitting.sampling import compiled
from metacontrol.models.scoring import Scoring

TOLERANCE = 1e-6  # PyMC's constants of normalisation are single precision: 2e-8 for each prior


@pytest.fixture(scope="module")
def data() -> mc.Choices:
    rng = np.random.default_rng(5)
    n = 6
    true = pd.DataFrame(
        {
            "alpha1": 0.5,
            "alpha2": 0.4,
            "beta1": rng.uniform(2, 6, n),
            "beta2": 3.0,
            "lam": 0.6,
            "p": 0.1,
            "w_Intercept": rng.normal(0.5, 0.5, n),
            "w_load": -1.0,
        }
    )
    data = mc.simulate(mc.models.HYBRID, mc.tasks.OTTO_2013, true, trials=40, seed=1)
    age = data.frame["participant"].map({f"s{i + 1}": i / 5 for i in range(n)})
    return mc.read_choices(data.frame.assign(age=age), data.task)


def test_log_density_is_priors_plus_likelihood(data: mc.Choices) -> None:
    formulas = {"w": "1 + load"}
    model = mc.build_model(mc.models.HYBRID, data, formulas=formulas)
    rng = np.random.default_rng(1)
    point = {k: rng.normal(0, 0.5, np.shape(v)) for k, v in model.initial_point().items()}
    expected = 0.0
    table: dict[str, np.ndarray] = {}
    coefficients = list(model.coords["coefficient"])
    for parameter in mc.models.HYBRID.parameters:
        names = ["w_Intercept", "w_load"] if parameter.name == "w" else [parameter.name]
        for name in names:
            mean, log_sd = point[f"{name}_mean"], point[f"{name}_sd_log__"]
            prior = parameter.group_mean.arguments if name != "w_load" else (0.0, 1.0)
            scale = parameter.group_sd.arguments[0] if name != "w_load" else 0.5
            expected += scipy.stats.norm.logpdf(mean, *prior)
            expected += scipy.stats.halfnorm.logpdf(np.exp(log_sd), scale=scale) + log_sd
            z = point["z"][:, coefficients.index(name)]
            expected += scipy.stats.norm.logpdf(z).sum()
            value = mean + np.exp(log_sd) * z
            table[name] = value if len(names) == 2 else parameter.link.inverse(value)
    frame = pd.DataFrame(table).assign(participant=data.participants)
    expected += mc.log_likelihood(mc.models.HYBRID, data, frame)["total"].sum()
    assert model.compile_logp(mode="JAX")(point) == pytest.approx(expected, abs=TOLERANCE)


def test_gradient_is_that_of_the_density(data: mc.Choices) -> None:
    model = mc.build_model(mc.models.HYBRID, data)
    density, slope = model.compile_logp(mode="JAX"), model.compile_dlogp(mode="JAX")
    point = model.initial_point()
    names = [value.name for value in model.value_vars]
    flat = np.asarray(slope(point))
    position = 0
    for name in names:
        size = np.size(point[name])
        for i in range(min(size, 2)):
            step = np.zeros(np.shape(point[name]))
            step.flat[i] = 1e-5
            up, down = ({**point, name: np.asarray(point[name]) + s * step} for s in (1, -1))
            numeric = float(density(up) - density(down)) / 2e-5
            assert flat[position + i] == pytest.approx(numeric, rel=1e-5, abs=1e-5)
        position += size


def test_any_share_of_centring_is_the_same_model(data: mc.Choices) -> None:
    plain = mc.build_model(mc.models.HYBRID, data)
    share = np.array([0.0, 0.2, 0.5, 0.7, 0.9, 1.0])
    moved = mc.build_model(mc.models.HYBRID, data, centring={"beta2": share})
    point = plain.initial_point()
    column = list(plain.coords["coefficient"]).index("beta2")
    point["z"][:, column] = np.linspace(-1, 1, 6)
    point["beta2_sd_log__"] = np.array(-0.4)
    sd = np.exp(-0.4)
    there = {**point, "z": point["z"].copy()}
    there["z"][:, column] = share * point["beta2_mean"] + sd**share * point["z"][:, column]
    shift = share.sum() * np.log(sd)  # the volume, stretched
    here = float(plain.compile_logp(mode="JAX")(point))
    assert here == pytest.approx(
        float(moved.compile_logp(mode="JAX")(there)) + shift, abs=TOLERANCE
    )
    with pytest.raises(ValueError, match="no coefficient is called gamma; known: alpha1"):
        mc.build_model(mc.models.HYBRID, data, centring={"gamma": 1.0})


def test_coordinates_of_few_people_do_not_rely_on_the_group_that_was_found(
    data: mc.Choices,
) -> None:
    scoring = Scoring.of(mc.models.HYBRID, data)
    known = quick_pass(Individuals(scoring), group_priors(scoring.story), seed=1)
    z, sd = np.random.default_rng(1).normal(size=(6, 7)), np.full((6, 7), 0.3)
    departures, volume = known.departures(*map(pt.as_tensor, (z, known.expected + 1, sd)))
    np.testing.assert_allclose(departures.eval(), z)
    assert float(volume.eval()) == 0


def test_coordinates_that_know_the_choices_are_the_same_model(
    data: mc.Choices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The density of coefficients and group is the plain model's, but for a constant."""
    monkeypatch.setattr("metacontrol.fitting.information.SURE", np.inf)  # six people are few
    scoring = Scoring.of(mc.models.HYBRID, data, {"w": "1 + load + age"})
    people, priors = Individuals(scoring), group_priors(scoring.story)
    known, hierarchy = quick_pass(people, priors, seed=1), Hierarchy.of(people)
    assert (known.sharpness > 0).any(axis=0).all()
    plain, informed = assemble(people, priors), assemble(people, priors, known)
    names = list(people.names)
    rng = np.random.default_rng(3)
    apart = []
    for _ in range(3):
        z, shifts = rng.normal(0, 0.5, (6, len(names))), iter(rng.normal(0, 0.2, 20))
        mean = {n: known.group[f"{n}_mean"] + next(shifts) for n in scoring.story.coefficients}
        log_sd = np.array([np.log(known.group[f"{n}_sd"]) + next(shifts) for n in names])
        group = {f"{n}_mean": np.array(value) for n, value in mean.items()}
        group |= {f"{n}_sd_log__": value for n, value in zip(names, log_sd, strict=True)}
        expected = hierarchy.means(np.array([*mean.values(), *log_sd]))
        sd = np.tile(np.exp(log_sd), (6, 1))
        departures, volume = known.departures(*map(pt.as_tensor, (z, expected, sd)))
        there = plain.compile_logp(mode="JAX")({**group, "z": departures.eval()})
        here = informed.compile_logp(mode="JAX")({**group, "z": z})
        apart.append(float(here) - float(there) - float(volume.eval()))
    assert np.ptp(apart) < TOLERANCE


def test_a_column_constant_within_participants_has_no_spread_of_its_own(data: mc.Choices) -> None:
    model = mc.build_model(mc.models.HYBRID, data, formulas={"w": "1 + load + age"})
    names = {variable.name for variable in model.free_RVs}
    assert {"w_age_mean", "w_load_sd"} <= names
    assert "w_age_sd" not in names
    assert "w_load" in model.coords["coefficient"]
    assert "w_age" not in model.coords["coefficient"]


def test_people_of_a_group_differ_or_the_formula_is_refused(data: mc.Choices) -> None:
    with pytest.raises(ValueError, match=r"w has w_age, the same .* Write 1 in place of 0"):
        mc.build_model(mc.models.HYBRID, data, formulas={"w": "0 + load + age"})


@pytest.mark.parametrize(
    ("formula", "advice"),
    [
        ("1 + years", r"w_years goes from 20 to 70, .* write scale\(years\) in the formula for w"),
        ("1 + share", r"write scale\(share\) in .*; by map or nuts .* \(w_share_mean\)"),
        ("1 + I(age * 0.01)", r"write scale\(I\(age \* 0.01\)\) in"),
        ("1 + poly(age, 2)", r"w_poly\(age, 2\)\[1\] .* write scale\(poly\(age, 2\)\) in"),
        ("load * share", r"w_share goes"),
        ("load + load:share", r"write scale\(...\) around the columns of load:share in"),
    ],
)
def test_columns_far_from_unit_size_are_refused(
    data: mc.Choices, formula: str, advice: str
) -> None:
    frame = data.frame.assign(years=20 + 50 * data.frame["age"], share=0.3 * data.frame["age"])
    aged = mc.read_choices(frame, data.task)
    with pytest.raises(ValueError, match=advice):
        mc.fit(mc.models.HYBRID, aged, formulas={"w": formula}, method="em", seed=1)


@pytest.mark.parametrize("term", ["years", "share", "I(age * 0.01)", "poly(age, 2)"])
def test_scale_makes_a_column_of_any_size_fit(data: mc.Choices, term: str) -> None:
    frame = data.frame.assign(years=20 + 50 * data.frame["age"], share=0.3 * data.frame["age"])
    scoring = Scoring.of(
        mc.models.HYBRID, mc.Choices(frame, data.task), {"w": f"1 + scale({term})"}
    )
    check_regressors(scoring, group=True)


def test_a_slope_with_a_prior_of_its_own_is_of_any_size(data: mc.Choices) -> None:
    """Not by em, whose standard errors of slopes are at most 1."""
    small = mc.Choices(data.frame.assign(share=0.3 * data.frame["age"]), data.task)
    formulas, wide = {"w": "1 + share"}, {"w_share_mean": mc.Prior("normal", 0.0, 5.0)}
    mc.build_model(mc.models.HYBRID, small, formulas=formulas, priors=wide)
    with pytest.raises(ValueError, match="w_share goes from 0 to 0.3"):
        mc.build_model(
            mc.models.HYBRID, small, formulas=formulas, priors={"w_share_sd": wide["w_share_mean"]}
        )
    with pytest.raises(ValueError, match="w_share goes from 0 to 0.3"):
        mc.fit(mc.models.HYBRID, small, formulas=formulas, priors=wide, method="em", seed=1)


@pytest.mark.parametrize(
    ("formula", "advice"),
    [
        ("1 + load:C(group)", r"rename the level 'Größe: 2/3' of C\(group\)$"),
        ("1 + group", "rename the level 'Größe: 2/3' of group$"),
        ("1 + I(load / 2)", r"w_I\(load / 2\) .* make a column of that term beforehand$"),
    ],
)
def test_names_that_no_file_can_hold_are_refused(
    data: mc.Choices, formula: str, advice: str
) -> None:
    levels = np.where(data.frame["age"] > 0, "Größe: 2/3", "Größe: 1")
    grouped = mc.read_choices(data.frame.assign(group=levels), data.task)
    with pytest.raises(ValueError, match=advice):
        mc.fit(mc.models.HYBRID, grouped, formulas={"w": formula}, method="em", seed=1)


@pytest.mark.parametrize("formula", ["1 + same", "load + twice", "load + C(group) + age + older"])
def test_terms_that_are_sums_of_others_are_refused(data: mc.Choices, formula: str) -> None:
    frame = data.frame.assign(same=3.0, twice=2 * data.frame["load"])
    frame["older"], frame["group"] = frame["age"] + 1.0, np.where(frame["age"] > 0, "a", "b")
    name = "w_" + formula.split(" + ")[-1]
    with pytest.raises(ValueError, match=f"{name} cannot be told from the other terms"):
        mc.build_model(mc.models.HYBRID, mc.Choices(frame, data.task), formulas={"w": formula})


def test_priors_are_replaced_by_name(data: mc.Choices) -> None:
    model = mc.build_model(mc.models.HYBRID, data, priors={"w_mean": mc.Prior("normal", 2.0, 0.1)})
    density = model.compile_logp(vars=[model["w_mean"]], mode="JAX")
    point = model.initial_point() | {"w_mean": np.array(2.0)}
    assert density(point) == pytest.approx(scipy.stats.norm.logpdf(2.0, 2.0, 0.1))


def test_the_likelihood_stands_in_any_pymc_model(data: mc.Choices) -> None:
    score, names = mc.log_likelihood_op(mc.models.HYBRID, data)
    assert names == ("alpha1", "alpha2", "beta1", "beta2", "lam", "p", "w")
    with pm.Model() as model:
        w = pm.Beta("w", 2, 2)
        others = [0.5, 0.4, 4.0, 3.0, 0.6, 0.1]
        row = pt.stack([*(np.float64(x) for x in others), w])
        pm.Potential("choices", score(pt.tile(row[None, :], (6, 1))).sum())
    logit = 0.3
    value = 1 / (1 + np.exp(-logit))
    table = pd.DataFrame([dict(zip(names, [*others, value], strict=True))])
    expected = mc.log_likelihood(mc.models.HYBRID, data, table)["total"].sum()
    expected += scipy.stats.beta.logpdf(value, 2, 2) + np.log(value * (1 - value))
    got = model.compile_logp(mode="JAX")({"w_logodds__": np.array(logit)})
    assert got == pytest.approx(expected, abs=TOLERANCE)


def test_sampling_starts_from_variables_that_there_are(data: mc.Choices) -> None:
    """A column that does not vary within people has a mean, but no spread."""
    scoring = Scoring.of(mc.models.HYBRID, data, {"w": "1 + age"})
    own, priors = Individuals(scoring), group_priors(scoring.story)
    start = quick_pass(own, priors, seed=1).start()
    assert set(start) == {v.name for v in assemble(own, priors).free_RVs} - {"z"}
    assert {"w_age_mean", "w_Intercept_sd"} <= set(start)


def test_a_full_temporary_folder_is_named() -> None:
    """PyTensor writes the code that it makes there, and says nothing of where."""
    with pm.Model() as model:
        pm.Normal("x")
    message = rf"cannot write a temporary file in {gettempdir()}: File too large \(TMPDIR"
    with full_disk(10), pytest.raises(OSError, match=message):
        compiled(model)
