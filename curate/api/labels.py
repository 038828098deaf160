"""`curate.read_labels`: the labels of a data set as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from curate.base.arguments import PathLike, as_path, checked, warn

if TYPE_CHECKING:
    import polars as pl

Source = Literal["disfa", "ckplus", "bp4d", "bp4dplus", "openface", "libreface", "videos", "images"]


def read_labels(
    path: PathLike,
    source: Source | None = None,
    *,
    params: PathLike | None = None,
    **parameters: Any,
) -> pl.DataFrame:
    """Read the labels of footage: a row a labelled frame; unknown is null, never absent.

    Args:
        path: the footage's folder, or one video.
        source: the layout of the footage and of its labels [disfa].
        params: a file of parameters, over which the keywords win [none is read].
        parameters: of stage labels, such as `positive_at`, `camera`, `confidence` and
            `action_units`.

    Returns:
        A polars DataFrame, by clip and index: id, subject, clip (String), index (Int32); AU1, AU2,
        ... (Int8: 1 present, 0 absent, null unknown); AU1_intensity, ... (Float32, 0-5, null where
        not coded). What deserves a look is a `UserWarning`.

    Raises:
        BadParameterError: a value that is not allowed; its `key` says which.
        MissingInputError: nothing at `path`.
        DamagedInputError: a damaged label file, by file and row.
        UserError: an action unit asked for that the footage has no labels of.

    Example:
        >>> labels = curate.read_labels("footage", source="videos", positive_at=1)
        >>> labels["AU12"].to_list()
        [1, None, 0]
    """
    from curate.labels import collect_labels

    labels = collect_labels(as_path(path), checked(params, source=source, **parameters))
    warn(labels.notes)
    return labels.table
