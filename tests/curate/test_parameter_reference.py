"""The reference of parameters says what the model checks; docs/parameters.md is what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from curate.base.params import Parameters
from curate.cli import reference

ROOT = Path(__file__).parents[2]
PIPELINE = ROOT / "dvc.yaml"


@pytest.fixture(scope="module")
def entries():
    return {entry.name: entry for entry in reference.describe(reference.read_stages(PIPELINE))}


def test_the_page_is_what_the_command_prints(curate):
    printed = curate("parameters", "--markdown", "--pipeline", PIPELINE)
    assert printed.stdout == (ROOT / "docs" / "parameters.md").read_text(), (
        "run: curate parameters --markdown > docs/parameters.md"
    )


def test_every_parameter_stands_in_one_table_of_the_page(entries):
    stages = reference.read_stages(PIPELINE)
    page = reference.as_markdown(list(entries.values()), stages).splitlines()
    named = [line.split("`")[1] for line in page if line.startswith("| `")]
    assert sorted(named) == sorted(Parameters.model_fields)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("seed", "whole number from 0 to 2147483647"),
        ("demo_size", "whole number from 64 to 512, a multiple of 2"),
        ("positive_at", "number above 0, at most 5"),
        ("threshold", "number above 0, below 1"),
        ("stride", "whole number from 1 up"),
        ("frame_base", "auto, 0 or 1"),
        ("image_offset", "auto or whole number from -9 to 9"),
        ("cap", "auto or whole number from 0 up"),
        ("units", "list, each a whole number from 1 up"),
        ("action_units", "all or list, each a whole number from 1 to 64"),
        ("flip", "true or false"),
        ("footage", "text"),
    ],
)
def test_what_is_allowed_is_said_in_words(entries, name, allowed):
    assert entries[name].allowed == allowed


def test_what_a_table_calls_a_limit_is_one(entries):
    """Values at the limits are taken, values past them are not."""
    for name, least, most in [("demo_size", 64, 512), ("lr", 1e-9, 1), ("fold", 1, 100)]:
        assert getattr(Parameters(**{name: least}), name) == least
        assert getattr(Parameters(**{name: most}), name) == most
        with pytest.raises(ValueError, match=name):
            Parameters(**{name: most + 2})


def test_stages_are_those_that_name_a_parameter(entries):
    assert entries["seed"].stages == ("demo", "split", "shards", "fit", "evaluate")
    assert entries["lr"].stages == ("fit",)


def test_defaults_are_written_as_they_are_typed(entries):
    assert entries["unfreeze_lr"].default == "0.00002"
    assert entries["same_labels"].default == "true"
    assert entries["rotation"].default == "10"
    assert entries["units"].default == "[1000, 1000]"


def test_json_holds_values_and_the_table_every_name(curate):
    data = json.loads(curate("parameters", "--json", "--pipeline", PIPELINE).stdout)
    assert list(data) == sorted(Parameters.model_fields)
    assert data["lr"]["default"] == Parameters().lr
    table = curate("parameters", "--pipeline", PIPELINE).stdout
    assert all(f"\n{name} " in table for name in Parameters.model_fields)


@pytest.mark.parametrize("text", ["", "stages: 3", "stages: [", "other: {}", "- 1"])
def test_what_is_no_pipeline_is_said_to_be_none(curate, tmp_path, text):
    (tmp_path / "dvc.yaml").write_text(text)
    answer = curate("parameters")
    assert answer.returncode == 2
    assert answer.stderr == "curate: dvc.yaml: not a pipeline of DVC, with 'stages' at its top\n"


def test_without_a_pipeline_it_says_where_to_look(curate):
    answer = curate("parameters")
    assert answer.returncode == 2
    assert "dvc.yaml: no such pipeline; run this in the project's folder" in answer.stderr


def test_two_forms_at_once_are_refused(curate):
    answer = curate("parameters", "--json", "--markdown", "--pipeline", PIPELINE)
    assert answer.returncode == 2
    assert "choose one of them" in answer.stderr
