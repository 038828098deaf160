"""A procedural face, moved by action units: no footage, no model, only NumPy and OpenCV."""

from curate.demo.face.identity import Identity, make_identity
from curate.demo.face.render import Renderer, render_face
from curate.demo.face.scene import Light, Pose
from curate.demo.face.units import ACTION_UNITS

__all__ = [
    "ACTION_UNITS",
    "Identity",
    "Light",
    "Pose",
    "Renderer",
    "make_identity",
    "render_face",
]
