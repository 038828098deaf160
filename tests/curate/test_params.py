"""Parameters: one sentence for a wrong key or value, and the option wins over the file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters, format_setting, format_value, load_parameters


def write(folder: Path, text: str) -> Path:
    path = folder / "params.yaml"
    path.write_text(text)
    return path


def test_default_file_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_parameters(Path("params.yaml")) == Parameters() == load_parameters(None)


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mine\.yaml: no such parameter file"):
        load_parameters(tmp_path / "mine.yaml")


def test_option_wins_over_file_over_default(tmp_path: Path) -> None:
    path = write(tmp_path, "stride: 3\ncap: 7\n")
    read = load_parameters(path, stride=2, cap=None)
    assert (read.stride, read.cap, read.distance) == (2, 7, Parameters().distance)


def test_shipped_file_holds_every_key_and_the_defaults() -> None:
    path = Path(__file__).parents[2] / "params.yaml"
    keys = {line.split(":")[0] for line in path.read_text().splitlines() if line[:1].isalpha()}
    assert keys == set(Parameters.model_fields)
    assert load_parameters(path) == Parameters()


def test_a_limit_that_is_refused_is_not_written_as_one_that_is_taken() -> None:
    """Of "0-1" one reads that 0 and 1 are allowed."""
    written = (Path(__file__).parents[2] / "params.yaml").read_text()
    comments = dict(re.findall(r"^(\w+): .*?# (.*)$", written, re.MULTILINE))
    for name, field in Parameters.model_fields.items():
        if any(hasattr(limit, "gt") for limit in field.metadata):
            assert re.match(r"\D*(> 0|above 0)", comments[name]), name


def test_parameters_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Parameters().stride = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("strid: 5", "unknown parameter 'strid': did you mean 'stride'?"),
        ("zzzzzz: 5", "unknown parameter 'zzzzzz': see params.yaml for the keys"),
        ("stride: 0", "stride: 0 is not allowed, must be greater than or equal to 1 (keep every"),
        ("stride: true", "stride: True is not allowed, must be a number, not true or false"),
        ("lr: false", "lr: False is not allowed, must be a number, not true or false (learning"),
        ("stride: often", "stride: 'often' is not allowed, must be a whole number (keep"),
        ("stride: 2.5", "stride: 2.5 is not allowed, must be a whole number (keep"),
        ("same_labels: 1", "same_labels: 1 is not allowed, must be true or false (drop"),
        ("lr: fast", "lr: 'fast' is not allowed, must be a number (learning"),
        (
            "folds: two",
            "folds: 'two' is not allowed, must be 'disfa' or 'bp4d' or a whole number (",
        ),
        ("cap: Auto", "cap: 'Auto' is not allowed, must be 'auto' or a whole number (most"),
        ("action_units: 12", "12 is not allowed, must be 'all' or a list, such as [1, 2] (action"),
        (
            "frame_base: true",
            "frame_base: True is not allowed, must be a number, not true or false",
        ),
        ("lr: .nan", "lr: nan is not allowed, must be a finite number"),
        ("scope: film", "scope: 'film' is not allowed, must be 'clip', 'subject' or 'all'"),
        ("demo_size: 65", "demo_size: 65 is not allowed, must be a multiple of 2"),
        ("units: [10, 0]", "units: 0 is not allowed"),
        ("stride: [", "not a YAML file: while parsing"),
        ("just words", "must hold one 'key: value' a line"),
        ("- 1\n- 2", "must hold one 'key: value' a line"),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(tmp_path: Path, text: str, sentence: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserError) as raised:
        load_parameters(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_bytes_that_are_no_text_are_no_yaml(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"stride: \xff\xfe")
    with pytest.raises(UserError, match="not a YAML file"):
        load_parameters(path)


def test_a_wrong_option_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^option: cap: -1 is not allowed"):
        load_parameters(write(tmp_path, "cap: 3"), cap=-1)


@pytest.mark.parametrize(
    ("key", "value", "typed"),
    [
        ("flip", True, "true"),
        ("unfreeze_lr", 2e-05, "0.00002"),
        ("lr", 0.0008, "0.0008"),
        ("rotation", 10.0, "10.0"),
        ("units", [1000, 64], "[1000, 64]"),
        ("footage", "Füße/a", "Füße/a"),
        ("stride", 5, "5"),
    ],
)
def test_a_value_is_written_as_it_is_typed(
    tmp_path: Path, key: str, value: Any, typed: str
) -> None:
    assert format_value(value) == typed
    assert getattr(load_parameters(write(tmp_path, f"{key}: {typed}")), key) == value


@pytest.mark.parametrize(
    ("value", "setting"),
    [
        (2e-05, "lr=0.00002"),
        ([64, 32], "lr=[64, 32]"),
        ("a/b.keras", "lr=a/b.keras"),
        ("my films", 'lr="my films"'),
        ("1e-3", 'lr="1e-3"'),
    ],
)
def test_a_setting_is_quoted_where_hydra_would_read_something_else(
    value: Any, setting: str
) -> None:
    assert format_setting("lr", value) == setting


@pytest.mark.parametrize(
    ("wanted", "allowed"), [("all", True), ([1, 12], True), ([0], False), ("AU1", False)]
)
def test_action_units_are_all_or_numbers(tmp_path: Path, wanted: Any, allowed: bool) -> None:
    path = write(tmp_path, f"action_units: {wanted}")
    if allowed:
        assert load_parameters(path).action_units == wanted
    else:
        with pytest.raises(UserError, match="action_units"):
            load_parameters(path)
