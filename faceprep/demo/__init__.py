"""Render a dataset of faces from a parametric model, with known truth and the layout of a real one.

A head is a depth map with painted skin and hair (`surface`, `skin`, `hair`), deformed by action
units (`action_units`, `furrows`), posed and projected (`camera`, `warp`), and lit (`light`). Eyes,
mouth and brows are painted into the image (`eyes`, `mouth`, `brows`). `face.render_face` renders
one image, `sequence` renders sequences, `layouts` define folders, and `store.render_demo` writes a
dataset.
"""

from faceprep.demo.face import render_face
from faceprep.demo.settings import DemoSettings
from faceprep.demo.store import render_demo

__all__ = ["DemoSettings", "render_demo", "render_face"]
