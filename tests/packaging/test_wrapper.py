"""./drillbook makes .venv when it must, never when it need not, and says in one line why it cannot.

The checkout of these tests is small enough to be set up at once: the real wrapper, and a uv that only pretends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
COREUTILS = ("cksum", "tr", "dirname", "readlink", "mkdir", "cat", "sleep", "ln", "echo")

FAKE_UV = """\
#!/bin/sh
echo "$*" >> "$UV_LOG"
for last; do :; done
case "$*" in
    venv*)
        sleep "${UV_SLEEP:-0}"
        mkdir -p "$last/bin" && echo "home = x" > "$last/pyvenv.cfg" && ln -s "$REAL_PYTHON" "$last/bin/python" ;;
    *constraints.txt*) [ -z "${UV_FAILS:-}" ] || { echo "error: no route to the index" >&2; exit 1; } ;;
esac
"""


@dataclass
class Checkout:
    """Runs ./drillbook of ``folder`` with nothing but ``bin`` on PATH. Its command line only prints its arguments."""

    folder: Path
    bin: Path
    log: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def venv(self) -> Path:
        return self.folder / ".venv"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": str(self.bin),
            "UV_LOG": str(self.log),
            "REAL_PYTHON": sys.executable,
            "PYTHONPATH": str(self.folder / "stub"),
            **self.variables,
        }

    def start(self, *arguments: str, script: Path | None = None, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(script or self.folder / "drillbook"), *arguments],
            env=self.environment,
            cwd=cwd or "/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *arguments: str, script: Path | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, script=script, cwd=cwd)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def times_made(self) -> int:
        return sum(line.startswith("venv") for line in self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder, programs = tmp_path / "a check out", tmp_path / "bin"
    for made in (folder / "scripts", folder / "stub" / "drillbook", programs):
        made.mkdir(parents=True)
    shutil.copy(REPOSITORY / "drillbook", folder)
    shutil.copy(REPOSITORY / "scripts" / "set_up.py", folder / "scripts")
    (folder / "constraints.txt").write_text("")
    (folder / "pyproject.toml").write_text("")
    (folder / "stub" / "drillbook" / "cli.py").write_text("import sys; print(sys.argv[1:])")
    (folder / "stub" / "pytest.py").write_text("import os, sys; print('pytest', sys.argv[1:], os.getcwd())")
    for name in COREUTILS:
        (programs / name).symlink_to(Path(str(shutil.which(name))))
    (programs / "python3").symlink_to(os.path.realpath(sys.executable))
    (programs / "uv").write_text(FAKE_UV)
    (programs / "uv").chmod(0o755)
    return Checkout(folder, programs, tmp_path / "uv.log")


def test_the_first_call_sets_up_and_hands_on_every_argument(checkout: Checkout) -> None:
    done = checkout.run("run", "my service", "--json", "out.json")
    assert done.stdout == "['run', 'my service', '--json', 'out.json']\n"
    assert "setting up .venv" in done.stderr
    assert done.returncode == 0


def test_the_second_call_sets_up_nothing(checkout: Checkout) -> None:
    checkout.run("list")
    done = checkout.run("list")
    assert (done.stdout, done.stderr) == ("['list']\n", "")
    assert checkout.times_made() == 1


def test_a_changed_lock_makes_the_environment_again(checkout: Checkout) -> None:
    checkout.run()
    (checkout.folder / "constraints.txt").write_text("# changed\n")
    checkout.run()
    assert checkout.times_made() == 2


def test_a_changed_project_file_makes_the_environment_again(checkout: Checkout) -> None:
    checkout.run()
    (checkout.folder / "pyproject.toml").write_text("# changed\n")
    checkout.run()
    assert checkout.times_made() == 2


def test_a_moved_checkout_makes_its_environment_again(checkout: Checkout) -> None:
    checkout.run()
    moved = checkout.folder.with_name("moved")
    checkout.folder.rename(moved)
    checkout.folder = moved
    assert checkout.run("list").stdout == "['list']\n"
    assert checkout.times_made() == 2


def test_a_python_that_vanished_makes_the_environment_again(checkout: Checkout) -> None:
    checkout.run()
    (checkout.venv / "bin" / "python").unlink()
    (checkout.venv / "bin" / "python").symlink_to("/nowhere/python3")
    assert checkout.run("list").stdout == "['list']\n"
    assert checkout.times_made() == 2


def test_a_half_made_environment_is_made_again(checkout: Checkout) -> None:
    checkout.venv.mkdir()
    (checkout.venv / "drillbook-stamp").write_text("unfinished")
    (checkout.venv / "pyvenv.cfg").write_text("home = x")
    assert checkout.run("list").stdout == "['list']\n"
    assert checkout.times_made() == 1


def test_two_first_calls_at_once_make_one_environment(checkout: Checkout) -> None:
    checkout.variables["UV_SLEEP"] = "0.5"
    first, second = checkout.start("list"), checkout.start("plan")
    said = first.communicate(timeout=60)[1] + second.communicate(timeout=60)[1]
    assert (first.returncode, second.returncode) == (0, 0)
    assert checkout.times_made() == 1
    assert "another set-up is running" in said


def test_a_killed_set_up_leaves_no_lock_behind(checkout: Checkout) -> None:
    checkout.variables["UV_SLEEP"] = "1"
    process = checkout.start("list")
    while not checkout.log.exists():
        assert process.poll() is None
        time.sleep(0.02)  # noqa: TID251 - a real process is waited for
    process.kill()
    process.communicate(timeout=60)
    checkout.variables["UV_SLEEP"] = "0"
    assert checkout.run("list").stdout == "['list']\n"


def test_it_works_through_a_symbolic_link_from_anywhere(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "book"
    link.symlink_to(Path("..") / checkout.folder.name / "drillbook")
    assert checkout.run("list", script=link, cwd=tmp_path).stdout == "['list']\n"
    assert checkout.venv.is_dir()


def test_test_runs_the_suite_in_the_checkout(checkout: Checkout, tmp_path: Path) -> None:
    assert checkout.run("test", "-k", "a b", cwd=tmp_path).stdout == f"pytest ['-k', 'a b'] {checkout.folder}\n"


def test_the_environment_may_stand_elsewhere(checkout: Checkout, tmp_path: Path) -> None:
    checkout.variables["DRILLBOOK_VENV"] = "else where"
    assert checkout.run("list", cwd=tmp_path).stdout == "['list']\n"
    assert (tmp_path / "else where" / "drillbook-stamp").is_file()
    assert not checkout.venv.exists()


def test_an_environment_that_somebody_else_made_is_left_alone(checkout: Checkout) -> None:
    checkout.venv.mkdir()
    (checkout.venv / "pyvenv.cfg").write_text("home = x")
    done = checkout.run("list")
    assert done.returncode == 2
    assert "was not made by ./drillbook — move it" in done.stderr
    assert (checkout.venv / "pyvenv.cfg").read_text() == "home = x"


def test_without_a_new_enough_python_it_says_what_to_install(checkout: Checkout) -> None:
    (checkout.bin / "python3").unlink()
    (checkout.bin / "python3").write_text("#!/bin/sh\nexit 1\n")
    (checkout.bin / "python3").chmod(0o755)
    done = checkout.run("list")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no Python 3.11 or newer" in done.stderr
    assert "apt install python3" in done.stderr


def test_a_newer_python_under_another_name_is_found(checkout: Checkout) -> None:
    (checkout.bin / "python3").rename(checkout.bin / "python3.12")
    assert checkout.run("list").stdout == "['list']\n"


@pytest.mark.slow
def test_a_failing_uv_is_told_and_pip_is_tried(checkout: Checkout) -> None:
    checkout.variables["UV_FAILS"] = "1"
    checkout.variables["PIP_NO_INDEX"] = "1"
    (checkout.folder / "constraints.txt").write_text(f"nothing-like-it==1 --hash=sha256:{'0' * 64}\n")
    done = checkout.run("list")
    assert done.returncode == 2
    assert "uv could not install constraints.txt" in done.stderr
    assert "no route to the index" in done.stderr
    assert "pip could not install constraints.txt: check the network" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_python_without_venv_names_the_package_that_brings_it(checkout: Checkout) -> None:
    (checkout.bin / "uv").unlink()
    script = checkout.folder / "scripts" / "set_up.py"
    crippled = script.read_text().replace("import sys\n", "import sys\nsys.modules['ensurepip'] = None\n", 1)
    script.write_text(crippled)
    done = checkout.run("list")
    assert done.returncode == 2
    assert f"apt install python{sys.version_info.major}.{sys.version_info.minor}-venv" in done.stderr
