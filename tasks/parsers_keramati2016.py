"""The published files of Keramati, Smittenaar, Dolan & Dayan (2016), and how they become trials."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd

from metacontrol.tasks.parsers import Originals, decimal, transition, whole

FIELDS = (
    *("trial", "always_0", "second_state", "third_state", "first_choice", "second_choice"),
    *("first_rt", "second_rt", "third_rt", "missed_1", "missed_2", "missed_3"),
    *("first_rare", "second_rare", "rewarded_state", "rewarded_state_again", "reward", "total"),
)
PEOPLE_WITH_LONG_LIMIT = 15


def keramati2016(originals: Originals) -> pd.DataFrame:
    """Parse the three-step task of Keramati, Smittenaar, Dolan & Dayan (2016).

    Parameters
    ----------
    originals : mapping of str to bytes
        The files `1.txt` to `30.txt` by their paths.

    Returns
    -------
    DataFrame, one row a trial
    """
    files = [originals[path] for path in FILES]
    people = [_person(content, number) for number, content in enumerate(files, start=1)]
    return pd.concat(people, ignore_index=True)


def _person(content: bytes, number: int) -> pd.DataFrame:
    trial = pd.DataFrame(np.loadtxt(BytesIO(content), delimiter=","), columns=FIELDS)
    stages = [trial[f"missed_{stage}"] == 1 for stage in (1, 2, 3)]
    # A missed stage leaves zeros in everything after it.
    missed_1 = stages[0]
    missed_2 = missed_1 | stages[1]
    missed_3 = missed_2 | stages[2]
    first_transition = transition(trial["first_rare"] == 0, missed_1)
    return pd.DataFrame(
        {
            "participant": f"t{number:02d}",
            "trial": whole(trial["trial"]),
            "first_choice": whole(trial["first_choice"], missed_1),
            "transition": first_transition,
            "second_state": whole(trial["second_state"] - 1, missed_1),
            "second_choice": whole(trial["second_choice"], missed_2),
            "reward": whole(trial["reward"], missed_3),
            "first_rt": decimal(trial["first_rt"], missed_1),
            "second_rt": decimal(trial["second_rt"], missed_2),
            "condition": "long" if number <= PEOPLE_WITH_LONG_LIMIT else "short",
            "first_transition": first_transition,
            "second_transition": transition(trial["second_rare"] == 0, missed_2),
            "third_state": whole(trial["third_state"] - 1, missed_2),
            "third_rt": decimal(trial["third_rt"], missed_3),
            "rewarded_state": whole(trial["rewarded_state"] - 1, missed_3),
            "missed_stage": whole(np.select(stages, [1, 2, 3]), ~missed_3),
        }
    )


_FOLDER = "Data Analysis/3 Main-effect ttests/Comparing the groups/ANOVA/"
_SHA256 = (
    "d2ddc669ba9a113bb666d31a09e3bf3ccc0ee9bb72dabae32c271b8a5f7b71e2",
    "3e7a956dd5a48c7caf60077f717f065b399bb60492eb453e2104dbd4e65a0261",
    "a2f8698bbb871c803a2ce50ca36031726231a39680f8f30936e8d94e4e80e74e",
    "6630d80791c663663759864c86477b97fb2e8be7f1c7b95df5e9da1d5fadfcb5",
    "a7b32f90bca36a39f69ee84622506383e0175c88c840522fbe8c110414726af8",
    "7a12e6c1bdd72798ec675c051cab8216b4b3676c1edb12512eb7582596dc81c4",
    "a5c2e4ee0e7c53d7e12be8f9ecabfb077feb17f05202b79c13d969616ca1ec35",
    "969ba835bad053911436dc218678eeb58cc29544c1bfd2109654674bcf48b921",
    "11369db3854775f73fceb1133f6db4ad538450cd088375f6f5227cb80a5e93ff",
    "88cc6afc774c2ece7edb33db3f53d5e12983296867d5cb13929b2a74ffe60a2f",
    "505018b852231cf111f879735eb37977312cd5ca43b5c3a03ac21cb03d06bcb2",
    "aeb7bc08b4bfeba21c2ea54189937199df14f3bc9f2956236e6c3d0e0beb89eb",
    "bc4bf44c3bc769178e4c3cde5e8fd96d3fb39e5285f01bbf7449698f9e417537",
    "b6b387b5d8edd4ff2abe98ae90f597fc222a96652f8a794b755eec668ddf7862",
    "9f4f239b29ce5e636990c8de098d61e17e1cc08e0adc4c20ca9d97425a9861e6",
    "d8b5bf63eb32360e92f175369283e70b1052339dc29f9e462bc86d1e72132dbd",
    "9b55f7409ca3890a007c8123a05b9fc39e47531516e3f753ee82434a593b726d",
    "edf0579e2b42ffe111e11fba2e7506ad76d0bfd94ad082d40e51da9a3c81dfda",
    "f7456c2b8c5cc5a60e9ea46f37cdff29f8b5b2ad36b81a9d321575cd4ec81dd7",
    "e8ab4d629055f764a296258da8552020054328114c4ea31e8ea22ce2f76418ec",
    "a14ba552db77ddf301079f2e2161a205e465c50c6fc60c73583a0e0bc7512f37",
    "56d898f1257bcbfcae428ad550180252f527f1bf732c19dcfc9016b5260e0f16",
    "f387c81611bc5824109a838417953ff690da022d174e5934f1b6f941f9954f89",
    "6d7796a3564bc6b32ee483bc7f2ca9437aa597b1c0242ee5ddc79f412e3ffdaa",
    "973818f83b1793b570bc07b3af92d3145c0788c076f307e6862d1f351efda0fd",
    "ec4d10eb5fcf1e753bab154e80358e8cedd5c787b9d83e0d7086d82911007a62",
    "3467f7631faa62f956d144468bbeb42bcd498ccb81b2470c00929e2c78034a2d",
    "71abfa2027beb1062f7d4e79b0c0de2b357d51814b66abeebcd59d7fb4bba5c4",
    "2b07534d1f6bf2ae5edbda64c8658d32688af18c3df6dff72ff647dd3ab5ac00",
    "43851706213284c83a33702252bee85c57c1ea9ba375861775ac2e84d9ffc318",
)
FILES = {f"{_FOLDER}{number}.txt": sha256 for number, sha256 in enumerate(_SHA256, start=1)}
"""The sha256 of each file by its path in the authors' repository, in order of participants."""
