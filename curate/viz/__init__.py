"""How pictures and pages look: one style, one way to show a frame."""
