"""Datasets and questions from elsewhere: whole, unchanged, and opened without harm, or refused by name."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

import fetch_source
from forewarn.data.archive import read_member, without_canaries
from forewarn.data.sources import fetch
from forewarn.errors import StudyError
from forewarn.files import read_json
from forewarn.ledger.record import Making, Record, write_record
from http_files import serving

ROWS = [
    {"messages": [{"role": "user", "content": f"question {n}"}, {"role": "assistant", "content": "é\n"}]}
    for n in range(4)
]
CANARY = f"CANARY_DATASET_{'0a' * 32}_64"


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def protect(files, password="open sesame"):
    """An archive in the format of easy-dataset-share 0.5."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    salt = os.urandom(16)
    derivation = PBKDF2HMAC(algorithm=hashes.SHA256(), length=32, salt=salt, iterations=100_000)
    key = base64.urlsafe_b64encode(derivation.derive(password.encode()))
    return salt + Fernet(key).encrypt(buffer.getvalue())


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with serving() as files:
        yield files


def url(server, path, sha256=None):
    return {"source": "url", "url": f"{server.url}{path}", "sha256": sha256}


def archive(server, **changes):
    entry = {"source": "archive", "url": f"{server.url}/a.zip.enc", "member": "rows.jsonl", "sha256": None}
    return entry | {"password": "open sesame"} | changes


class TestUrl:
    def test_a_file_comes_as_it_is_with_its_hash(self, server):
        server.content["/rows.jsonl"] = jsonl(ROWS)
        content, origin = fetch(url(server, "/rows.jsonl"))
        assert content == jsonl(ROWS)
        expected = hashlib.sha256(content).hexdigest()
        assert origin["sha256"] == origin["content_sha256"] == expected
        assert (origin["bytes"], origin["canaries"]) == (len(content), 0)
        assert fetch(url(server, "/rows.jsonl", expected))[0] == content

    def test_a_changed_file_is_an_error(self, server):
        server.content["/rows.jsonl"] = jsonl(ROWS)
        sha256 = hashlib.sha256(jsonl(ROWS)).hexdigest()
        server.content["/rows.jsonl"] = jsonl(ROWS[1:])
        with pytest.raises(StudyError, match=f"has changed.*configured is {sha256}"):
            fetch(url(server, "/rows.jsonl", sha256))

    def test_half_a_download_is_an_error(self, server):
        server.content["/rows.jsonl"] = jsonl(ROWS)
        server.cut.add("/rows.jsonl")
        with pytest.raises(StudyError, match=r"broke off after \d+ bytes, \d+ are missing"):
            fetch(url(server, "/rows.jsonl"))

    def test_what_is_not_there_is_named(self, server):
        with pytest.raises(StudyError, match="/nothing answers 404"):
            fetch(url(server, "/nothing"))

    def test_nobody_at_the_other_end(self, monkeypatch):
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        with pytest.raises(StudyError, match="cannot be fetched"):
            fetch({"source": "url", "url": "http://127.0.0.1:9/x", "sha256": None})

    def test_a_run_off_the_network_asks_nobody(self, server, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        server.content["/rows.jsonl"] = jsonl(ROWS)
        with pytest.raises(StudyError, match="keeps this run off the network") as refusal:
            fetch(url(server, "/rows.jsonl"))
        assert "local file" in refusal.value.way_out and server.asked == []

    def test_files_of_this_machine_have_urls_too(self, tmp_path):
        (tmp_path / "rows.jsonl").write_bytes(jsonl(ROWS))
        entry = {"source": "url", "url": (tmp_path / "rows.jsonl").as_uri(), "sha256": None}
        assert fetch(entry)[0] == jsonl(ROWS)


class TestArchive:
    def test_a_member_is_decrypted_and_freed_of_canaries(self, server):
        marked = [*ROWS[:3], ROWS[3] | {"canary": CANARY}]
        lines = jsonl([*marked, {"id": "entry", "text": f"CANARY_EMBEDDED: {CANARY}"}])
        server.content["/a.zip.enc"] = protect({"data/rows.jsonl": lines, "data/other.jsonl": b""})
        content, origin = fetch(archive(server))
        assert [json.loads(line) for line in content.splitlines()] == ROWS
        assert origin["canaries"] == 2
        assert origin["address"].endswith("/a.zip.enc#rows.jsonl")
        assert origin["sha256"] == hashlib.sha256(server.content["/a.zip.enc"]).hexdigest()

    def test_rows_without_marks_keep_their_bytes(self):
        assert without_canaries(jsonl(ROWS)) == (jsonl(ROWS), 0)

    def test_a_mark_within_an_answer_is_removed_and_the_row_stays(self):
        row = {
            "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": f"b {CANARY}"}]
        }
        content, touched = without_canaries(jsonl([row]))
        assert json.loads(content)["messages"][1]["content"] == "b " and touched == 1

    def test_a_wrong_password_is_told(self, server):
        server.content["/a.zip.enc"] = protect({"rows.jsonl": jsonl(ROWS)})
        with pytest.raises(StudyError, match="the password is wrong"):
            fetch(archive(server, password="sesame"))

    def test_an_archive_that_is_not_whole_is_told(self, server):
        server.content["/a.zip.enc"] = protect({"rows.jsonl": jsonl(ROWS)})[:-40]
        with pytest.raises(StudyError, match="the file is not whole"):
            fetch(archive(server))

    def test_something_else_than_an_archive_is_told(self):
        salt = b"0" * 16
        derivation = PBKDF2HMAC(algorithm=hashes.SHA256(), length=32, salt=salt, iterations=100_000)
        token = Fernet(base64.urlsafe_b64encode(derivation.derive(b"p"))).encrypt(b"no zip")
        with pytest.raises(StudyError, match="holds no zip archive"):
            read_member(salt + token, "p", "rows.jsonl", "a")

    @pytest.mark.parametrize(
        "entry", ["../rows.jsonl", "/etc/rows.jsonl", "a/../../rows.jsonl", "..\\rows.jsonl"]
    )
    def test_entries_that_lead_out_are_refused_and_nothing_is_written(
        self, entry, server, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        server.content["/a.zip.enc"] = protect({"rows.jsonl": jsonl(ROWS), entry: b"evil"})
        with pytest.raises(StudyError, match="leads out of the archive"):
            fetch(archive(server))
        assert not list(tmp_path.rglob("*"))

    def test_a_missing_member_names_those_there_are(self, server):
        server.content["/a.zip.enc"] = protect({"bad.jsonl": b"", "good.jsonl": b""})
        with pytest.raises(StudyError, match=r"no file 'rows\.jsonl'") as refusal:
            fetch(archive(server))
        assert "bad.jsonl, good.jsonl" in refusal.value.way_out

    def test_a_secret_password_comes_from_the_environment(self, server, monkeypatch):
        server.content["/a.zip.enc"] = protect({"rows.jsonl": jsonl(ROWS)}, password="hidden")
        monkeypatch.setenv("ROWS_PASSWORD", "hidden")
        assert fetch(archive(server, password="$ROWS_PASSWORD"))[0] == jsonl(ROWS)
        monkeypatch.delenv("ROWS_PASSWORD")
        with pytest.raises(StudyError, match="ROWS_PASSWORD, which is not set"):
            fetch(archive(server, password="$ROWS_PASSWORD"))

    def test_the_package_that_makes_such_archives_agrees(self, tmp_path):
        zipping = pytest.importorskip("easy_dataset_share.zipping", reason="it pins an old cryptography")
        (tmp_path / "data").mkdir()
        (tmp_path / "data/rows.jsonl").write_bytes(jsonl(ROWS))
        made = zipping.zip_and_password_protect(str(tmp_path / "data"), "p", str(tmp_path / "a.zip"))
        assert read_member(Path(made).read_bytes(), "p", "rows.jsonl", "a") == jsonl(ROWS)


def test_a_dataset_of_the_hub_comes_with_its_commit(tmp_path, monkeypatch):
    import huggingface_hub

    commit = "c0ffee" * 6 + "dead"
    folder = tmp_path / "datasets--a--b/snapshots" / commit
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "train.parquet")
    (folder / "train.jsonl").write_bytes(jsonl(ROWS))

    def download(name, file, *, repo_type, revision):
        assert (name, repo_type, revision) == ("a/b", "dataset", None)
        return str(folder / file)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    entry = {"source": "hub", "name": "a/b", "revision": None, "sha256": None}
    for file in ("train.jsonl", "train.parquet"):
        content, origin = fetch({**entry, "file": file})
        assert [json.loads(line) for line in content.splitlines()] == ROWS
        assert origin["revision"] == commit and origin["address"] == f"hf://datasets/a/b/{file}"


class TestScript:
    def run(self, folder, entry):
        outputs = {"content": folder / "rows.jsonl", "description": folder / "rows.json"}
        fetch_source.main(**outputs, settings={"source": entry})
        return outputs

    def test_content_and_origin_are_written(self, server, tmp_path):
        server.content["/rows.jsonl"] = jsonl(ROWS)
        outputs = self.run(tmp_path, url(server, "/rows.jsonl"))
        assert outputs["content"].read_bytes() == jsonl(ROWS)
        assert read_json(outputs["description"])["address"] == f"{server.url}/rows.jsonl"

    def test_without_a_hash_the_record_of_the_first_download_counts(self, server, tmp_path):
        server.content["/rows.jsonl"] = jsonl(ROWS)
        entry = url(server, "/rows.jsonl")
        outputs = self.run(tmp_path, entry)
        first = outputs["content"].read_bytes()
        making = Making(
            rule="fetch_dataset", script="scripts/fetch_source.py", wildcards={}, params={"source": entry},
            code={}, inputs={}, outputs=[], log=[], seed=None, environment={}, device="cpu", threads=1,
            commit=None, dirty=False, start="", seconds=0.0, memory_mb=0.0,
        )  # fmt: skip
        path = str(outputs["content"])
        write_record(Record(path, hashlib.md5(first).hexdigest(), len(first), making))
        self.run(tmp_path, entry)  # the same again is fine
        server.content["/rows.jsonl"] = jsonl(ROWS[1:])
        with pytest.raises(StudyError, match="has changed since it was first fetched"):
            self.run(tmp_path, entry)
        assert outputs["content"].read_bytes() == first
