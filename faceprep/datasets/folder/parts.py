"""Name the parts of a split as folders and tables do."""

import re

#: Name, in lower case → part of the split. FER2013 calls its parts Training, PublicTest and
#: PrivateTest; its authors tuned on the first of the tests.
PARTS = {
    "train": "train",
    "training": "train",
    "tr": "train",
    "val": "val",
    "valid": "val",
    "validate": "val",
    "validation": "val",
    "dev": "val",
    "development": "val",
    "publictest": "val",
    "test": "test",
    "testing": "test",
    "privatetest": "test",
    "eval": "test",
    "evaluation": "test",
}

#: Numbers of the parts in CelebA's list_eval_partition.
NUMBERED_PARTS = {"0": "train", "1": "val", "2": "test"}


def folder_part(name: str) -> str | None:
    """Return the part of a split that a folder holds: ``Train``, ``test_set``, ``val-images``."""
    return part_of(re.sub(r"(?i)[\W_]*(set|data|images?|imgs?|faces|split)$", "", name) or name)


def part_of(word: str) -> str | None:
    """Return the part of a split that a word names, in any case and with signs between words."""
    return PARTS.get(re.sub(r"[\W_]+", "", word).casefold())
