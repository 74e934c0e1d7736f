"""Name the parts of a split as folders and tables do."""

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
