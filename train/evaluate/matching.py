"""Whether a model and shards go together: action units, size of the pictures, crop."""

from __future__ import annotations

from curate.base.errors import UserError
from train.data import Shards
from train.model.load import Model


def require_same(model: Model, shards: Shards) -> None:
    """Let a model pass that learnt the action units of the shards from frames cut like theirs.

    Raises:
        UserError: it was trained for other action units, or on frames cut in another way.
    """
    if list(model.action_units) != shards.action_units:
        raise UserError(
            f"{model.path}: was trained for {', '.join(model.action_units)}, but the shards hold "
            f"{', '.join(shards.action_units)}",
            path=model.path,
        )
    other_crop = _other_crop(model, shards)
    if other_crop:
        raise UserError(
            f"{model.path}: {other_crop}; train it on these shards, or make these with that crop",
            path=model.path,
            key="crop",
        )


def shared_action_units(model: Model, shards: Shards) -> list[str]:
    """List the action units that the model predicts and the shards label, as the model has them.

    Raises:
        UserError: there is none, or the pictures are of another size.
    """
    if shards.image_size != model.image_size:
        raise UserError(
            f"{model.path}: takes pictures of {model.image_size} pixels, but the shards hold "
            f"{shards.image_size}; make them again with image_size {model.image_size}",
            path=model.path,
        )
    names = [name for name in model.action_units if name in shards.action_units]
    if not names:
        raise UserError(
            f"{model.path}: predicts {', '.join(model.action_units)}, of which the shards label "
            f"none (they hold {', '.join(shards.action_units)})",
            path=model.path,
        )
    return names


def matching_notes(model: Model, shards: Shards) -> list[str]:
    """List what the scores of a model on shards leave out, and whether the crops differ."""
    other_crop = _other_crop(model, shards)
    notes = [f"the model {other_crop}"] if other_crop else []
    unlabelled = [name for name in model.action_units if name not in shards.action_units]
    if unlabelled:
        names = ", ".join(unlabelled)
        notes.append(f"{names}: predicted, but the shards do not label them; left out")
    unpredicted = [name for name in shards.action_units if name not in model.action_units]
    if unpredicted:
        names = ", ".join(unpredicted)
        notes.append(f"{names}: labelled, but the model does not predict them; left out")
    return notes


def _other_crop(model: Model, shards: Shards) -> str:
    """Describe that the shards' frames are cut in another way than the model's; else nothing."""
    if None in (model.crop, shards.crop) or model.crop == shards.crop:
        return ""
    return f"was trained on frames cut with crop '{model.crop}', the shards' with '{shards.crop}'"
