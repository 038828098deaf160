"""DVCLive's files of a training, written without asking anything of git or DVC."""

from __future__ import annotations

from pathlib import Path

from dvclive import Live


class LiveLog(Live):
    """Writes a training's figures below a folder as DVCLive's tables, and touches nothing else."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), dvcyaml=None, save_dvc_exp=False)

    def _init_dvc(self) -> None:
        """Look for no repository.

        DVCLive 3.49.1 wants one only to save experiments and to write dvc.yaml, both of which
        `dvc exp run` does here. Looking for it fails in a git repository without a commit, and
        makes a DVC project of one that is none.
        """
