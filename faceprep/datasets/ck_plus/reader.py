"""Read CK+, the extended Cohn-Kanade dataset: neutral-to-peak sequences, seven expressions.

The first three frames of a sequence are neutral, the last three are the peak.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from faceprep.config import SelectConfig
from faceprep.core.tree import is_image, walk
from faceprep.datasets.base import FrameRow
from faceprep.datasets.ck_plus.annotations import Annotations, find_annotations
from faceprep.datasets.ck_plus.images import MAX_DEPTH, Collection, SequenceKey, find_collections
from faceprep.datasets.report import People, Report
from faceprep.datasets.sequences import RecordedSequence, SequenceFrame, SequenceReader
from faceprep.datasets.splits import folds_by_rank, note_random_split, random_splits


@dataclass(frozen=True)
class CKPlusContents:
    """Hold the collection to read and those that are left out."""

    root: Path
    collection: Collection
    others: tuple[Collection, ...]


class CKPlus(SequenceReader):
    """Read CK+ or CK+48."""

    name = "ck-plus"
    neutral_frames = 3
    layout = """\
  ROOT/
    cohn-kanade-images/     (or extended-cohn-kanade-images, or nothing)
      S005/001/S005_001_00000001.png …
    Emotion/                (or Emotion_labels/Emotion)
      S005/001/S005_001_00000011_emotion.txt
    FACS/ …_facs.txt        Landmarks/ …_landmarks.txt        (both optional)
  or the cropped variant:
  CK+48/
    anger/S010_004_00000017.png …   contempt/ …   surprise/ …
"""

    def find(self, root: Path, select: SelectConfig, report: Report) -> CKPlusContents | None:
        """Find the images below the root; whole photographs take precedence over 48×48 crops."""
        collections = find_collections(root, report)
        if not collections:
            return None
        collections.sort(key=lambda c: (c.cropped, -c.frames, c.place.count("/"), c.place))
        first, others = collections[0], []
        for other in collections[1:]:
            if other.cropped == first.cropped and not first.overlaps(other):
                first.merge(other)
            else:
                others.append(other)
        return CKPlusContents(root, first, tuple(others))

    def frames(
        self, contents: CKPlusContents, select: SelectConfig, report: Report
    ) -> Iterator[FrameRow]:
        """Yield the neutral and peak frames, by subject, sequence and number."""
        for other in contents.others:
            what = "48×48 crop" if other.cropped else "frame of a second copy"
            report.leave_out(f"{what} ({other.place or '.'})", other.place or ".", other.frames)
        annotations = find_annotations(contents.root)
        collection = contents.collection
        report.people = People("the file names of the dataset")
        expressions = _expressions(collection, annotations, select, report)
        folds = folds_by_rank({subject for subject, _ in expressions}, select.folds)
        splits = random_splits({subject for subject, _ in expressions}, select)
        note_random_split(report, select, "CK+ has no test set of its own")
        for key, expression in expressions.items():
            sequence = RecordedSequence(
                *key,
                expression,
                [
                    SequenceFrame(number, f"{number:08d}", path)
                    for number, path in sorted(collection.sequences[key].items())
                ],
                splits[key[0]],
                folds[key[0]],
            )
            yield from self._annotated(sequence, collection.cropped, annotations, select, report)

    def nearest(self, root: Path) -> str | None:
        """Report labels without images, or images with other names."""
        for folder in walk(root, max_depth=MAX_DEPTH):
            for name in folder.files:
                if name.lower().endswith(("_emotion.txt", "_facs.txt", "_landmarks.txt")):
                    return f"{folder.join(name)}, but no images S005_001_00000001.png"
                if is_image(name):
                    return f"{folder.join(name)}, which is not named like S005_001_00000001.png"
        return None

    def _annotated(
        self,
        sequence: RecordedSequence,
        cropped: bool,
        annotations: Annotations,
        select: SelectConfig,
        report: Report,
    ) -> Iterator[FrameRow]:
        """Yield the rows of a sequence with its FACS codes and landmarks."""
        key = (sequence.subject, sequence.name)
        codes: dict[str, float] | None = None
        # The crops of CK+48 are the last three frames of each sequence.
        for row in self.rows(sequence, select, report, peak_only=cropped):
            if codes is None:
                codes = annotations.codes(key, report)
            assert row.frame is not None
            yield row._replace(
                attributes=None if row.role == "neutral" else codes or None,
                # The landmarks belong to the whole photograph, not to a crop of it.
                landmarks68=None if cropped else annotations.points(key, row.frame, report),
            )


def _expressions(
    collection: Collection, annotations: Annotations, select: SelectConfig, report: Report
) -> dict[SequenceKey, str | None]:
    """Return the expression of each sequence to select, in sorted order."""
    if not collection.cropped and not annotations.labels:
        report.note("no *_emotion.txt anywhere: every sequence counts as unlabelled")
    expressions: dict[SequenceKey, str | None] = {}
    for key in sorted(collection.sequences):
        if collection.cropped:
            expressions[key] = collection.expressions[key]
            continue
        expression = annotations.label(key, report)
        if expression is not None or select.unlabelled:
            expressions[key] = expression
        else:
            reason = "sequence without a label (select.unlabelled=true keeps it)"
            report.leave_out(reason, "/".join(key))
    return expressions


READER = CKPlus()
