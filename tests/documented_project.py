"""A home with a small project in it, whose pipeline has run, for the commands of the documents.

The pipeline is run by the installed programs. What a document runs after that may take them from
another folder (`programs`), where they start faster.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import keras
import yaml

from tests.documents import ROOT, Block

PROJECT = "framewise"  # its folder in the home
# Documents may set these; here they stay small, so that a run of the stages takes seconds.
BACKBONE = "small.keras"
SMALL = {
    "demo_subjects": 4,
    "demo_frames": 130,
    "demo_size": 64,
    "image_size": 32,
    "dropped_frames": 60,
    "backbone": BACKBONE,
    "units": [8],
    "rotation": 0,
    "shear": 0,
    "zoom": 0,
    "shift": 0,
    "flip": False,
    "brightness": 0,
    "epochs": 1,
    "probe_frames": 50,
}
_GIT_CONFIG = """[user]
    name = Someone
    email = someone@example.org
[init]
    defaultBranch = main
"""


def prepare(shared: Path) -> Path:
    """Make the home that all documents start from, once for all processes that share a folder."""
    home = shared / "documented"
    with (shared / "documented.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "documented.done").exists():
            shutil.rmtree(home, ignore_errors=True)
            _make(home)
            (shared / "documented.done").touch()
    return home


def _make(home: Path) -> None:
    project = home / PROJECT
    project.mkdir(parents=True)
    (home / ".gitconfig").write_text(_GIT_CONFIG)
    _copy_tracked(project)
    set_parameters(project, SMALL)
    _save_backbone(project / BACKBONE)
    script = """
        git init -q
        git add -A
        git commit -qm "The project"
        dvc repro -q
        git commit -qam "Run the pipeline"
    """
    run(home, project, script)
    _write_footage(home, project / "data/demo/Videos_LeftCamera")


def _copy_tracked(project: Path) -> None:
    """Copy what git keeps, or would keep, of this checkout."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).exists():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, project / name)


def _save_backbone(path: Path) -> None:
    images = keras.Input((None, None, 3))
    pixels = keras.layers.Rescaling(1 / 255)(images)
    convolution = keras.layers.Conv2D(8, 3, strides=4, activation="relu", name="block1_conv")
    keras.utils.set_random_seed(0)
    keras.Model(images, convolution(pixels)).save(path)


def _write_footage(home: Path, videos: Path) -> None:
    """Write the folders of footage that the documents' commands take for those of a reader."""
    for number, video in enumerate(sorted(videos.iterdir())):
        person = f"SN{number + 1:03d}"
        for folder in ("videos", "train" if number < 2 else "validation"):
            (home / folder / person).mkdir(parents=True)
            shutil.copy(video, home / folder / person / f"first{video.suffix}")
        _write_images(video, home / "faces" / person)
        _write_images(video, home / ("old" if number < 2 else "new") / person)


def _write_images(video: Path, folder: Path, every: int = 4) -> None:
    folder.mkdir(parents=True)
    capture = cv2.VideoCapture(str(video))
    index = 0
    while (read := capture.read())[0]:
        if index % every == 0:
            cv2.imwrite(str(folder / f"{index:06d}.jpg"), read[1])
        index += 1
    capture.release()


def set_parameters(project: Path, values: dict[str, object]) -> None:
    """Set keys of the project's params.yaml, as an editor would: comments stay."""
    path = project / "params.yaml"
    text = path.read_text()
    for key, value in values.items():
        shown = yaml.safe_dump(value, default_flow_style=True).splitlines()[0]
        line = re.compile(rf"^{key}: .*?(?=\s+#|$)", re.MULTILINE)
        text, count = line.subn(f"{key}: {shown}", text)
        assert count == 1, f"params.yaml has no key {key}"
    path.write_text(text)


def environment(home: Path, programs: Path | None = None) -> dict[str, str]:
    """Return the environment in which commands run: that home, the project's own code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # a reader's second command finds the code compiled
    folders = [programs, Path(sys.executable).parent, os.environ["PATH"]]
    return kept | {
        "HOME": str(home),
        "PATH": ":".join(str(folder) for folder in folders if folder),
        "PYTHONPATH": str(home / PROJECT),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "DVC_SITE_CACHE_DIR": str(home / ".dvc-site"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "DVC_NO_ANALYTICS": "1",
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }


def run(home: Path, folder: Path, script: str, programs: Path | None = None) -> tuple[str, Path]:
    """Run a script of bash in a folder; return what it printed, and the folder it ended in.

    Raises:
        AssertionError: one of its commands failed.
    """
    ended_in = home / ".ended_in"
    whole = f'set -euo pipefail\n{script}\npwd > "{ended_in}"\n'
    done = subprocess.run(
        ["bash", "-c", whole],
        cwd=folder,
        env=environment(home, programs),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{script}\nended with {done.returncode}:\n{done.stdout}"
    return done.stdout, Path(ended_in.read_text().strip())


def lay_down(project: Path, block: Block) -> None:
    """Do with a block that names a file what its reader does: write, set keys, or edit."""
    assert block.title is not None
    path = project / block.title
    if block.title == "params.yaml":
        values = yaml.safe_load(block.text)
        set_parameters(project, {key: SMALL.get(key, value) for key, value in values.items()})
    elif block.language == "diff":
        old, new = ([x[1:] for x in block.text.splitlines() if x[0] == sign] for sign in "-+")
        text = path.read_text()
        assert text.count("\n".join(old)) == 1, f"{block.place}: is not in {block.title}"
        path.write_text(text.replace("\n".join(old), "\n".join(new)))
    else:
        path.write_text(block.text)
