"""What a report cites: entries of references.bib, found by key or by a model's or task's source."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

_ENTRY = re.compile(r"@(\w+)\{(\w+),\n(.*?)\n\}", re.DOTALL)
_FIELD = re.compile(r"^\s*(\w+) = \{(.*)\},$", re.MULTILINE)
_CITED = re.compile(r"\[(@\w+(?:; @\w+)*)\]|@(\w+)")


@dataclass(frozen=True)
class Reference:
    """An entry of references.bib: its key, kind and fields, and its own text."""

    key: str
    kind: str
    fields: dict[str, str]
    bibtex: str

    @property
    def authors(self) -> list[tuple[str, str]]:
        """Family name and initials of each author; organizations have no initials."""
        found = []
        for name in self.fields["author"].split(" and "):
            family, _, given = name.partition(", ")
            initials = re.sub(r"(\w)[^\s-]*", r"\1.", given)  # Jean-Luc P. -> J.-L. P.
            found.append((_plain(family), initials))
        return found

    @property
    def doi(self) -> str:
        """The DOI, or nothing."""
        return self.fields.get("doi", "")

    @property
    def who(self) -> str:
        """Authors as they are cited: both of two, `et al.` for more."""
        names = [family for family, _ in self.authors]
        if len(names) < 3:
            return " & ".join(names)
        alike = [
            other
            for other in references().values()
            if len(other.authors) > 2
            and (other.authors[0], other.fields["year"]) == (self.authors[0], self.fields["year"])
        ]
        return f"{', '.join(names[: 2 if len(alike) > 1 else 1])}{',' * (len(alike) > 1)} et al."

    def html(self) -> Markup:
        """Return the entry of a reference list, in the manner of APA."""
        names = [f"{family}, {initials}".rstrip(", ") for family, initials in self.authors]
        if len(names) > 20:
            names = [*names[:19], f"… {names[-1]}"]
        elif len(names) > 1:
            names[-1] = f"& {names[-1]}"
        text = escape(f"{', '.join(names)} ({self.fields['year']}). ")
        title = _plain(self.fields["title"])
        end = "" if title.endswith("?") else "."
        if self.kind == "software":
            text += Markup("<cite>{}</cite> [Computer software].").format(title)
        else:
            where = self.fields.get("journal") or self.fields.get("booktitle")
            text += escape(f"{title}{end} ")
            if where:
                text += Markup("<cite>{}</cite>").format(_plain(where))
            else:
                text += escape(self.fields["howpublished"])
            if "volume" in self.fields:
                text += Markup(", <cite>{}</cite>").format(self.fields["volume"])
            if "number" in self.fields:
                text += f"({self.fields['number']})"
            if "pages" in self.fields:
                text += f", {_plain(self.fields['pages'])}"
            text += "."
        address = f"https://doi.org/{self.doi}" if self.doi else self.fields.get("url")
        return text + (Markup(' <a href="{0}">{0}</a>').format(address) if address else "")


@cache
def references() -> dict[str, Reference]:
    """Return all entries by key."""
    text = files("metacontrol.reporting").joinpath("references.bib").read_text(encoding="utf-8")
    return {
        match[2]: Reference(match[2], match[1], dict(_FIELD.findall(match[3])), match[0])
        for match in _ENTRY.finditer(text)
    }


def references_of(source: str) -> list[Reference]:
    """Return the entries that a model's or task's source names: by DOI, else by name and year.

    Examples
    --------
    >>> [r.key for r in references_of("Daw et al. (2011), doi:10.1016/j.neuron.2011.02.027")]
    ['daw2011']
    """
    if "doi:" in source:
        return [r for r in references().values() if r.doi and f"doi:{r.doi}" in source]
    return [
        r
        for r in references().values()
        if all(family in source for family, _ in r.authors) and f"({r.fields['year']})" in source
    ]


def cited(texts: Iterable[str]) -> list[Reference]:
    """Return the entries that texts cite as `@key`, in alphabetical order."""
    keys = {key for text in texts for key in re.findall(r"@(\w+)", text)}
    known = [references()[key] for key in keys if key in references()]
    return sorted(known, key=lambda r: (r.authors, r.fields["year"]))


def to_html(text: str) -> Markup:
    """Return a text as HTML: `[@key; @key]` becomes a citation, backticks code, stars bold.

    Examples
    --------
    >>> to_html("`w` < 1 [@akaike1974]")
    Markup('<code>w</code> &lt; 1 (<a href="#akaike1974">Akaike, 1974</a>)')
    """
    for plain, shown in (
        ("'", "’"),
        ("R-hat", "R‑hat"),
        ("-BFMI", "‑BFMI"),
        ("L-BFGS-B", "L‑BFGS‑B"),
    ):
        text = text.replace(plain, shown)
    html = str(escape(text))
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", html)
    html = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html)
    return Markup(_CITED.sub(_citation, html))


def _citation(match: re.Match[str]) -> str:
    keys = re.findall(r"@(\w+)", match[0])
    if any(key not in references() for key in keys):
        return match[0]
    bracketed = match[1] is not None
    shape = '<a href="#{0.key}">{1}, {2}</a>' if bracketed else '<a href="#{0.key}">{1} ({2})</a>'
    links = [
        shape.format(r, escape(r.who), r.fields["year"])
        for r in map(references().__getitem__, keys)
    ]
    return f"({'; '.join(links)})" if bracketed else links[0]


def _plain(value: str) -> str:
    """Return a BibTeX value as text."""
    for written, shown in (("---", "—"), ("--", "–"), ("\\&", "&"), ("'", "’")):
        value = value.replace(written, shown)
    return re.sub(r"[{}]", "", value)
