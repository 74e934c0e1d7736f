"""Imitate the folders and annotation files of real datasets."""

from faceprep.demo.layouts.base import Layout, PlannedSequence, Row
from faceprep.demo.layouts.celeba import CelebA
from faceprep.demo.layouts.ck_plus import CKPlus
from faceprep.demo.layouts.oulu_casia import OuluCasia

LAYOUTS: dict[str, Layout] = {
    "oulu-casia": OuluCasia(),
    "ck-plus": CKPlus(),
    "celeba": CelebA(),
}

__all__ = ["LAYOUTS", "Layout", "PlannedSequence", "Row"]
