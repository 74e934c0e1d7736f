"""Remedies are spelled as a user types them."""

import json
from pathlib import Path

import pytest

from faceprep.cli.remedies import spell
from faceprep.core.errors import Hint, Remedy


@pytest.mark.parametrize(
    ("hint", "line"),
    [
        ("take another file", "take another file"),
        (Remedy("align", overrides={"overwrite": True}), "faceprep align --overwrite"),
        (
            Remedy("show", arguments=("/a b",), note="counts them"),
            "faceprep show '/a b'   counts them",
        ),
        (
            Remedy("evaluate codes", overrides={"-o": "codes.png"}, arguments=("…",)),
            "faceprep evaluate codes … -o codes.png",
        ),
        (
            Remedy("aus", Path("ws"), {"retry_failed": True, "aus.backend": "none", "limit": None}),
            "faceprep aus --workspace ws --retry-failed --set aus.backend=none",
        ),
        (
            Remedy("align", Path("ws"), {"align.extra": True, "align.sizes": (1, 2)}),
            "faceprep align --workspace ws --set align.extra=true --set align.sizes=1,2",
        ),
        (("--folds 3, or: ", Remedy("select")), "--folds 3, or: faceprep select"),
        ((Remedy("train"), "; ", Remedy("augment")), "faceprep train; faceprep augment"),
    ],
)
def test_words_commands_and_both_are_spelled(hint: Hint, line: str) -> None:
    assert spell(hint) == line


def test_no_hint_is_none() -> None:
    assert spell(None) is None


def test_resumed_commands_repeat_settings_and_add_overrides(tmp_path: Path) -> None:
    folder = tmp_path / "train" / "exprgan"
    folder.mkdir(parents=True)
    (folder / "train.json").write_text(json.dumps({"config": {"preset": "tiny"}}))

    def resumed(verb: str, **overrides: object) -> str:
        return spell(Remedy(verb, tmp_path, overrides, resume=True))

    train = f"faceprep train --workspace {tmp_path} --set train.preset=tiny"
    augment = f"faceprep augment --workspace {tmp_path} --n 5"
    assert resumed("train") == resumed("train", generator="exprgan") == train
    assert resumed("train", generator="exprgan-fold03") == f"{train} --set train.fold=3"
    assert resumed("train", fold=3, overwrite=True) == f"{train} --set train.fold=3 --overwrite"
    assert resumed("augment", n=5, overwrite=True) == f"{augment} --overwrite"
    assert resumed("augment", n=5, fold=3) == f"{augment} --set train.fold=3"
    assert resumed("augment", n=5, folds=()) == train  # no generator yet
    assert resumed("augment", n=5, fold=0, folds=(0, 1, 2)) == (
        f"for k in $(seq 0 2); do {train} --set train.fold=$k; {augment} --set train.fold=$k; done"
    )
    assert resumed("classify", sweep=[0, 300], seeds=2) == (
        f"faceprep classify --only --workspace {tmp_path} --sweep 0,300 --seeds 2"
    )
    assert resumed("select", overwrite=True) == (
        f"faceprep select --dataset … --root … --workspace {tmp_path} --overwrite"
    )
