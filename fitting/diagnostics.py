"""Can a fit be trusted? Each check with what is wanted and what to do if it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from metacontrol.fitting.ascent import enough
from metacontrol.fitting.sessions import people_by_session

RHAT = 1.01
RHAT_OF_ONE = 1.05  # of a participant: among hundreds of parameters chance alone passes 1.01
ESS = 400  # 100 for each of four chains (Vehtari et al., 2021, doi:10.1214/20-BA1221)
BFMI = 0.3
EFFECTIVE = 50  # draws of a participant, when they are weighed
TAIL = 0.7  # Pareto k above which weighed draws cannot be trusted (Vehtari et al., 2024)
NOISE = 0.2  # of draws, in standard errors or posterior sds: adds 2 % to an error
MISLED = 0.5  # standard errors
LEANING = 5  # one person in so many: more would draw a parameter's mean to that of its prior
COLUMNS = ["check", "value", "wanted", "ok", "advice"]
# What choices leave open of some people, though all else is found: begins these checks.
OPEN = ("estimates that", "participants with an estimate at its bound")
Row = tuple[str, object, str, bool, str]
MORE_DRAWS = "raise importance"


def sampling_diagnostics(tree: xr.DataTree) -> pd.DataFrame:
    """Return the checks of a NUTS fit.

    R-hat and effective sample sizes are the worst over all of the group's variables. Participants
    are counted whose own chains disagree: a few among hundreds may fit in two ways.
    """
    posterior = tree["posterior"].to_dataset().drop_vars("log_likelihood", errors="ignore")
    group = posterior[[name for name in posterior if "participant" not in posterior[name].dims]]
    people = posterior[[name for name in posterior if "participant" in posterior[name].dims]]
    stats = tree["sample_stats"].to_dataset()
    diverging = int(stats["diverging"].sum())
    largest, rhat_of = _worst(rhat(group), largest=True)
    apart = _disagreeing(rhat(people))
    bulk, bulk_of = _worst(az.ess(group, method="bulk"), largest=False)
    tail, tail_of = _worst(az.ess(group, method="tail"), largest=False)
    bfmi = float(np.min(np.asarray(az.bfmi(tree)["energy"]))) if "energy" in stats else np.nan
    more = "sample longer (draws, tune)"
    rows = [
        (
            "divergent transitions",
            diverging,
            "0",
            diverging == 0,
            "raise target_accept towards 0.99, or set centring=0; if some stay, simplify the model "
            "or tighten priors",
        ),
        (
            f"largest R-hat ({rhat_of})",
            round(largest, 4),
            f"below {RHAT}",
            largest < RHAT,
            f"chains disagree: {more}, with 4 chains or more",
        ),
        (
            f"participants with R-hat above {RHAT_OF_ONE}" + _some(apart),
            len(apart),
            f"at most {people.sizes['participant'] // 100}",
            len(apart) <= people.sizes["participant"] // 100,
            f"do not lean on these participants' own estimates; if there are many, {more}",
        ),
        (
            f"smallest bulk ESS ({bulk_of})",
            _whole(bulk),
            f"{ESS} or more",
            bulk >= ESS,
            f"means are uncertain: {more}",
        ),
        (
            f"smallest tail ESS ({tail_of})",
            _whole(tail),
            f"{ESS} or more",
            tail >= ESS,
            f"ends of intervals are uncertain: {more}",
        ),
        (
            "smallest E-BFMI",
            round(bfmi, 3),
            f"above {BFMI}",
            bfmi > BFMI,
            "energies mix slowly: sample longer, or give spreads (_sd) tighter priors",
        ),
    ]
    return diagnostics_table(rows)


def point_diagnostics(tree: xr.DataTree) -> pd.DataFrame:
    """Return the checks of a fit of each participant alone."""
    estimates = tree["estimates"].to_dataset()
    converged = estimates["converged"].to_numpy()
    total = len(converged)
    searched = "agreeing" in estimates  # from several starts
    agreeing = estimates["agreeing"].to_numpy() if searched else np.full(total, 2)
    count = (~estimates["determined"]).sum("participant")
    rows: list[Row] = [
        (
            "participants whose best search did not converge",
            int((~converged).sum()),
            "0",
            bool(converged.all()),
            "raise starts" if searched else "do not lean on these participants' estimates",
        ),
        (
            "participants whose best end was reached once only",
            int((agreeing < 2).sum()),
            f"at most {total // 20}",
            int((agreeing < 2).sum()) <= total // 20,
            "it may not be the best there is: raise starts",
        ),
        (
            f"estimates that nothing determines{_some(_of_each(count))}",
            int(count.sum()),
            f"of each parameter at most {total // 20}",
            bool(count.max() <= total // 20),
            "leave them out (`determined` in fit.participants), or fit all people by nuts",
        ),
    ]
    if "at_bound" in estimates:  # a mode by laplace has none, nor have older fits
        rows.append(_bound_row(estimates["at_bound"]))
    if "informed" in estimates:  # by map
        count = (estimates["determined"] & ~estimates["informed"]).sum("participant")
        rows.append(
            (
                f"estimates that lean on the prior{_some(_of_each(count))}",
                int(count.sum()),
                f"of each parameter at most {total // LEANING}",
                bool(count.max() <= total // LEANING),
                "choices tell too little of them, their means are drawn to the prior's "
                "(`informed` in fit.participants): fit all people as a group",
            )
        )
    return diagnostics_table(rows)


def diagnostics_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return checks as a table in which counts stay whole numbers, whatever stands beside them."""
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.assign(value=pd.Series([row[1] for row in rows], dtype=object))


def _bound_row(at_bound: xr.DataArray) -> Row:
    """Return the check of estimates that only the end of the search held."""
    stuck = at_bound.any("coefficient")
    who = [str(name) for name in at_bound["participant"].to_numpy()[stuck]]
    which = ", ".join(_of_each(at_bound.sum("participant")))
    return (
        f"participants with an estimate at its bound{_some(who)}",
        len(who),
        "0",
        not who,
        f"{which + ': ' * bool(who)}the choices alone would drive it on without end, and means "
        "follow it: use map, or fit all people as a group",
    )


def weighing_diagnostics(tree: xr.DataTree) -> pd.DataFrame:
    """Return the checks of draws that were weighed, and of the group they were weighed for."""
    people, group = tree["importance"].to_dataset(), tree["maximum"].to_dataset()
    names = people["participant"].to_numpy()
    few = [str(name) for name in names[people["effective"] < EFFECTIVE]]
    heavy = [str(name) for name in names[people["pareto_k"] > TAIL]]
    noise, noise_of = _worst_of(group["noise"] / group["error"])
    distance, distance_of = _worst_of(abs(group["distance"]) / group["error"])
    smallest = f"smallest {float(people['effective'].min()):.0f}: "
    rows = weighing_rows(len(names), (len(few), _some(few)), (len(heavy), _some(heavy)), smallest)
    rows.append(noise_row(noise, noise_of))
    gain, wanted = float(group["gain"]), enough(group.sizes["variable"])
    rows.append(
        (
            "nats that the last draws added to the group's log-posterior",
            round(gain, 2),
            f"below {wanted:.1f}",
            gain < wanted,
            f"draws were still being made anew: {MORE_DRAWS}",
        )
    )
    if distance:
        rows.append(
            (
                f"standard errors by which modes mislead, at least ({distance_of})",
                round(distance, 2),
                f"below {MISLED}",
                distance < MISLED,
                "with few trials posteriors are skewed and their modes are not their means, which "
                "does not average out over participants: use method='em'",
            )
        )
    return diagnostics_table(rows)


def weighing_rows(
    people: int, few: tuple[int, str], heavy: tuple[int, str], smallest: str = ""
) -> list[Row]:
    """Return the checks of participants' weighed draws: of whom there are too few, or too uneven.

    Parameters
    ----------
    people : int
        How many there are.
    few, heavy : tuple of int and str
        How many have few effective draws, or a large Pareto k, and who, in brackets.
    smallest : str
        What to say of the fewest.
    """
    allowed = people // 50
    return [
        (
            f"participants with fewer than {EFFECTIVE} effective draws{few[1]}",
            few[0],
            f"at most {allowed}",
            few[0] <= allowed,
            smallest + MORE_DRAWS,
        ),
        (
            f"participants with Pareto k above {TAIL}{heavy[1]}",
            heavy[0],
            f"at most {allowed}",
            heavy[0] <= allowed,
            f"a few draws have most of the weight: {MORE_DRAWS}",
        ),
    ]


def noise_row(noise: float, name: str) -> Row:
    """Return the check of what draws add to a group's errors, at worst."""
    return (
        f"noise of draws in standard errors ({name})",
        round(noise, 3),
        f"below {NOISE}",
        noise < NOISE,
        f"the group would be another with other draws: {MORE_DRAWS}, or use nuts if people are few",
    )


def people_diagnostics(tree: xr.DataTree) -> pd.DataFrame:
    """Return the check that a group, or that of a session, has more than one person, if it fails.

    Choices of one person tell nothing of how people differ.
    """
    posterior = tree["posterior"].to_dataset()
    rows = [
        (
            "people of the group" + (f" of session {session}" if session else ""),
            len(people),
            "2 or more",
            False,
            "spreads over people (_sd) are their priors', and means lean on theirs: fit one person "
            "by map, or more people",
        )
        for session, people in people_by_session(posterior).items()
        if len(people) < 2
    ]
    return diagnostics_table(rows)


# The checks of a fit, by the group of its tree that they need.
CHECKS: Mapping[str, Callable[[xr.DataTree], pd.DataFrame]] = {
    "estimates": point_diagnostics,
    "sample_stats": sampling_diagnostics,
    "importance": weighing_diagnostics,
    "posterior": people_diagnostics,
}


def verdict(fit: str, diagnostics: pd.DataFrame) -> str:
    """Return what a fit prints: what it is, and each check that is not as wanted, with advice."""
    bad = diagnostics[~diagnostics["ok"]]
    lines = [f"  {row.check}: {row.value} ({row.advice})" for row in bad.itertuples()]
    return "\n".join([fit, *(lines or ["  all diagnostics are as wanted"])])


def _worst_of(values: xr.DataArray) -> tuple[float, str]:
    """Return the largest of a variable's values and its name."""
    place = int(np.argmax(values.to_numpy()))
    return float(values[place]), str(values["variable"].to_numpy()[place])


def rhat(posterior: xr.Dataset) -> Any:
    """Return R-hat of all variables; missing on the diagonal of a correlation matrix."""
    with np.errstate(invalid="ignore"):
        return az.rhat(posterior)


def _worst(values: Any, *, largest: bool) -> tuple[float, str]:
    """Return the worst of several numbers and its variable's name."""
    numbers = {str(n): v.to_numpy() for n, v in as_dataset(values).data_vars.items()}
    unknown = [name for name, v in numbers.items() if np.isnan(v).all()]
    if unknown:  # of so few draws that there is none: nothing is worse
        return np.nan, unknown[0]
    edge = np.nanmax if largest else np.nanmin
    flat = {name: float(edge(v)) for name, v in numbers.items()}
    name = (max if largest else min)(flat, key=lambda name: flat[name])
    return flat[name], name


def _disagreeing(rhat: Any) -> list[str]:
    """Return the participants whose chains disagree about any of their parameters."""
    data = as_dataset(rhat)
    apart = np.any([data[name].to_numpy() > RHAT_OF_ONE for name in data.data_vars], axis=0)
    return [str(name) for name in data["participant"].to_numpy()[apart]]


def _whole(number: float) -> float:
    return number if np.isnan(number) else round(number)


def _of_each(count: xr.DataArray) -> list[str]:
    """Return how many there are of which coefficient, where there are any."""
    return [f"{n} of {c}" for c, n in count.to_series().items() if n]


def _some(names: list[str]) -> str:
    return f" ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})" if names else ""


def as_dataset(values: Any) -> xr.Dataset:
    """Return what ArviZ computed as a Dataset, whether it came as one or as a DataTree."""
    return values.to_dataset() if isinstance(values, xr.DataTree) else values
