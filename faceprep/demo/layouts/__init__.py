"""The on-disk layouts of real datasets that the demo imitates."""

from faceprep.demo.layouts.base import Layout, Row, Shot
from faceprep.demo.layouts.celeba import CelebA
from faceprep.demo.layouts.ck_plus import CKPlus
from faceprep.demo.layouts.oulu_casia import OuluCasia

LAYOUTS: dict[str, Layout] = {
    "oulu-casia": OuluCasia(),
    "ck-plus": CKPlus(),
    "celeba": CelebA(),
}

__all__ = ["LAYOUTS", "Layout", "Row", "Shot"]
