"""Faces drawn from a parametric model, on disk like a real dataset, with their truth known.

A head is a depth map with painted skin and hair (`surface`, `skin`, `hair`), moved by action units
(`action_units`, `furrows`), turned and projected (`pose`, `warp`), lit (`light`), and completed
with eyes, mouth and brows in the picture (`eyes`, `mouth`, `brows`). `face.render_face` puts one
picture together, `sequence` a film of it, `layouts` a dataset, and `store.render_demo` does it all.
"""

from faceprep.demo.face import render_face
from faceprep.demo.settings import DemoSettings
from faceprep.demo.store import render_demo

__all__ = ["DemoSettings", "render_demo", "render_face"]
