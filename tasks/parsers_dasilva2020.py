"""The published files of Feher da Silva & Hare (2020), and how they become trials."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd

from metacontrol.tasks.parsers import Originals, decimal, transition, whole

CARPET = "results/magic_carpet/choices/"
SPACESHIP = "results/spaceship/choices/"


def dasilva2020(originals: Originals) -> pd.DataFrame:
    """Parse both tasks of Feher da Silva & Hare (2020).

    Parameters
    ----------
    originals : mapping of str to bytes
        The files of both folders by their paths. Participants are numbered within a task in
        order of path.

    Returns
    -------
    DataFrame, one row a trial
        Trials answered too slowly, which were repeated later, are rows with blanks.
    """
    people = [
        parse(originals[path], f"{name}{number:02d}")
        for folder, name, parse in (
            (CARPET, "carpet", _magic_carpet),
            (SPACESHIP, "spaceship", _spaceship),
        )
        for number, path in enumerate(sorted(p for p in originals if p.startswith(folder)), start=1)
    ]
    return pd.concat(people, ignore_index=True)


def _magic_carpet(content: bytes, participant: str) -> pd.DataFrame:
    trial = _read(content)
    slow = (trial["slow"] == 1).to_numpy()
    first_missed = (slow & ~trial["choice1"].isin([1, 2])) | ~trial["final_state"].isin([1, 2])
    return pd.DataFrame(
        {
            "participant": participant,
            "trial": np.arange(1, len(trial) + 1),
            "first_choice": whole(trial["choice1"] - 1, first_missed),
            "transition": transition(trial["common"] == 1, first_missed),
            "second_state": whole(trial["final_state"] - 1, first_missed),
            "second_choice": whole(trial["choice2"] - 1, slow),
            "reward": whole(trial["reward"], slow),
            "first_rt": decimal(trial["rt1"], first_missed, decimals=4),
            "second_rt": decimal(trial["rt2"], slow, decimals=4),
            "condition": "magic_carpet",
            "first_state": 0,
            "first_left_option": whole(trial["isymbol_lft"] - 1),
            "second_left_option": whole(trial["fsymbol_lft"] - 1, first_missed),
            "first_side": whole(0, np.ones(len(trial), bool)),
            "p_0_0": decimal(trial["reward.1.1"], decimals=4),
            "p_0_1": decimal(trial["reward.1.2"], decimals=4),
            "p_1_0": decimal(trial["reward.2.1"], decimals=4),
            "p_1_1": decimal(trial["reward.2.2"], decimals=4),
        }
    )


def _spaceship(content: bytes, participant: str) -> pd.DataFrame:
    trial = _read(content)
    slow = (trial["slow"] == 1).to_numpy()
    first_missed = ~trial["final_state"].isin([0, 1]) | ~trial["choice1"].isin([0, 1])
    # What was chosen is the planet that the key commonly leads to, as in the authors' analysis.
    planet = np.where(trial["common"] == 1, trial["final_state"], 1 - trial["final_state"])
    return pd.DataFrame(
        {
            "participant": participant,
            "trial": np.arange(1, len(trial) + 1),
            "first_choice": whole(planet, first_missed),
            "transition": transition(trial["common"] == 1, first_missed),
            "second_state": whole(trial["final_state"], first_missed),
            "second_choice": whole(trial["choice2"], slow),
            "reward": whole(trial["reward"], slow),
            "first_rt": decimal(trial["rt1"], first_missed, decimals=4),
            "second_rt": decimal(trial["rt2"], slow, decimals=4),
            "condition": "spaceship",
            "first_state": whole(2 * trial["symbol0"] + trial["symbol1"]),
            "first_side": whole(trial["choice1"], first_missed),
        }
    )


def _read(content: bytes) -> pd.DataFrame:
    return pd.read_csv(BytesIO(content))


_CARPET_SHA256 = {
    "03187": "3111c00fa20b1b3185e6529c28209dbfe4b1a2efc8b3783ee5750e15bdf53415",
    "04862": "66420c58165adebf6588cfac26f87d6820d7d2cbb74bde6dad54f7e800f5077a",
    "04936": "955ebd0bc4135ed94450d1790e458811b927865a9bf45d19d989f5ff220e507e",
    "04960": "908c8eb7e1fcb7867013642147f3bf5b98dfa979df7920b7d2b1a91da56098d5",
    "09695": "651cd2853a791eb6c67009dbc3f15c4ffbe428d45bd6e999231acbc2b8a90e96",
    "10951": "79dc8c5fa568167f7283c04c67cbf3af60c555b25c2ae9058027329d3455169b",
    "16691": "7eee30cb38fc290dbad0902c48555b4bfe23842c235feb4fada90ae36db9d3e5",
    "17946": "a2b5c7c47853cf162999c6320a378f0d12080e8da2b53f208dc7eb8affc4d0c2",
    "23849": "2f3ceb6fd9b7e696325b6d553bd52b56f47939ad449b986b2b3264282b96080b",
    "33765": "188c80ee58b84feb626c3f7cf241233836e9260569e771dd9fec412ed40a986c",
    "35102": "d5d1ac8c82be2c9589a5a3856be5db420cfe553387ae29fd0028dcef3e2868a0",
    "46080": "775c7bbcb75ad88f35a801c47b773ac5de1a2629a05b1688f2b137f3673022dd",
    "53366": "c46c82985883fca101f3540bb7bfdf9641e090da7d41f017fa2fb168ecc213bc",
    "55027": "a9749586b5b84eeeefb1c1c9594e644e2e58385091aa73200f6d9fc1b40869fc",
    "57653": "18283d237dbecf6eb2267fc6803b8cf4ab769dbe13dac363e9a471bf25cf9c22",
    "61120": "fc7e52ecbf35c39868a0d9c706ef9f5779a649b85a7e2483e8efc278760aeaf5",
    "63520": "4847150a88a9dad679b1edcfd028d73c97f7db92ce403ae7c18d2a4a4a93f9cf",
    "68012": "75b026ba5880be2df90fabb113198ad770bae3e4207c1268e0a20d24e309a113",
    "75759": "098ea3ecf792cec4d0b8ff01f61ae4d3a3dc8fc78af7429ec0dc29e8184a57a6",
    "88310": "b4a9d3ed0bbd8c527402022217ae0b76690ffaad08108af75cc511ebec46e1eb",
    "92975": "c941380534a8f3353b7db6bd1007c5e4d080e9be133a3251701b6366f3265452",
    "97543": "77bc47b8ff388232f481df33ba4e55962c8b272fe0243e98ebd748ff27c0cfba",
    "99461": "12e9233c4f49cab2dadcf90ae333da9cafef05eb46378404446fae66a0f4432b",
    "99845": "389c0e2d967b39fd75a9896732838cd6533f9f405e9e8cfd2e70004eee9b418c",
}
_SPACESHIP_SHA256 = {
    "01968": "74e3dc14d7acdb245165b3ab18f77d957d9969d5ba9d0c1dd0761339004ff2df",
    "05136": "7e0cbb913f7bb9a745174c1f7bbca9deba5b6972ebfda1f264f5df2ad2c24b16",
    "12251": "5d0b4064d49c97df00ee767ff2369758eee56278b18665c3d0c8fbe7dbd68330",
    "13442": "32e91948b478022e4c1774bf7a9fe7362b8edb6f6c31f0e4e1f62521f9226f64",
    "14972": "9a98801c89bb116c0e02f67d7543ef09e676b18ee7ac63e3b12ad1517c56b104",
    "19470": "84de76c77558ab5fc19ebfa3ac674a4561a9fcf83b871d5c7832aa46093ccc17",
    "21541": "9c70739d772a7cbbfc66a51b0e4b75ef29c5d467ce4cb5085fbba2156c1fefe2",
    "28896": "ee67651a2b07696003077fdeb595d2ea1ecf2e835bdd1ff22ab55e4ea5362cc6",
    "36455": "6d2484d7fecc36b7e4fe01365312d2f81a64b8934cd935fabc5a967ee1fc13fe",
    "36495": "8f93a71bcec09d7b244e0d565d5eea431fb1e0eb7347eec57c07a617a6029393",
    "36848": "83bb789f9abebada96cfb29dd5af13ff664f4657bd10882b7f5b96aa8e850caf",
    "45878": "dda454d87103f8f289566db5ec60d89ef23cf7f05869a5185cba7eea785cc241",
    "62517": "18d5ef13eae5d9784470574df004b517ff71dc41e27a3278b005a68b4616dd3b",
    "65532": "88b46c189908b87f11f4f59fc5d727045c107645d73428f72b6bbe46636543de",
    "67722": "f1b5d7e3b3c6f38e11620b9a81add2e4bf4b521ae3f6e28893fc43d474bfb18d",
    "73081": "f7ec03e4e1466b6aeab26aea663104d38c0cb744eb7ef00ac78539a05290156f",
    "74476": "267d262e40c2d376d99af1a7140c918137a380efb8ae8a8929afe8f8204b6d24",
    "78906": "16d8ef537617d1bc94fd08ca8a3dcde524524f5c40ced2734c427f9639fc08c4",
    "80449": "adfd4f14cb8f5e543144f12096091ff98a8a8d443294472f3582ca3feca18a24",
    "81838": "d7bc4dcf450090fe063728480de59a3c74509fd630b0e9296cf69b104940ce38",
    "99686": "92c2e4fd6c1c96a573583f38678a0fe2f3ead99986bf379451d486f0c18e959d",
}
FILES = {f"{CARPET}{name}_game.csv": sha256 for name, sha256 in _CARPET_SHA256.items()} | {
    f"{SPACESHIP}{name}.csv": sha256 for name, sha256 in _SPACESHIP_SHA256.items()
}
"""The sha256 of each file by its path in the authors' repository."""
