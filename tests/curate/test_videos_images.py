"""Plain videos and folders of images: subject and clip from the path, images in natural order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from curate.base.errors import UserError
from curate.base.params import Parameters
from curate.sources import find_clips, images, videos

P = Parameters()


def lay(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_videos_are_named_by_their_path_and_subject_by_its_first_part(tmp_path: Path) -> None:
    lay(tmp_path, "ann/day1/talk.mp4", "ann/day2/talk.MOV", "bob.avi", "notes.txt")
    found = [(clip.name, clip.subject) for clip in videos.find_clips(tmp_path, P)]
    assert found == [("ann/day1/talk", "ann"), ("ann/day2/talk", "ann"), ("bob", "bob")]


def test_one_video_is_footage(tmp_path: Path) -> None:
    lay(tmp_path, "ann.mp4", "bob.mp4")
    assert [c.name for c in videos.find_clips(tmp_path / "ann.mp4", P)] == ["ann"]


def test_images_are_frames_in_natural_order(tmp_path: Path) -> None:
    lay(tmp_path, "ann/c/img10.png", "ann/c/img2.JPG", "ann/c/notes.txt", "bob/img1.png")
    first, second = images.find_clips(tmp_path, P)
    assert [path.name for path in first.images] == ["img2.JPG", "img10.png"]
    assert [(c.name, c.subject) for c in (first, second)] == [("ann/c", "ann"), ("bob", "bob")]


def test_images_at_the_top_are_a_clip_named_as_the_folder(tmp_path: Path) -> None:
    lay(tmp_path / "faces", "1.png")
    clip = images.find_clips(tmp_path / "faces", P)[0]
    assert (clip.name, clip.subject) == ("faces", "faces")


def test_two_videos_of_one_clip_name_are_refused(tmp_path: Path) -> None:
    lay(tmp_path, "ann.avi", "ann.mp4")
    with pytest.raises(UserError, match=r"ann\.mp4: its clip name 'ann' is taken by .*ann\.avi"):
        videos.find_clips(tmp_path, P)


def test_two_image_folders_of_one_clip_name_are_refused_by_their_paths(tmp_path: Path) -> None:
    lay(tmp_path / "faces", "1.png", "faces/1.png")
    with pytest.raises(UserError) as raised:
        images.find_clips(tmp_path / "faces", P)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path}/faces/faces: its clip name 'faces' is taken by")
    assert "None" not in message


@pytest.mark.parametrize("source", ["videos", "images", "disfa", "openface"])
def test_missing_footage_is_named(tmp_path: Path, source: str) -> None:
    with pytest.raises(UserError, match="gone: no such footage; give an existing folder or video"):
        find_clips(tmp_path / "gone", Parameters.model_validate({"source": source}))


@pytest.mark.parametrize(
    ("source", "what"), [("videos", "video"), ("images", "image"), ("openface", "video")]
)
def test_a_folder_without_footage_is_named_with_what_is_looked_for(
    tmp_path: Path, source: str, what: str
) -> None:
    lay(tmp_path, "readme.md")
    with pytest.raises(UserError, match=rf"{tmp_path.name}: holds no {what} \(\."):
        find_clips(tmp_path, Parameters.model_validate({"source": source}))


def test_hidden_files_are_no_frames(tmp_path: Path, write_image: Callable[..., Path]) -> None:
    """macOS leaves `._NAME` files behind, which would shift every index."""
    for name in ("._f1.png", "f1.png"):
        write_image(tmp_path / "ann" / name)
    (clip,) = find_clips(tmp_path, Parameters(source="images"))
    assert [path.name for path in clip.images] == ["f1.png"]


def test_hidden_folders_hold_no_footage(tmp_path: Path) -> None:
    lay(tmp_path, "ann/1.png", ".thumbnails/ann/1.png", "ann/.cache/2.png")
    (clip,) = images.find_clips(tmp_path, P)
    assert [path.name for path in clip.images] == ["1.png"]


@pytest.mark.parametrize(
    ("source", "what"),
    [("ckplus", "image"), ("bp4d", "image"), ("bp4dplus", "image"), ("libreface", "video")],
)
def test_every_source_names_what_it_looks_for(tmp_path: Path, source: str, what: str) -> None:
    lay(tmp_path, "readme.md")
    parameters = Parameters.model_validate({"source": source})
    with pytest.raises(UserError, match=rf"{tmp_path.name}: holds no {what} \(\."):
        find_clips(tmp_path, parameters)
    with pytest.raises(UserError, match="gone: no such footage"):
        find_clips(tmp_path / "gone", parameters)
