"""A training that is killed and resumed ends as one that was not, to the byte."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from curate.base.params import Parameters
from train.fit.checkpoint import fingerprint, open_folder
from train.fit.stage import run as fit

ROOT = Path(__file__).parents[2]
KILLED = Path(__file__).with_name("killed.py")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A backbone of two blocks, the second with batch normalisation."""
    layers = keras.layers
    images = keras.Input((32, 32, 3))
    x = layers.AveragePooling2D(8)(layers.Rescaling(1 / 255)(images))
    x = layers.Conv2D(4, 1, name="block1_conv")(x)
    x = layers.BatchNormalization(name="block2_norm")(layers.Conv2D(4, 1, name="block2_conv")(x))
    path = tmp_path_factory.mktemp("backbone") / "two.keras"
    keras.utils.set_random_seed(3)
    keras.Model(images, layers.Flatten()(x)).save(path)
    return str(path)


STILL = {"rotation": 0, "shear": 0, "zoom": 0, "shift": 0, "flip": False, "brightness": 0}


@pytest.fixture(scope="module")
def parameters(backbone):
    def make(**given):
        small = {"backbone": backbone, "units": [8], "lr": 0.02, "batch_size": 4, "epochs": 4}
        return Parameters(**small | {"probe_frames": 50} | given)

    return make


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


CASES = {
    "augmented": {},
    "cached, fine-tuned, best kept": STILL
    | {"unfreeze": 1, "monitor": "loss", "schedule": "cosine", "weight": "inverse"},
}


@pytest.fixture(scope="module")
def killed(shards, parameters, tmp_path_factory):
    """Kill a training of each case three times; return its folder, steps reached, and notes."""
    folders = {case: tmp_path_factory.mktemp("killed") / "fit" for case in CASES}
    cases = {
        str(folders[case]): {"parameters": parameters(**given).model_dump_json(), "seed": seed}
        for seed, (case, given) in enumerate(CASES.items(), start=1)
    }
    ran = subprocess.run(
        [sys.executable, str(KILLED), str(shards), json.dumps(cases)],
        capture_output=True,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    assert ran.returncode == 0, ran.stderr
    reached = json.loads(ran.stdout)
    return {case: (folder, reached[str(folder)], ran.stderr) for case, folder in folders.items()}


@pytest.mark.parametrize("case", CASES)
def test_killed_three_times_it_ends_the_same(shards, parameters, killed, tmp_path, case):
    folder, reached, notes = killed[case]
    assert len(reached) == 3
    assert reached == sorted(reached)
    assert reached[0] > 0
    resumed = [line for line in notes.splitlines() if "resuming at epoch" in line]
    assert len([line for line in resumed if str(folder.parent) in line]) == 3
    written = parameters(**CASES[case]).model_dump_json()
    fit(shards, tmp_path / "fit", Parameters.model_validate_json(written))
    assert files(folder) == files(tmp_path / "fit")
    assert [path.name for path in folder.parent.iterdir()] == ["fit"]


def test_the_fingerprint_tells_input_apart(shards, parameters, tmp_path):
    other = shutil.copytree(shards, tmp_path / "other")
    assert fingerprint(other, parameters()) == fingerprint(shards, parameters())
    assert fingerprint(shards, parameters(lr=0.01)) != fingerprint(shards, parameters())
    assert fingerprint(shards, parameters(threshold=0.4)) == fingerprint(shards, parameters())
    path = next(other.glob("*-moments.tfrecord-*"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert fingerprint(other, parameters()) != fingerprint(shards, parameters())
    before, backbone = fingerprint(shards, parameters()), tmp_path / "own.keras"
    shutil.copy(parameters().backbone, backbone)
    first = fingerprint(shards, parameters(backbone=str(backbone)))
    backbone.write_bytes(b"another")
    assert len({before, first, fingerprint(shards, parameters(backbone=str(backbone)))}) == 3


def test_a_checkpoint_of_other_input_is_removed_and_noted(tmp_path, caplog):
    folder = open_folder(tmp_path / "fit", "one")
    (folder / "state.npz").write_bytes(b"state")
    assert open_folder(tmp_path / "fit", "one") == folder
    assert (folder / "state.npz").exists()
    assert not caplog.messages
    open_folder(tmp_path / "fit", "other")
    assert not (folder / "state.npz").exists()
    assert caplog.messages == [f"{folder}: is of other shards, parameters or code; starting over"]


def test_only_what_dead_processes_left_is_removed(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f".fit.{dead.pid}.partial"
    alive, other = tmp_path / f".fit.{os.getpid()}.partial", tmp_path / ".fitter.partial"
    for folder in (left, alive, other):
        folder.mkdir()
    open_folder(tmp_path / "fit", "one")
    assert not left.exists()
    assert alive.exists()
    assert other.exists()


def test_a_damaged_state_is_noted_and_training_starts_over(shards, parameters, tmp_path, caplog):
    chosen = parameters(epochs=1)
    folder = open_folder(tmp_path / "fit", fingerprint(shards, chosen))
    (folder / "state.npz").write_bytes(b"PK\x03\x04 not a state")
    fit(shards, tmp_path / "fit", chosen)
    assert re.search(r"state\.npz: not readable \(.*\); starting over", caplog.text)
    fit(shards, tmp_path / "whole", chosen)
    assert files(tmp_path / "fit") == files(tmp_path / "whole")
