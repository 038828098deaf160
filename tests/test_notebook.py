"""The notebook of the documentation runs, in a folder of a reader's own, and ends in a verdict."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
# Smaller footage goes the same way.
WRITTEN, INSTEAD = "--subjects 10 --frames 240", "--subjects 5 --frames 120"


def outputs(cell: nbformat.NotebookNode) -> str:
    """Join what a cell shows as text."""
    shown = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs]
    return "".join(shown)


@pytest.mark.early
def test_the_notebook_goes_from_footage_to_a_verdict(tmp_path, monkeypatch):
    for name in ("curate", "train"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not ours')\n")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    text = NOTEBOOK.read_text()
    assert text.count(WRITTEN) >= 1
    notebook = nbformat.reads(text.replace(WRITTEN, INSTEAD), as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    shown = {cell.source.splitlines()[0]: outputs(cell) for cell in code_cells(notebook)}
    verdict = next(text for first, text in shown.items() if first.startswith("common = "))
    assert "After 2 epochs: " in verdict
    table = next(text for first, text in shown.items() if first.startswith("thinned = "))
    assert "every frame" in table
    assert "one in five" in table


def test_the_notebook_is_kept_as_it_was_run():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(out.output_type != "error" for cell in cells for out in cell.outputs)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
