"""A procedural face, moved by action units: no footage, no model, only NumPy and OpenCV."""

from curate.face.identity import Identity, make_identity
from curate.face.render import Renderer, render_face
from curate.face.scene import Light, Pose
from curate.face.units import ACTION_UNITS

__all__ = [
    "ACTION_UNITS",
    "Identity",
    "Light",
    "Pose",
    "Renderer",
    "make_identity",
    "render_face",
]
