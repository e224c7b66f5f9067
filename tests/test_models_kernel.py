"""Machine code: it says what JAX says, and what it cannot say XLA does."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from contracts import adapted

import metacontrol as mc
from metacontrol.models import HYBRID, MODELS, UNCERTAINTY_HARD, Model
from metacontrol.models.engine import foreign, kernel, replay
from metacontrol.models.engine.elementary import PRELUDE
from metacontrol.models.engine.mind import Mind
from metacontrol.models.engine.vocabulary import REAL, WIDTH, Text, UnsaidError
from metacontrol.models.hybrid import Hybrid
from metacontrol.models.scoring import Scoring
from metacontrol.tasks import (
    DAW_2011,
    HUYS_2012,
    KERAMATI_2016,
    KOOL_2016_DETERMINISTIC,
    KOOL_2017_STOCHASTIC,
    LEE_2014,
    Choices,
)

EDGES = [0.0, -0.0, 1e-300, -1e-17, 1e-5, 0.3465, -0.3466, 1.0, -1.0, 20.5, -700.0, 709.0]
BEYOND = [710.0, -800.0, 1e300, -1e300, np.inf, -np.inf, np.nan]


def said(function: Callable[..., Any], *arguments: np.ndarray) -> np.ndarray:
    """Apply a function to vectors of numbers as machine code of ours."""
    text = Text("v")
    names = [f"%in{i}" for i in range(len(arguments))]
    loaded = [text.say(f"load {REAL}, ptr {name}, align 8") for name in names]
    (result,) = text.tell(jax.make_jaxpr(function)(*[jnp.float64(0.5)] * len(names)), loaded)
    text.do(f"store {REAL} {result}, ptr %out, align 8")
    name = foreign.register(f"  {text}\n  ret ptr null", names, ["%out"], PRELUDE)
    call = jax.ffi.ffi_call(name, jax.ShapeDtypeStruct((WIDTH,), float))
    pieces = [np.resize(a, (-(-len(a) // WIDTH), WIDTH)) for a in arguments]
    found = [np.asarray(jax.jit(call)(*rows)) for rows in zip(*pieces, strict=True)]
    return np.concatenate(found)[: len(arguments[0])]


@pytest.mark.parametrize(
    "function",
    [
        jnp.exp,
        jnp.tanh,
        jnp.abs,
        jnp.log,
        jnp.log1p,
        jax.grad(lambda x: 3.0 * jnp.abs(x)),
        lambda x: jnp.sqrt(jnp.abs(x)),
        lambda x: x**3 - 2.0 * x**2,
        lambda x: 2.0 * x**-2,
        lambda x: 1.0 / (1.0 + jnp.exp(-x)),
        lambda x: jnp.where(x > 0.0, 2.0, x - 1.0),
        lambda x: jnp.where(~((x <= 1.0) & (x != -1.0)) | (x < -20.0), 1.0, 0.0),
        lambda x: (jnp.where(x >= 0.0, 3, -4) * 2 + (x == 1.0)).astype(jnp.int8) / 2.0,
        lambda x: x.astype(jnp.int32).astype(float),
        lambda x: jax.jit(lambda y: jax.nn.relu(y) + 1.0)(x),
        jax.grad(lambda x: jnp.maximum(x, 0.3465) * jnp.minimum(x, -1.0)),
    ],
)
def test_what_is_said_is_what_jax_computes(function: Callable[[Any], Any]) -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([EDGES, BEYOND, rng.normal(0, 1, 500), rng.uniform(-700, 700, 500)])
    expected = np.asarray(jax.jit(jax.vmap(function))(x))
    np.testing.assert_allclose(said(function, x), expected, rtol=3e-15, atol=1e-300)


def test_slope_of_a_bounded_function() -> None:
    x = np.concatenate([EDGES, BEYOND, np.random.default_rng(2).normal(0, 3, 500)])
    np.testing.assert_allclose(said(jax.grad(jnp.tanh), x), 1 - np.tanh(x) ** 2, atol=4e-16)


@pytest.mark.parametrize("function", [jnp.maximum, jnp.minimum, jnp.add, jnp.subtract, jnp.divide])
def test_two_arguments_and_nothing_hides_what_is_not_a_number(function: Callable) -> None:
    a, b = (grid.ravel() for grid in np.meshgrid([*EDGES, *BEYOND], [*EDGES, *BEYOND]))
    np.testing.assert_allclose(said(function, a, b), np.asarray(function(a, b)), rtol=1e-15)


@pytest.mark.parametrize(
    "function",
    [
        jnp.sin,
        lambda x: jnp.stack([x, x]).sum(),
        lambda x: jax.lax.fori_loop(0, 3, lambda _, y: 2.0 * y, x),
    ],
)
def test_what_the_vocabulary_has_no_word_for(function: Callable) -> None:
    with pytest.raises(UnsaidError):
        said(lambda x: function(x) * 1.0, np.ones(WIDTH))


def both_ways(model: Model, data: Choices, formulas: Any = None, spread: float = 1.0) -> None:
    """Compare value and gradient of machine code and XLA; they share the trial, not the loops."""
    scoring = Scoring.of(model, data, formulas)
    assert kernel.kernel(scoring.story, scoring.records) is not None
    shape = len(scoring.participants), len(scoring.story.coefficients)
    theta = np.random.default_rng(2).uniform(0.05, spread, shape)
    cotangent = np.linspace(-1, 2, shape[0])
    found = []
    for compiled in (True, False):
        score = replay.log_likelihood(scoring.story, scoring.records, compiled=compiled)
        value, pull = jax.vjp(jax.jit(score), theta)
        found.append((value, pull(cotangent)[0]))
        if compiled:  # has a loop of its own where no slopes are asked for
            np.testing.assert_allclose(jax.jit(score)(theta), value, rtol=1e-12)
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-10, atol=1e-11)
    assert np.abs(found[0][1]).max(axis=0).all()


@pytest.fixture(scope="module")
def ragged() -> Choices:
    """140 participants, two blocks, with 1 to 150 trials; every seventh trial was missed."""
    one = pd.DataFrame([dict(alpha1=0.5, alpha2=0.4, beta1=4.0, beta2=3.0, lam=0.6, p=0.1, w=0.5)])
    crowd = one.loc[[0] * 140].assign(participant=[f"s{i}" for i in range(140)])
    frame = mc.simulate(HYBRID, DAW_2011, crowd, trials=150, seed=3).frame
    person = frame["participant"].str[1:].astype(int)
    frame = frame[frame["trial"] <= 1 + (person * 37) % 150].reset_index(drop=True)
    missed = frame.index % 7 == 3
    frame.loc[missed, ["second_state", "second_choice", "reward"]] = np.nan
    return Choices(frame, DAW_2011, scored=(frame["trial"] != 2).to_numpy())


def test_loops_agree_on_people_with_few_and_many_trials(ragged: Choices) -> None:
    both_ways(HYBRID, ragged)


@pytest.mark.parametrize("link", ["logit", "log", "probit", "identity"])
def test_loops_agree_on_formulas(link: Any, ragged: Choices) -> None:
    parameters = tuple(
        replace(p, link=replace(p.link, name=link)) if p.name == "w" else p
        for p in HYBRID.parameters
    )
    both_ways(replace(HYBRID, parameters=parameters), ragged, {"w": "1 + trial"}, spread=0.2)


IN_WORDS = [m for m in MODELS if not m.simulate_only and m is not UNCERTAINTY_HARD]


@pytest.mark.parametrize("model", IN_WORDS, ids=lambda model: model.name)
def test_loops_agree_in_every_model(model: Model) -> None:
    task: Any = KERAMATI_2016 if model.needs else replace(KOOL_2017_STOCHASTIC, load="intermixed")
    if model.misfit(task):
        task = next(t for t in (replace(HUYS_2012, depths=(1, 2)), LEE_2014) if not model.misfit(t))
    model = adapted(model, task)
    theta = {p.name: np.array([0.2, 0.4, 0.6]) * min(1, p.link.bounds[1]) for p in model.free}
    both_ways(model, mc.simulate(model, task, pd.DataFrame(theta), seed=5))


def test_a_coefficient_that_is_not_a_number_is_not_hidden(ragged: Choices) -> None:
    scoring = Scoring.of(HYBRID, ragged)
    theta = np.full((140, 7), 0.5)
    theta[3, 2] = np.nan
    score = replay.log_likelihood(scoring.story, scoring.records)
    assert np.flatnonzero(np.isnan(score(theta))).tolist() == [3]


@dataclass(frozen=True)
class Wondering(Hybrid):
    """A hybrid whose values go through a function that the vocabulary has no word for."""

    def trial(self, theta: Any, mind: Mind, t: Any) -> Mind:
        """Tell one trial."""
        theta.beta1 = theta.beta1 + jnp.sin(mind.last_option)
        return super().trial(theta, mind, t)


def test_what_cannot_be_said_runs_in_xla(ragged: Choices) -> None:
    model = Wondering("wondering", HYBRID.source, HYBRID.parameters)
    scoring = Scoring.of(model, ragged)
    assert kernel.kernel(scoring.story, scoring.records) is None
    theta = np.random.default_rng(4).uniform(0.1, 1.0, (140, 7))
    total = jax.jit(replay.log_likelihood(scoring.story, scoring.records))(theta)
    by_choice = replay.log_likelihood_by_choice(scoring.story, scoring.records)(theta)
    np.testing.assert_allclose(total, sum(by_choice.values()), rtol=1e-12)


def test_stories_told_alike_share_their_machine_code(ragged: Choices) -> None:
    twins = [Scoring.of(replace(HYBRID, name=name), ragged) for name in ("one", "two")]
    scores = [replay.log_likelihood(s.story, s.records)(np.full((140, 7), 0.5)) for s in twins]
    np.testing.assert_array_equal(*scores)


def test_another_device_than_the_processor_is_left_to_xla(
    ragged: Choices, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring = Scoring.of(HYBRID, ragged)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert kernel.kernel(scoring.story, scoring.records) is None


def test_points_for_rewards_and_one_second_option() -> None:
    task = replace(KOOL_2016_DETERMINISTIC, instructed=True)
    one = {p.name: 0.5 for p in HYBRID.parameters}
    crowd = pd.DataFrame([{**one, "participant": f"s{i}"} for i in range(3)])
    both_ways(HYBRID.fix(beta2=1.0, name="h"), mc.simulate(HYBRID, task, crowd, trials=50, seed=1))
