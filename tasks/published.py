"""Published human data: what there is, whose it is, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import pandas as pd

from metacontrol.tasks import parsers, parsers_dasilva2020, parsers_keramati2016


@dataclass(frozen=True)
class PublishedData:
    """One published data set.

    Parameters
    ----------
    name : str
        The name in `fetch`.
    repository, commit : str
        `owner/name` of the authors' repository on GitHub, and its pinned commit.
    citation : str
        The paper, with its DOI.
    license : str
        What may be done with the data, in words.
    description : str
        Who did how many trials of what.
    task : str or None
        Name of the task in `TASKS` that was played, if it is one of them.
    files : mapping of str to str
        The sha256 of each original file by its path; empty if metacontrol does not fetch the data.
    parse : callable, optional
        From the content of the files by path to one row a trial.
    sha256 : str
        Of the resulting `choices.csv`.
    personal : mapping of str to str
        Those of `files` that hold more about people than is needed: they are never kept. To each,
        the sha256 of a redacted stand-in that may be read offline in its place.
    elsewhere : str
        Where the files are and why metacontrol does not fetch them, if it does not.
    """

    name: str
    repository: str
    commit: str
    citation: str
    license: str
    description: str
    task: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    parse: Callable[[parsers.Originals], pd.DataFrame] | None = None
    sha256: str = ""
    personal: Mapping[str, str] = field(default_factory=dict)
    elsewhere: str = ""

    def about(self) -> str:
        """Return what a user has to know before using the data, a line for each thing."""
        lines = [
            f"{self.name}: {self.description}",
            f"  cite: {self.citation}",
            f"  license: {self.license}",
            f"  source: https://github.com/{self.repository}, commit {self.commit}",
        ]
        if self.task is not None:
            lines.append(f"  task: {self.task}")
        if self.elsewhere:
            lines.append(f"  not fetched: {self.elsewhere}")
        return "\n".join(lines)

    def url(self, path: str) -> str:
        """Return the address of one of the files.

        Examples
        --------
        >>> published("kool2016-daw").url("data/daw paradigm/groupdata.mat")[-33:]
        'data/daw%20paradigm/groupdata.mat'
        """
        root = f"https://raw.githubusercontent.com/{self.repository}/{self.commit}"
        return f"{root}/{quote(path)}"


def published(name: str) -> PublishedData:
    """Return the published data of that name.

    Raises
    ------
    ValueError
        If there is none; the message lists those that there are.

    Examples
    --------
    >>> published("kool2016-daw").task
    'kool-2016-stochastic'
    """
    for data in PUBLISHED:
        if data.name == name:
            return data
    known = ", ".join(data.name for data in PUBLISHED)
    raise ValueError(f"no published data are called {name!r}; there are: {known}")


_NO_LICENSE = "none stated in the repository: for your own use, not to be passed on"
_KOOL_2016 = (
    "Kool, W., Cushman, F. A., & Gershman, S. J. (2016). When does model-based control pay off? "
    "PLoS Computational Biology, 12(8), e1005090. doi:10.1371/journal.pcbi.1005090"
)

PUBLISHED: tuple[PublishedData, ...] = (
    PublishedData(
        name="kool2016-daw",
        repository="wkool/tradeoffs",
        commit="6f849e13a8fe32c0b62ad768d3578068b93ee69e",
        citation=_KOOL_2016,
        license=_NO_LICENSE,
        description="206 people (197 analysed by the authors), 125 trials each, online; "
        "stochastic two-step task",
        task="kool-2016-stochastic",
        files={
            "data/daw paradigm/groupdata.mat": (
                "8c6a642429692f4f46c81d547581c0fbf41e97c9ace6f8ff5bd422af3aee19a1"
            ),
        },
        parse=parsers.kool2016_daw,
        sha256="3c77e6f2e8c6085d5d3ec7b0e10fb271fba658564c226d7a4d53560448c00abd",
    ),
    PublishedData(
        name="kool2016-novel",
        repository="wkool/tradeoffs",
        commit="6f849e13a8fe32c0b62ad768d3578068b93ee69e",
        citation=_KOOL_2016,
        license=_NO_LICENSE,
        description="199 people (184 analysed by the authors), 125 trials each, online; "
        "deterministic two-step task with two first states, paying points",
        task="kool-2016-deterministic",
        files={
            "data/novel paradigm/groupdata.mat": (
                "54fc11d9f7100adf870afba9c2571dd74e43a4134ba2ba058b709e7ad5b5cfd8"
            ),
        },
        parse=parsers.kool2016_novel,
        sha256="b376c34ef5ff10ad98e680b9ff404978c2757a18d18fd80c74803d7f49eff576",
    ),
    PublishedData(
        name="wyckmans2022-stress",
        repository="FWyckmans/MBMF_Study2",
        commit="3f8e22ba31fc26121b4b80d8d32a45e4dc46aedd",
        citation="Wyckmans, F., Banerjee, N., Saeremans, M., Otto, R., Kornreich, C., "
        "Vanderijst, L., Gruson, D., Carbone, V., Bechara, A., Buchanan, T., & Noel, X. (2022). "
        "The modulation of acute stress on model-free and model-based reinforcement learning in "
        "gambling disorder. Journal of Behavioral Addictions, 11(3), 831-844. "
        "doi:10.1556/2006.2022.00059",
        license=_NO_LICENSE,
        description="116 people, 200 trials each, laboratory; stochastic two-step task after "
        "acute stress or not, with gambling disorder or without (condition)",
        task="daw-2011",
        files={
            parsers.WYCKMANS_TRIALS: (
                "8ea5d44ef4d909dd7f282255f5cb599cb61b664d4b31dd75e4e75116ec8baecd"
            ),
            parsers.WYCKMANS_PEOPLE: (
                "96538351d29e4318c96107939e509502ad0a2eaeb6b06478253f2199bbd49eb9"
            ),
        },
        parse=parsers.wyckmans2022_stress,
        sha256="3a53831543a51874637976fbb5ef1ebe17eac5320879c43f33de6146863eb797",
        personal={
            parsers.WYCKMANS_PEOPLE: (
                "b465070bbbf2d83d0862455d112a26bc5acec9d6cd8f375e4002eb1921497348"
            ),
        },
    ),
    PublishedData(
        name="dasilva2020",
        repository="carolfs/muddled_models",
        commit="4567763780a2c596fd6510af720ec468a8214a8f",
        citation="Feher da Silva, C., & Hare, T. A. (2020). Humans primarily use model-based "
        "inference in the two-stage task. Nature Human Behaviour, 4(10), 1053-1066. "
        "doi:10.1038/s41562-020-0905-y",
        license="GNU General Public License, version 3",
        description="45 people, 201 to 272 trials each, laboratory; stochastic two-step task "
        "explained by a story, a magic carpet or a spaceship (condition)",
        files=parsers_dasilva2020.FILES,
        parse=parsers_dasilva2020.dasilva2020,
        sha256="690a048534364288eceb05179081adb8cd418ef2013f1d1a0f0126513cee0009",
    ),
    PublishedData(
        name="keramati2016",
        repository="mehdiKeramati/PNAS-2016",
        commit="6d28cf44817f2862916167f71825d68fd0fdac18",
        citation="Keramati, M., Smittenaar, P., Dolan, R. J., & Dayan, P. (2016). Adaptive "
        "integration of habits into depth-limited planning defines a habitual-goal-directed "
        "spectrum. Proceedings of the National Academy of Sciences, 113(45), 12868-12873. "
        "doi:10.1073/pnas.1609094113",
        license=_NO_LICENSE,
        description="30 people, 350 trials each with 2 s or 500 with 0.7 s for a choice "
        "(condition), laboratory; stochastic three-step task",
        task="keramati-2016",
        files=parsers_keramati2016.FILES,
        parse=parsers_keramati2016.keramati2016,
        sha256="778a7691753ccb0625cb1b0333d16997986cc9787d343bb74827dc38fc01444d",
    ),
    PublishedData(
        name="gillan2016",
        repository="crgagne/twosteps_neurips2021",
        commit="78e0c0f2af456bff7e65d6786ce34131d384aaa3",
        citation="Gillan, C. M., Kosinski, M., Whelan, R., Phelps, E. A., & Daw, N. D. (2016). "
        "Characterizing a psychiatric symptom dimension related to deficits in goal-directed "
        "control. eLife, 5, e11305. doi:10.7554/eLife.11305",
        license=_NO_LICENSE,
        description="2,361 people in two studies, 200 trials each, online; stochastic two-step "
        "task",
        task="daw-2011",
        elsewhere="the file names are codes that can lead to people. The files, one a person, are "
        "in two_step_analyses/data/all_twostep_data_study1 and ..._study2",
    ),
    PublishedData(
        name="kim2019-complexity",
        repository="brain-machine-intelligence/task_complexity_2018",
        commit="8518a784051fbede5673772ff9059e3327e89d01",
        citation="Kim, D., Park, G. Y., O'Doherty, J. P., & Lee, S. W. (2019). Task complexity "
        "interacts with state-space uncertainty in the arbitration between model-based and "
        "model-free learning. Nature Communications, 10, 5738. doi:10.1038/s41467-019-13632-1",
        license="MIT",
        description="24 people, 219 to 405 trials each, laboratory; two choices with shown token "
        "values, of low or high complexity and uncertainty (condition)",
        elsewhere="the file names are people's names. The files, two a person, are in "
        "modelRLsource/result_save",
    ),
    PublishedData(
        name="mikus2022-drug",
        repository="nacemikus/mbmf-da-op",
        commit="4822b12aa33d8e5eb60d8ad5af2a0d3392e00e20",
        citation="Mikus, N., Korb, S., Massaccesi, C., Gausterer, C., Graf, I., Willeit, M., "
        "Eisenegger, C., Lamm, C., Silani, G., & Mathys, C. (2022). Effects of dopamine D2/3 and "
        "opioid receptor antagonism on the trade-off between model-based and model-free behaviour "
        "in healthy volunteers. eLife, 11, e79661. doi:10.7554/eLife.79661",
        license="CC BY-NC 4.0: not for commercial use, name the authors",
        description="112 people, about 395 trials each in two sessions, laboratory; deterministic "
        "two-step task under amisulpride, naltrexone or placebo",
        elsewhere="the file also holds genotypes, and reading it takes another package (rdata). "
        "It is Data/data_beh.rds",
    ),
)
"""All published data sets that we know of in a public repository."""
