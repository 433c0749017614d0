"""DVC's own commands on records that it did not write: remotes, diffs, garbage; as an ordinary user."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import yaml

from forewarn.ledger.record import Record, read_record, write_record
from ledger_chain import RATES, chain, md5

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
NOBODY = 65534
# An ordinary user, but for one thing: Python and the project may lie where only root may read.
AS_NOBODY = (
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
)  # fmt: skip
GIT_SETTINGS = Path(__file__).with_name("git_settings.ini")


def run(folder: Path, *command: str, user: bool = False) -> str:
    """Run a command; as an ordinary user, if this is root and `user` is asked for."""
    settings = {"HOME": str(folder.parent), "DVC_NO_ANALYTICS": "1", "GIT_CONFIG_GLOBAL": str(GIT_SETTINGS)}
    environment = os.environ | settings
    if user and os.getuid() == 0:
        command = (*AS_NOBODY, *command)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return str(done.stdout)


def dvc(folder: Path, *arguments: str, user: bool = False) -> str:
    return run(folder, sys.executable, "-m", "dvc", *arguments, user=user)


def git(folder: Path, *arguments: str, user: bool = False) -> str:
    return run(folder, "git", *arguments, user=user)


def put(folder: Path, name: str, content: str) -> None:
    """An artifact with its record and its object in the cache, as a job leaves them."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    hash = md5(content)
    kept = folder / ".dvc/cache/files/md5" / hash[:2] / hash[2:]
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        shutil.copyfile(path, kept)
        kept.chmod(0o444)
    write_record(Record(str(path), hash, len(content), chain()[RATES].making))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two commits, between which a parameter, a metric and a figure change."""
    folder = tmp_path_factory.mktemp("dvc") / "project"
    folder.mkdir()
    for parent in (folder, *folder.parents[:4]):
        if parent.owner() == folder.owner() and parent != Path("/tmp"):
            parent.chmod(0o755)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    dvc(folder, "init", "--quiet")
    (folder / ".gitignore").write_text("/results/**\n!/results/**/\n!/results/**/*.dvc\n")
    content = {"params": ["config.yaml"], "metrics": [RATES], "plots": ["results/m/roc.svg"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump(content))
    for threshold, auroc in ((30, 0.6), (40, 0.7)):
        (folder / "config.yaml").write_text(f"judge: {{threshold: {threshold}}}\n")
        put(folder, RATES, f'{{"auroc": {auroc}}}\n')
        put(folder, "results/m/roc.svg", f"<svg><!-- {auroc} --></svg>\n")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", f"threshold {threshold}")
    return folder


def clone_and_pull(project: Path, folder: Path, url: str, *settings: tuple[str, str]) -> None:
    """Clone as an ordinary user, pull from a remote, and see that all is there and nothing has changed."""
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    git(folder, "clone", "--quiet", str(project), "clone", user=True)
    clone = folder / "clone"
    dvc(clone, "remote", "add", "--quiet", "--local", "--default", "there", url, user=True)
    for name, value in settings:
        dvc(clone, "remote", "modify", "--quiet", "--local", "there", name, value, user=True)
    dvc(clone, "pull", "--quiet", "-R", "results/m", user=True)
    assert (clone / RATES).read_text() == '{"auroc": 0.7}\n'
    assert (clone / RATES).stat().st_uid == (NOBODY if os.getuid() == 0 else os.getuid())
    assert "up to date" in dvc(clone, "status", user=True)
    assert git(clone, "status", "--porcelain", "--", "results", user=True) == ""


@pytest.fixture(scope="module")
def remote(project: Path) -> Path:
    """A remote that is a folder, with everything pushed to it."""
    folder = project.with_name("remote")
    dvc(project, "remote", "add", "--quiet", "--local", "--default", "folder", str(folder))
    dvc(project, "push", "--quiet", "--all-commits")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o444)
    return folder


def test_a_shared_folder(project: Path, remote: Path, tmp_path: Path) -> None:
    clone_and_pull(project, opened(tmp_path) / "user", str(remote))


def test_a_static_server(project: Path, remote: Path, tmp_path: Path) -> None:
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(remote))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        clone_and_pull(project, opened(tmp_path) / "user", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


@pytest.mark.skipif(not Path(SSHD).exists(), reason="there is no OpenSSH server here")
@pytest.mark.skipif(os.getuid() != 0, reason="only root may start an OpenSSH server that root logs in to")
def test_an_ssh_server(project: Path, remote: Path, tmp_path: Path) -> None:
    with ssh_server(opened(tmp_path)) as (port, key):
        clone_and_pull(
            project, tmp_path / "user", f"ssh://root@127.0.0.1:{port}{remote}", ("keyfile", str(key))
        )


def opened(folder: Path) -> Path:
    """The folder, after all that is above it lets others through."""
    for parent in (folder, *folder.parents):
        if str(parent).startswith("/tmp/pytest"):
            parent.chmod(0o755)
    return folder


@contextmanager
def ssh_server(folder: Path) -> Iterator[tuple[int, Path]]:
    """OpenSSH on loopback, with keys of its own: its port, and the key that it accepts."""
    keys = {name: folder / name for name in ("host", "user_key")}
    for key in keys.values():
        run(folder, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    (folder / "authorized").write_text(keys["user_key"].with_suffix(".pub").read_text())
    os.chown(keys["user_key"], NOBODY, NOBODY)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    Path("/run/sshd").mkdir(exist_ok=True)
    options = {
        "ListenAddress": "127.0.0.1", "Port": port, "HostKey": keys["host"], "PidFile": "none",
        "AuthorizedKeysFile": folder / "authorized", "StrictModes": "no", "PermitRootLogin": "yes",
        "UsePAM": "no", "Subsystem": "sftp internal-sftp",
    }  # fmt: skip
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", "/dev/null", *flags], stderr=subprocess.PIPE)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, server.stderr.read() if server.stderr else ""
            threading.Event().wait(0.05)
        yield port, keys["user_key"]
    finally:
        server.terminate()
        server.wait(10)


def test_differences_between_commits(project: Path) -> None:
    assert "0.6" in dvc(project, "metrics", "diff", "HEAD~1", "HEAD")
    assert "0.7" in dvc(project, "metrics", "diff", "HEAD~1", "HEAD")
    changed = dvc(project, "params", "diff", "HEAD~1", "HEAD")
    assert "judge.threshold" in changed
    assert "30" in changed and "40" in changed
    dvc(project, "plots", "diff", "HEAD~1", "HEAD", "--out", "plots")
    page = (project / "plots/index.html").read_text()
    assert "HEAD~1" in page
    assert len(list((project / "plots/static").rglob("*.svg"))) == 2
    shutil.rmtree(project / "plots")


def test_status_checkout_and_commit(project: Path) -> None:
    assert "up to date" in dvc(project, "status")
    record = (project / f"{RATES}.dvc").read_text()
    (project / RATES).write_text("tampered")
    assert "modified" in dvc(project, "status")
    dvc(project, "checkout", "--quiet", "--force", RATES)
    assert (project / RATES).read_text() == '{"auroc": 0.7}\n'
    dvc(project, "commit", "--quiet", "--force", f"{RATES}.dvc")
    assert read_record(project / f"{RATES}.dvc").making == chain()[RATES].making  # type: ignore[union-attr]
    (project / f"{RATES}.dvc").write_text(record)


def test_garbage_is_collected_and_what_is_on_record_stays(project: Path, remote: Path) -> None:
    objects = {path.name for path in (project / ".dvc/cache/files").rglob("*") if path.is_file()}
    assert len(objects) == 4
    dvc(project, "gc", "--workspace", "--force", "--quiet")
    left = {
        path.parent.name + path.name for path in (project / ".dvc/cache/files").rglob("*") if path.is_file()
    }
    assert left == {md5('{"auroc": 0.7}\n'), md5("<svg><!-- 0.7 --></svg>\n")}
    dvc(project, "fetch", "--quiet", "--all-commits")
    assert len([path for path in (project / ".dvc/cache/files").rglob("*") if path.is_file()]) == 4


def test_dvc_yaml_names_what_the_workflow_makes(repository: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "--quiet", "all", "--summary", "--", "nano"]
    made = {line.split("\t")[0] for line in run(repository, *command).splitlines()}
    content = yaml.safe_load((repository / "dvc.yaml").read_text(encoding="utf-8"))
    artifacts = [artifact["path"] for artifact in content["artifacts"].values()]
    assert {*content["metrics"], *content["plots"], *artifacts} <= made
    assert set(content["plots"]) == {path for path in made if path.endswith(".svg")}
    assert content["params"] == ["config.yaml"]
