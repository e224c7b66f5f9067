"""The methods of a paper, in Markdown with citations: what was fitted to what, how, and how well.

Keys such as `@daw2011` are those of references.bib, as Pandoc reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version
from inspect import cleandoc
from platform import python_version

import pandas as pd

from metacontrol.fitting.result import Fit
from metacontrol.models.model import Model
from metacontrol.reporting.blocks import listed, number
from metacontrol.reporting.estimation import (
    chains_of,
    count_word,
    estimation,
    without_names,
)
from metacontrol.reporting.priors import link_scale
from metacontrol.reporting.references import references_of
from metacontrol.tasks.choices import Choices

PLAIN = {  # words of tasks that say little outside of this package
    "common 0": "common transitions with probability 0",
    "not instructed": "transitions not told beforehand",
    "load intermixed": "load on half of the trials in random order",
    "load blocked": "load in blocks of trials",
}


def methods(
    fits: Mapping[str, Fit],
    data: Choices | None = None,
    *,
    simulated: int = 0,
    compared: str = "",
    within: bool,
) -> list[str]:
    """Return the paragraphs of the methods.

    Parameters
    ----------
    fits : mapping of str to Fit
        What is reported.
    data : Choices, optional
        The choices, to say how many were missed or left out.
    simulated : int
        Data sets simulated for the predictive check; 0 if there is none.
    compared : str
        How the fits were compared, if they were.
    within : bool
        Whether a figure has within-participant intervals.
    """
    first = next(iter(fits.values()))
    paragraphs = [_data(first, data)]
    for name, fit in fits.items():
        who = f"**{name}.** " if len(fits) > 1 else ""
        sentences = [_model(fit), _formulas(fit), *estimation(fit)]
        paragraphs.append(who + " ".join(filter(None, sentences)))
    checks = []
    if compared:
        checks.append(compared)
    if simulated:
        checks.append(
            f"For the predictive checks {number(simulated)} data sets as large as the original "
            f"were simulated from {'each' if len(fits) > 1 else 'the'} fit."
        )
    if within:
        checks.append("Intervals around changes are within participants [@morey2008].")
    if checks:
        paragraphs.append(" ".join(checks))
    paragraphs.append(_software(fits))
    return paragraphs


def of(source: str) -> str:
    """Return what a source says as part of a sentence, such as `of @daw2011`.

    Examples
    --------
    >>> of("ours, after Daw et al. (2011), doi:10.1016/j.neuron.2011.02.027")
    'of metacontrol, after @daw2011'
    """
    keys = [f"@{reference.key}" for reference in references_of(source)]
    if not keys:
        return f"({source})" if source else ""
    if source.startswith("ours"):
        return f"of metacontrol, after {listed(keys)}"
    return f"{'after' if source.startswith('after') else 'of'} {listed(keys)}"


def people(fit: Fit) -> str:
    """Return how many participants there were, and sessions if each was learned anew."""
    count = fit.about["data"]["participants"]
    if not fit.about["settings"].get("sessions"):
        return f"{number(count)} participants"
    names = {str(name).rpartition("/")[0] for name in fit.parameters.index}
    return f"{number(len(names))} participants, in {number(count)} sessions,"


def _data(fit: Fit, choices: Choices | None) -> str:
    data = fit.about["data"]
    about = fit.task.about
    for cryptic, plain in PLAIN.items():
        about = about.replace(cryptic, plain)
    said = (
        f"The data were the choices of {people(fit)} on "
        f"{number(data['trials'])} trials, not counting missed ones, of the task "
        f"`{fit.task.name}` {of(getattr(fit.task, 'source', ''))}: {about}. "
        "A trial with a missed choice was skipped wholly: nothing was learned from it, and the "
        "last choice stayed the one before."
    )
    if choices is None:
        return said
    counts = {"were missed": int((~choices.complete).sum())}
    if choices.scored is not None:
        counts["were learned from but not scored"] = int((choices.complete & ~choices.scored).sum())
    found = [f"{number(count)} {what}" for what, count in counts.items() if count]
    said += f" Of the trials {listed(found) or 'none was missed'}."
    gone = [f"{number(n)} {without_names(what)}" for what, n in choices.left_out.items()]
    return f"{said} Not counted are, besides, {listed(gone)}." if gone else said


def _model(fit: Fit) -> str:
    model = fit.model
    fixed = [
        f"`{name}` = {f'`{value}`' if isinstance(value, str) else number(value)}"
        for name, value in model.fixed
    ]
    meanings = [f"`{p.name}` ({_within(p.meaning)})" for p in model.free]
    count = len(fit.about["coefficients"]) - len(fit.shared)
    return (
        f"Choices were fitted with the model `{model.name}` {of(model.source)}"
        + (f", with {listed(fixed)} fixed" if fixed else "")
        + f"; each participant has {count_word(count)} free parameter{'s' * (count != 1)}. "
        + _idea(model)
        + f"Its parameters are {listed(meanings)}."
    )


def _idea(model: Model) -> str:
    """Return the first line of a model's docstring, unless it only says where the model is from."""
    line = cleandoc(type(model).__doc__ or "").split("\n")[0].replace("``", "`")
    only_source = "doi:" in line or re.search(r"\(\d{4}\)(,|:|$)", line)
    return "" if only_source or line.startswith(f"{type(model).__name__}(") else f"{line} "


def _within(sentence: str) -> str:
    """Return a sentence as part of another."""
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def _formulas(fit: Fit) -> str:
    return " ".join(
        f"On the {link_scale(fit.model.parameter(name).link)} scale `{name}` followed the formula "
        f"`{name} ~ {formula}`."
        for name, formula in fit.formulas.items()
    )


def _software(fits: Mapping[str, Fit]) -> str:
    versions = pd.DataFrame([fit.about["versions"] for fit in fits.values()])
    said = {name: listed(versions[name].dropna().unique().tolist()) for name in versions}
    parts = [
        f"metacontrol {said['metacontrol']} [@metacontrol2026]",
        f"JAX {said['jax']} [@jax2018], which works out likelihoods and their gradients",
    ]
    if any(map(chains_of, fits.values())):
        parts.append(f"PyMC {said['pymc']} [@pymc2023]")
        parts.append(f"nutpie {said['nutpie']} [@nutpie2022]")
    known = {name.lower() for name in said}
    wanted = {"Python": python_version(), "NumPy": version("numpy")}
    if any(fit.method in ("mle", "map") for fit in fits.values()):
        wanted["SciPy"] = f"{version('scipy')} [@scipy2020]"
    if any(map(chains_of, fits.values())):
        wanted["ArviZ"] = f"{version('arviz')} [@arviz2026]"
    now = [f"{name} {found}" for name, found in wanted.items() if name.lower() not in known]
    parts += [f"{name} {said[name.lower()]}" for name in wanted if name.lower() in known]
    sentence = f"Software when the models were fitted: {', '.join(parts)}"
    return sentence + (f"; when this was written: {', '.join(now)}." if now else ".")
