"""The report: one page that needs nothing else, and its figures, tables, methods, references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from metacontrol.analysis.weight import has_weight, participant_weights, undivided
from metacontrol.fitting.result import Fit
from metacontrol.fitting.same_choices import as_fitted, must_be_same
from metacontrol.reporting import sections
from metacontrol.reporting.blocks import Block, Figure, Section, Table, Text, listed, number
from metacontrol.reporting.comparing import comparison
from metacontrol.reporting.estimation import METHODS, checks, count_word
from metacontrol.reporting.group import group
from metacontrol.reporting.methods import methods, people
from metacontrol.reporting.predictions import predicted
from metacontrol.reporting.references import cited, to_html
from metacontrol.reporting.weights import changing_weight, weight
from metacontrol.tasks.choices import Choices
from metacontrol.tasks.files import whole_file, whole_folder

PAGE = "report.html"
FILES = (PAGE, "methods.md", "references.bib", "figures", "tables")


def report(
    fits: Fit | Sequence[Fit] | Mapping[str, Fit],
    data: Choices | None = None,
    *,
    out: str | Path,
    draws: int = 100,
    seed: int | None = None,
) -> Path:
    """Write a report of one fit, or of several fits of the same choices.

    Parameters
    ----------
    fits : Fit, sequence of Fit, or mapping of str to Fit
        What to report; fits are called by their models' names, or by those given. Two or more
        by the same method are compared: by AIC and BIC, evidence, integrated BIC, or how well they
        predict all choices of a new person, which needs the data.
    data : Choices, optional
        The choices that were fitted: for the predictive check, and for weights that change from
        trial to trial.
    out : path
        Folder, made if not there. It is written whole or not at all, in place of an older report.
    draws : int
        Data sets simulated for the predictive check, and draws of the posterior for latents.
    seed : int, optional
        Seed of simulation; by default the first fit's own.

    Returns
    -------
    Path
        Of `report.html`, which needs no other file and no network. Beside it are `figures/` (PDF,
        SVG, PNG), `tables/` (CSV), `methods.md` with citations for Pandoc, and `references.bib`.
        Participants are named in `tables/*participant*.csv` only.

    Raises
    ------
    ValueError
        If there is no fit, the same fit is there twice, fits or choices are of other participants
        or trials, or draws are below 1.
    FileExistsError
        If the folder holds something that is not an older report.
    """
    if draws < 1:
        raise ValueError(f"draws must be 1 or more, got {draws}")
    named = _named(fits)
    _must_be_several(named)
    first = next(iter(named.values()))
    must_be_same({name: fit.digest for name, fit in named.items()})
    for name, fit in named.items():
        if fit.task != first.task:
            raise ValueError(f"a report is of one task: {name}'s is another than the first fit's")
    data = None if data is None else as_fitted(first, data)
    seed = int(first.about["settings"]["seed"]) if seed is None else seed
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(out, holds=FILES) as folder:
        _write(folder, named, data, draws, seed)
    return Path(out) / PAGE


def _write(
    folder: Path, named: Mapping[str, Fit], data: Choices | None, draws: int, seed: int
) -> None:
    """Write a report into an empty folder."""
    told: dict[type, str] = {}  # under which name a kind of model has its equations
    found = []
    for name, fit in named.items():
        above = told.setdefault(type(fit.model), name)
        found.append(_section(name, fit, data, draws, seed, above, alone=len(named) == 1))
    doubts = [_doubt(name, fit) for name, fit in named.items() if not fit.doubts.empty]
    rivals = comparison(named, data, seed)
    parts = found[0][0].sections if len(named) == 1 else [section for section, _ in found]
    said = [sentence for _, sentence in found]
    if rivals:
        parts, said = [rivals.section, *parts], [rivals.sentence, *said]
    blocks = list(_blocks(parts))
    figures = [block for block in blocks if isinstance(block, Figure)]
    tables = [block for block in blocks if isinstance(block, Table)]
    paragraphs = methods(
        named,
        data,
        simulated=draws * any("predictive_stay" in figure.name for figure in figures),
        compared=rivals.methods if rivals else "",
        within=any("within-participant" in figure.caption for figure in figures),
    )
    shown = [*paragraphs, *(block.text for block in blocks if isinstance(block, Text))]
    shown += [figure.caption for figure in figures] + [table.caption for table in tables]
    sources = cited(shown)
    for name in ("figures", "tables"):
        (folder / name).mkdir()
    for table in tables:
        with whole_file(folder / f"tables/{table.name}.csv") as file:
            table.frame.to_csv(file, index=False)
    page = _page(
        title=_title(named),
        doubts=doubts,
        said=said,
        parts=parts,
        images={figure.name: figure.draw(folder / "figures") for figure in figures},
        numbers=_numbers(figures, [table for table in tables if table.columns]),
        paragraphs=paragraphs,
        sources=sources,
        figures=figures,
        tables=tables,
    )
    texts = {
        PAGE: page,
        "methods.md": "\n\n".join(["# Methods", *paragraphs, "# References"]) + "\n",
        "references.bib": "\n\n".join(source.bibtex for source in sources) + "\n",
    }
    for name, text in texts.items():
        with whole_file(folder / name) as file:
            file.write_text(text, encoding="utf-8")


def _section(
    name: str, fit: Fit, data: Choices | None, draws: int, seed: int, told: str, *, alone: bool
) -> tuple[Section, str]:
    """Return what is said of one fit, and its main sentence."""
    prefix = "" if alone else "".join(c if c.isalnum() else "-" for c in name) + "_"
    about_group = group(fit, prefix)
    parts: list[Section | None] = [sections.trust(fit, prefix), about_group]
    sentence = ""
    if has_weight(fit.model) and (why := undivided(fit)):
        parts.append(Section("Weight of planning", [Text(why, warning=True)]))
    elif has_weight(fit.model) and len(set(participant_weights(fit)["weight"])) > 1:
        section, sentence = weight(fit, prefix)
        parts.append(section)
    if data is not None:
        parts.append(changing_weight(fit, data, draws, prefix))
        parts.append(predicted(fit, data, draws, seed, prefix))
    parts.append(sections.model(fit, prefix, told if told != name else None))
    checked = checks(fit)["ok"]
    bad = int(np.sum(~checked))
    verdict = f"{_not_as_wanted(bad, len(checked))}." if bad else "All diagnostics are as wanted."
    together = "all participants together" if fit.sampled else "each participant alone"
    own = fit.model.name
    lead = (
        f"{'' if name == own else f'**{name}.** '}The model `{own}` was fitted to {together}, by "
        f"{METHODS.get(fit.method, fit.method)}."
    )
    people = Table(f"{prefix}participants", "Participants' parameters.", fit.participants)
    about_group.blocks.append(people)
    kept = [part for part in parts if part is not None]
    return Section(name, [], kept), " ".join(filter(None, [lead, sentence, verdict]))


def _doubt(name: str, fit: Fit) -> str:
    """Return the warning before all else where a fit's diagnostics put its numbers in doubt."""
    checked = checks(fit)["ok"]
    return (
        f"**{name}.** {_not_as_wanted(int(np.sum(~checked)), len(checked))}: do not use these "
        "numbers before they are. What to do is said under “Can it be trusted?”."
    )


def _not_as_wanted(bad: int, checked: int) -> str:
    return (
        f"{count_word(bad).capitalize()} of {count_word(checked)} diagnostics "
        f"{'is' if bad == 1 else 'are'} not as wanted"
    )


def _blocks(parts: Sequence[Section]) -> Iterator[Block]:
    for part in parts:
        yield from part.blocks
        yield from _blocks(part.sections)


def _numbers(figures: list[Figure], tables: list[Table]) -> dict[tuple[str, str], int]:
    """Return the number of each figure and table, by kind and name."""
    several: tuple[Sequence[Figure | Table], ...] = (figures, tables)
    return {(b.kind, b.name): i for some in several for i, b in enumerate(some, 1)}


def _page(**content: Any) -> str:
    environment = Environment(
        loader=PackageLoader("metacontrol.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cite"] = to_html
    return environment.get_template("page.html").render(**content)


def _title(named: Mapping[str, Fit]) -> dict[str, str]:
    fit = next(iter(named.values()))
    data = fit.about["data"]
    return {
        "models": listed(list(named)),
        "task": fit.task.name,
        "size": f"{people(fit).removesuffix(',')}, {number(data['trials'])} trials",
        "version": fit.about["versions"]["metacontrol"],
    }


def _must_be_several(named: Mapping[str, Fit]) -> None:
    """Raise ValueError if two fits are one: of the same run."""
    runs: dict[str, str] = {}
    for name, fit in named.items():
        if (run := fit.tree.attrs.get("run", name)) in runs:
            raise ValueError(f"{runs[run]} and {name} are the same fit")
        runs[run] = name


def _named(fits: Fit | Sequence[Fit] | Mapping[str, Fit]) -> dict[str, Fit]:
    """Return fits by name: the model's; where two are alike, with method or number."""
    if isinstance(fits, Mapping):
        named = dict(fits)
    else:
        several = [fits] if isinstance(fits, Fit) else list(fits)
        names = [fit.about["model"]["name"] for fit in several]
        if len(set(names)) < len(names):
            names = [f"{n} by {fit.method}" for n, fit in zip(names, several, strict=True)]
        if len(set(names)) < len(names):
            names = [f"{name}, fit {i}" for i, name in enumerate(names, 1)]
        named = dict(zip(names, several, strict=True))
    if not named:
        raise ValueError("a report needs a fit, got none")
    return named
