"""The documents say what is so: their commands run, their links lead somewhere.

Each document is gone through from top to bottom in a small project whose pipeline has run, as its
reader would. What a test cannot run stands in NOT_RUN, with the reason, and is at least parsed.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from curate.base.params import Parameters
from tests.documented_commands import GROUPS, check_names, check_whole, ours
from tests.documented_project import PROJECT, lay_down, prepare, run
from tests.documents import DOCUMENTS, ROOT, Block, anchors, blocks, inline_code, links, prose
from tests.warm_programs import warm_programs

# How a command begins that is not run here, and why.
NOT_RUN = {
    "python3.11 -m venv": "sets a machine up: .ci/run does what the README says",
    "pip install": "downloads packages, of which this machine has what the tests need",
    "sbatch ": "needs a cluster; the job itself is run as `bash rates.sbatch`",
    "dvc exp run -S backbone=MobileNetV2": "downloads weights",
}
# What is run in another form than it is written, and why.
SUBSTITUTED = {
    "--subjects 24 --frames 400 --size 128": (
        "--subjects 4 --frames 130 --size 64",
        "smaller footage goes the same way",
    ),
    "for k in 1 2 3;": ("for k in 3;", "one fold of three runs as the others do"),
}
# A document that is gone through in a folder of a reader's own, with files of the packages' names.
ELSEWHERE = "docs/python.md"
# A document whose sections each start from the project as `dvc repro` leaves it.
DIVIDED = "README.md"


@dataclass(frozen=True)
class Part:
    """What is gone through in one project: a document, or a section of one that is divided."""

    name: str
    blocks: list[Block]


def parts() -> list[Part]:
    """List the documents, or their sections, that have something to run; most trainings first."""
    found: dict[str, list[Block]] = {}
    for document in DOCUMENTS:
        for block in blocks(document):
            name = f"{document}: {block.section}" if document == DIVIDED else document
            found.setdefault(name, []).append(block)
    listed = [Part(name, held) for name, held in found.items() if any(map(script, held))]
    return sorted(listed, key=lambda part: -sum(map(trainings, part.blocks)))


def trainings(block: Block) -> int:
    """Count the commands of a block that train."""
    return len(re.findall(r"dvc (?:exp run|repro)", script(block)))


def script(block: Block) -> str:
    """Return what to run of a block: nothing of one that is a file or shows an output."""
    if block.title or block.language not in ("bash", "python"):
        return ""
    if block.language == "python":
        return f"python -c {shlex.quote(block.text)}"
    text = "\n".join(line for line in block.commands if reason_not_to_run(line) is None)
    for written, (instead, _) in SUBSTITUTED.items():
        text = text.replace(written, instead)
    return text


def reason_not_to_run(command: str) -> str | None:
    """Return why a command is not run here; None where it is."""
    return next((why for start, why in NOT_RUN.items() if command.startswith(start)), None)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The home that documents start from, the same one for all workers of pytest-xdist."""
    own = tmp_path_factory.getbasetemp()
    return prepare(own if worker_id == "master" else own.parent)


@pytest.fixture(scope="session")
def programs() -> Iterator[Path]:
    """The folder of `curate` and `train` as scripts start them."""
    with warm_programs() as folder:
        yield folder


@pytest.mark.early
@pytest.mark.parametrize("part", parts(), ids=lambda part: part.name)
def test_a_documents_commands_run_one_after_the_other(part, prepared, programs, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(prepared, home, symlinks=True)
    project = folder = home / PROJECT
    if part.name == ELSEWHERE:
        folder = a_folder_of_ones_own(home)
    for block in part.blocks:
        if block.title:
            lay_down(project, block)
        elif to_run := script(block):
            print(f"--- {block.place}\n{to_run}")
            said, folder = run(home, folder, to_run, programs)
            print(said)


def a_folder_of_ones_own(home: Path) -> Path:
    """Make a folder that holds nothing but files named as our packages are."""
    folder = home / "elsewhere"
    folder.mkdir()
    for name in ("curate", "train"):
        (folder / f"{name}.py").write_text("raise RuntimeError('not ours')\n")
    return folder


def all_blocks() -> list[Block]:
    """List the blocks of all documents."""
    return [block for document in DOCUMENTS for block in blocks(document)]


def test_a_command_that_is_not_run_exists_with_its_options():
    commands = [
        line for block in all_blocks() if block.language == "bash" for line in block.commands
    ]
    for command in filter(reason_not_to_run, commands):
        for words in ours(command):
            check_whole(words)


def test_each_exception_is_in_a_document():
    text = "\n".join(block.text for block in all_blocks())
    assert [one for one in (*NOT_RUN, *SUBSTITUTED) if one not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_and_files_named_in_the_prose_exist(document):
    written = {block.title for block in blocks(document)}
    for span in inline_code(prose(document)):
        for words in ours(span):
            check_names(words[: words.index("...")] if "..." in words else words)
        if module := re.match(r"python -m (benchmarks\.\w+)$", span):
            assert (ROOT / f"{module.group(1).replace('.', '/')}.py").exists(), span
        if re.match(r"(curate|train|tests|benchmarks|docs)/[\w/.-]+$", span):
            assert span in written or (ROOT / span).exists(), f"{document}: {span}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_settings_named_in_the_prose_are_allowed(document):
    for span in inline_code(prose(document)):
        key, _, value = span.partition(": ")
        if key in Parameters.model_fields and value:
            Parameters(**{key: yaml.safe_load(value)})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_pictures_lead_to_files_and_headings(document):
    for target in links(document):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / document).parent / path if path else ROOT / document
        assert found.exists(), f"{document}: {target} is not there"
        if anchor:
            assert anchor in anchors(found.resolve().relative_to(ROOT).as_posix()), target


def test_every_document_is_reached_from_the_readme():
    reached, ahead = set(), {"README.md"}
    while ahead:
        document = ahead.pop()
        reached.add(document)
        folder = (ROOT / document).parent
        for target in links(document):
            path = (folder / target.partition("#")[0]).resolve()
            if path.suffix == ".md" and path.is_relative_to(ROOT):
                ahead |= {path.relative_to(ROOT).as_posix()} - reached
    assert {*DOCUMENTS} - reached == set()


def helps() -> dict[str, str]:
    """Return the help of each program and of each of its commands."""
    found = {name: group.help for name, group in GROUPS.items()}
    for name, group in GROUPS.items():
        found |= {f"{name} {one}": command.help for one, command in group.commands.items()}
    return found


@pytest.mark.parametrize("command", helps())
def test_the_examples_of_a_commands_help_can_be_run(command):
    text = helps()[command]
    examples = [words for span in inline_code(text) for words in ours(span)]
    program = [words for words in examples if " ".join(words).startswith(command)]
    assert program, f"{command} --help has no example"
    for words in examples:
        check_whole(words)


def test_a_wrong_command_would_be_found():
    for wrong in ("curate dedupe", "curate dedup --strides 5", "dvc exp run --nam x", "dvc repo"):
        with pytest.raises(AssertionError):
            check_names(shlex.split(wrong))
    with pytest.raises(AssertionError, match="is no parameter"):
        check_names(["dvc", "exp", "run", "-S", "strides=1"])
