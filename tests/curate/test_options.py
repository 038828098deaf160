"""Options of parameters: drawn from the model, laid over params.yaml, handed in as one model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner, Result

from curate.base.cli import AsJson, new_app, with_parameters
from curate.base.errors import UserError
from curate.base.params import Parameters

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command that prints what it was handed, in a folder with a params.yaml."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("stride: 3\ncap: 7\n")
    Path("other.yaml").write_text("stride: 9\n")
    app = new_app("A program.")

    @app.command()
    @with_parameters(
        *("stride", "distance", "cap"),
        decode="--full-decode=full",
        same_labels="--same-labels/--any-labels",
    )
    def show(
        path: Annotated[str | None, typer.Argument()] = None,
        *,
        p: Parameters,
        stride: int | None,
        extra: Annotated[str, typer.Option()] = "extra",
        as_json: AsJson = False,
    ) -> None:
        print(path, stride, extra, p.stride, p.distance, p.cap, p.decode, p.same_labels)

    return lambda *words: CliRunner().invoke(app, ["show", *words])


@pytest.mark.parametrize(
    ("words", "handed"),
    [
        ("", "None None extra 3 0 7 reduced True"),
        ("a --stride 2 --extra b", "a 2 b 2 0 7 reduced True"),
        ("--cap auto --any-labels", "None None extra 3 0 auto reduced False"),
        ("--full-decode --distance -1", "None None extra 3 -1 7 full True"),
        ("--params other.yaml --cap 0", "None None extra 9 0 0 reduced True"),
    ],
)
def test_options_win_over_the_file_and_that_over_defaults(
    run: Run, words: str, handed: str
) -> None:
    assert run(*words.split()).output == f"{handed}\n"


def test_a_wrong_value_is_refused_as_the_model_words_it(run: Run) -> None:
    error = run("--cap", "-1").exception
    assert isinstance(error, UserError)
    assert "option: cap: '-1' is not allowed" in str(error)


def test_options_stand_in_the_place_of_p_with_what_is_allowed_and_the_default(run: Run) -> None:
    text = " ".join(run("--help").output.replace("│", " ").split())
    options = ("--stride", "--distance", "--cap", "--full-decode", "--same-labels", "--any-labels")
    places = [text.index(f" {name} ") for name in (*options, "--extra", "--params", "--json")]
    assert places == sorted(places)
    assert "bits within which a frame is a near-duplicate" in text
    assert "the median one's: auto [params.yaml, else 400]" in text
    assert "same labels [params.yaml, else true]" in text
