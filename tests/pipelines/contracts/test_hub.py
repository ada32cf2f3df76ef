"""Names: what is here goes first, then the hub; and a hub that is out of reach is no reason to wait."""

import json
import os
import socket
import subprocess
import sys
import time

import huggingface_hub
import pytest
from huggingface_hub import constants
from malmoi_pipelines.contracts import hub
from malmoi_pipelines.contracts.errors import UsageError
from malmoi_pipelines.contracts.hub import find_named, hub_folder, is_hub_name, local_name

from tests.fake_hub import commit_of, fill_cache, serve

ALL = ("*.json",)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty HF_HOME, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hf"


@pytest.fixture
def online(home, monkeypatch):
    """The same with a hub at some address."""

    def at(address):
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(hub, "_SILENT_UNTIL", {})
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        return home

    return at


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("owner/name", True),
        ("owner/name@refs/pr/3", True),
        ("name", False),
        ("owner/name/file.json", False),
        ("owner/name/", False),
        ("./folder/name", False),
        ("../name", False),
        ("~/name", False),
        ("~owner/name", False),
        ("/owner/name", False),
        ("gs://bucket/name", False),
    ],
)
def test_what_has_the_form_of_a_hub_name(name, is_one):
    assert is_hub_name(name) is is_one


def test_a_local_name_is_a_path_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert local_name("a") == f"{tmp_path}/a"
    assert local_name("~/a") == f"{tmp_path}/home/a"
    assert local_name("a~/b") == f"{tmp_path}/a~/b"
    assert local_name("s3://bucket/~/a") == "s3://bucket/~/a"


def test_what_is_here_goes_before_the_hub(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill_cache(home, "owner/name", {"a.json": b"{}"})
    assert find_named("owner/name", ALL, "").startswith(str(home))
    (tmp_path / "owner/name").mkdir(parents=True)
    assert find_named("owner/name", ALL, "") == f"{tmp_path}/owner/name"


@pytest.mark.parametrize("name", ["nothing", "~/nothing", "./no/thing", "/no/such/folder", "memory://no/thing"])
def test_nothing_of_a_name_that_cannot_be_the_hubs_is_told_at_once(monkeypatch, name):
    monkeypatch.setattr(hub, "hub_folder", None)
    with pytest.raises(UsageError, match=f"there is nothing at {name}") as error:
        find_named(name, ALL, "name a folder")
    assert error.value.hint == "name a folder"


def test_the_cache_answers_offline_by_revision(home):
    main = fill_cache(home, "owner/name", {"a.json": b"1"})
    old = fill_cache(home, "owner/name", {"a.json": b"2"}, "v1")
    assert hub_folder("owner/name", ALL) == hub_folder("owner/name@main", ALL) == str(main)
    assert hub_folder("owner/name@v1", ALL) == hub_folder(f"owner/name@{commit_of('v1')}", ALL) == str(old)


@pytest.mark.parametrize("name", ["owner/other", "owner/name@v2", "owner/..", "o--o/name"])
def test_offline_without_it_in_the_cache(home, name):
    fill_cache(home, "owner/name", {"a.json": b"1"})
    with pytest.raises(UsageError, match=f"there is nothing at {name}: it is no local path, and the") as error:
        hub_folder(name, ALL)
    assert error.value.hint


def test_offline_says_so(home):
    with pytest.raises(UsageError, match=r"the cache of the Hugging Face hub lacks it \(HF_HUB_OFFLINE is set"):
        hub_folder("owner/name", ALL)


def test_a_hub_that_refuses_the_connection_is_told_in_seconds(online):
    with socket.socket() as closed:  # bound and not listening: nobody else gets the port meanwhile
        closed.bind(("127.0.0.1", 0))
        home = online(f"http://127.0.0.1:{closed.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(
            UsageError, match=r"cannot be reached \(ConnectError\) and its cache here lacks it"
        ) as error:
            hub_folder("owner/name", ALL)
        assert time.monotonic() - start < 5
        assert "check the path, or the connection" in error.value.hint
        here = fill_cache(home, "owner/here", {"a.json": b"1"})
        assert hub_folder("owner/here", ALL) == str(here)


def test_a_hub_that_never_answers_is_waited_for_as_long_as_told(online, monkeypatch):
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.2")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        home = online(f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(UsageError, match="hub cannot be reached"):
            hub_folder("owner/name", ALL)
        assert 0.2 <= time.monotonic() - start < 4
        here = fill_cache(home, "owner/here", {"a.json": b"1"})
        assert hub_folder("owner/here", ALL) == str(here)


def test_a_host_whose_look_up_hangs_is_waited_for_no_longer(online, monkeypatch):
    monkeypatch.setattr(hub, "_ANSWER_SECONDS", 0.2)
    monkeypatch.delenv("HF_HUB_ETAG_TIMEOUT", raising=False)
    asked = []
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *given, **more: asked.append(1) or time.sleep(5))
    online("http://127.0.0.1")
    start = time.monotonic()
    for name in ("owner/name", "owner/other"):  # the second at once: a run names more than one thing
        with pytest.raises(UsageError, match=r"hub cannot be reached \(TimeoutError\)"):
            hub_folder(name, ALL)
    assert time.monotonic() - start < 4
    assert asked == [1]
    monkeypatch.setattr(hub, "_SILENT_UNTIL", {"http://127.0.0.1": time.monotonic()})
    with pytest.raises(UsageError, match="hub cannot be reached"):
        hub_folder("owner/name", ALL)
    assert asked == [1, 1]


@pytest.mark.parametrize(
    ("name", "why"),
    [("owner/other", "the Hugging Face hub has none of that name"), ("owner/name@v9", "has no such revision of it")],
)
def test_what_the_hub_does_not_have(online, name, why):
    with serve({"owner/name": {"a.json": b"{}"}}) as address:
        online(address)
        with pytest.raises(UsageError, match=why):
            hub_folder(name, ALL)


def test_a_disk_that_is_full_is_not_the_hubs_fault(online, monkeypatch):
    def download(*given, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with serve({"owner/name": {}}) as address:
        online(address)
        with pytest.raises(UsageError, match=r"could not be fetched .* \(No space left on device\)"):
            hub_folder("owner/name", ALL)


FETCH = """
import json, os, sys
from malmoi_pipelines.contracts.hub import hub_folder
folders = [hub_folder(name, ("*.json", "deep/*")) for name in sys.argv[1:]]
print(json.dumps([{name: open(f"{folder}/{name}").read() for name in os.listdir(folder) if name != "deep"}
                  for folder in folders]))
"""


@pytest.mark.long
def test_what_is_wanted_is_downloaded_once_and_kept_below_hf_home(tmp_path):
    def fetch(*names, **env):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        env = {**kept, "HF_HOME": str(tmp_path / "hf"), "NO_PROXY": "127.0.0.1", **env}
        return json.loads(subprocess.check_output([sys.executable, "-c", FETCH, *names], env=env))

    files = {"a.json": b"1", "deep/b.txt": b"2", "weights.bin": b"3"}
    with serve({"owner/name": files, "owner/name@v1": {"a.json": b"0"}}) as address:
        found = fetch("owner/name", "owner/name@v1", HF_ENDPOINT=address)
    assert found == [{"a.json": "1"}, {"a.json": "0"}]
    kept = tmp_path / "hf/hub/models--owner--name/snapshots" / commit_of("main")
    assert (kept / "deep/b.txt").read_text() == "2"
    assert fetch("owner/name", "owner/name@v1", HF_HUB_OFFLINE="1") == found
