"""JSON files of a stage: what is written is read again, what is damaged is told."""

from __future__ import annotations

import pytest

from curate.base.errors import UserError
from curate.base.files import read_json, write_json


def test_what_is_written_is_read(tmp_path):
    content = {"gap": 0.25, "cause": None, "names": ["AU1", "AU12"]}
    write_json(content, tmp_path / "gap.json")
    assert read_json(tmp_path / "gap.json", "train fit", "gap", "cause") == content
    assert (tmp_path / "gap.json").read_text().startswith('{\n  "gap": 0.25,\n')


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (None, "no such file; make it with 'train fit' or 'dvc repro'"),
        ("{", r"not JSON \(.+\); make it again with 'train fit'"),
        ("[1]", "not a JSON object; make it again with 'train fit'"),
        ('{"early": 1}', "lacks 'final'; make it again with 'train fit'"),
    ],
    ids=["missing", "cut", "list", "key"],
)
def test_a_file_of_something_else_is_told(tmp_path, written, fault):
    path = tmp_path / "gap.json"
    if written is not None:
        path.write_text(written)
    with pytest.raises(UserError, match=f"gap.json: {fault}$"):
        read_json(path, "train fit", "early", "final")
