"""Check that no subject is in two parts of a split or two folds, and unknown people are noted."""

import contextlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.base import FrameRow
from faceprep.datasets.naming import Scheme, schemes
from faceprep.datasets.registry import open_dataset
from faceprep.datasets.report import Report
from faceprep.datasets.splits import NO_FOLD
from faceprep.stages.select.summary import Counter
from faceprep.workspace.people import unknown_people

WORDS = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")
NAMES = ("anna", "bob", "carla", "dan", "eva", "fritz", "gina", "hugo", "ines", "jan")
INITIALS = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")
LAYOUTS = (
    "{p}/{w}/{n}.jpg",
    "{w}/{p}/img_{n}.jpg",
    "{p}/session{n}/{w}/1.jpg",
    "VL/{p}/{w}/{n}.png",
    "{p}/{w}_{n}.jpg",
    "{p}_{w}_{n}.jpg",
    "{w}-{p}-{n}.jpg",
    "{w}/{p}.{n}.jpg",
    "subject_{p}/{n}_{w}.jpg",
    "{w}/{n}.jpg",
    "{w}_{n}.jpg",
    "pictures/IMG_{n}.jpg",
)
#: True person → files.
Tree = dict[str, list[str]]


def scheme_files(scheme: Scheme, people: int) -> Tree:
    """Return names of a scheme, made from its example."""
    (pattern,) = scheme.patterns
    match = pattern.match(scheme.example)
    assert match is not None
    words = [None] if "expression" not in pattern.expression.groupindex else [*scheme.codes, *WORDS]
    tree: Tree = {}
    for k in range(people):
        subject = re.sub(r"\d+", lambda m, k=k: f"{k + 1:0{len(m[0])}}", match["subject"])
        if subject == match["subject"]:
            subject = INITIALS[k] if scheme.name == "jaffe" else f"{NAMES[k].title()}_Miller"
        for word in words:
            pieces = {match.span("subject"): subject}
            if word is not None:
                pieces[match.span("expression")] = word
            name = match.string
            for (start, end), text in sorted(pieces.items(), reverse=True):
                name = name[:start] + text + name[end:]
            found = scheme.read(name)
            if found is not None and found.subject == subject:
                tree.setdefault(subject, []).append(f"{name}.png")
    return tree


def layout_files(layout: str, people: Sequence[str], numbers: int) -> Tree:
    """Return files of people in a layout, which may not name them."""
    tree: Tree = {}
    for k, person in enumerate(people):
        for word in WORDS:
            for number in range(numbers):
                n = number if "{p}" in layout else number * len(people) + k
                tree.setdefault(person, []).append(layout.format(p=person, w=word, n=n))
    return tree


COLUMNS = ("subject", "split", "fold", "sequence")
SETTINGS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1000),
        "test_fraction": st.sampled_from([0.1, 0.2, 0.5]),
        "val_fraction": st.sampled_from([0.0, 0.2]),
        "folds": st.integers(2, 5),
        "split": st.sampled_from(["official", "random"]),
        "naming": st.sampled_from(["auto", "auto", "auto", "none"]),
        "neutral_frames": st.sampled_from([None, 1]),
    }
)
PEOPLE = st.integers(1, len(NAMES)).map(lambda count: NAMES[:count])
SCHEMES = [one for one in schemes() if one.auto and one.name != "akdef"]  # of two people only
TREES = st.one_of(
    st.builds(scheme_files, st.sampled_from(SCHEMES), st.integers(1, len(INITIALS))),
    st.builds(layout_files, st.sampled_from(LAYOUTS), PEOPLE, st.integers(1, 3)),
)


def read(root: Path, select: SelectConfig) -> tuple[list[FrameRow], Report] | None:
    """Read a folder; None if it is refused."""
    report = Report()
    with contextlib.suppress(UsageError):
        reader, found = open_dataset("folder", root, select, report)
        return list(reader.frames(found, select, report)), report
    return None


def check(rows: Sequence[FrameRow], report: Report, person_of: dict[str, str]) -> None:
    """Check the promise on rows, with the true person of each path."""
    counter = Counter()
    for row in rows:
        counter.add(row)  # refuses a subject in two parts
    summary = counter.summary(report).as_dict()
    folds = {(row.subject, row.fold) for row in rows if row.fold != NO_FOLD}
    assert len(folds) == len({subject for subject, _ in folds})
    if unknown_people(summary):
        return
    assert not rows or report.people.source
    sides = {(person_of[row.path], row.split) for row in rows}
    assert len(sides) == len({person for person, _ in sides})
    folds = {(person_of[row.path], row.fold) for row in rows if row.fold != NO_FOLD}
    assert len(folds) == len({person for person, _ in folds})


@settings(max_examples=50)
@given(TREES, SETTINGS, st.sampled_from(["", "", "train test", "Training val Test"]), st.data())
def test_nobody_is_on_both_sides_of_a_tree(tree, options, parts, data):
    person_of = {}
    with tempfile.TemporaryDirectory() as folder:
        for person, files in tree.items():
            place = data.draw(st.sampled_from(parts.split())) if parts else ""
            for file in files:
                if parts and data.draw(st.integers(0, 40)) == 0:  # somebody is in another part
                    place = data.draw(st.sampled_from(parts.split()))
                path = f"{place}/{file}" if place else file
                person_of[path] = person
                Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, path).touch()
        found = read(Path(folder), SelectConfig.model_validate(options))
    if found is not None:
        check(*found, person_of)


def field(values: Sequence[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(["", *values])


@settings(max_examples=40)
@given(TREES, SETTINGS, st.sets(st.sampled_from(COLUMNS)), st.data())
def test_nobody_is_on_both_sides_of_a_table(tree, options, columns, data):
    person_of, lines = {}, [",".join(["image", "expression", *sorted(columns)])]
    with tempfile.TemporaryDirectory() as folder:
        for person, files in tree.items():
            own = {
                "subject": person,
                "split": data.draw(field(("train", "val", "test"))),
                "fold": data.draw(field(("0", "1"))),
                "sequence": data.draw(field(("a", "b"))),
            }
            for k, file in enumerate(files):
                if data.draw(st.integers(0, 60)) == 0:  # a fault in one row
                    own = {**own, data.draw(st.sampled_from(sorted(own))): ""}
                person_of[file] = person
                values = (own[name] for name in sorted(columns))
                lines.append(",".join([file, WORDS[k % len(WORDS)], *values]))
                Path(folder, file).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, file).touch()
        Path(folder, "labels.csv").write_text("\n".join(lines))
        found = read(Path(folder), SelectConfig.model_validate(options))
    if found is not None:
        check(*found, person_of)
