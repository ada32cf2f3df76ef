"""A Hugging Face hub of our own: its cache on disk, and its answers on this machine. No network."""

import contextlib
import functools
import hashlib
import json
import pathlib
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def commit_of(revision: str) -> str:
    """The commit that a branch is at."""
    return hashlib.sha1(revision.encode()).hexdigest()


def fill_cache(home: pathlib.Path, name: str, files: Mapping[str, bytes], revision: str = "main") -> pathlib.Path:
    """Write a repository as the hub's cache has it below HF_HOME; returns the folder of its files."""
    repository = home / "hub" / f"models--{name.replace('/', '--')}"
    folder = repository / "snapshots" / commit_of(revision)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    ref = repository / "refs" / revision
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(commit_of(revision))
    return folder


@contextlib.contextmanager
def serve(repositories: Mapping[str, Mapping[str, bytes]]) -> Iterator[str]:
    """A hub that has these: `owner/name` or `owner/name@revision` → files. Gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Hub, repositories))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Hub(BaseHTTPRequestHandler):
    def __init__(self, repositories, *given):
        self.revisions = {}
        for key, files in repositories.items():
            name, _, revision = key.partition("@")
            found = self.revisions.setdefault(name, {})
            found[revision or "main"] = found[commit_of(revision or "main")] = files
        super().__init__(*given)

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path.strip("/")
        if path.startswith("api/models/"):
            self.describe(*(*path.split("/")[2:], "revision", "main")[:4])
        else:
            owner, name, _, commit, file = path.split("/", 4)
            self.send(self.revisions[f"{owner}/{name}"][commit][file], **{"X-Repo-Commit": commit})

    def do_HEAD(self):
        self.do_GET()

    def describe(self, owner, name, what, revision):
        """A repository, or the tree of its files, at a revision."""
        found = self.revisions.get(f"{owner}/{name}")
        if found is None or revision not in found:
            error = "RepoNotFound" if found is None else "RevisionNotFound"
            self.send(b"", 404, **{"X-Error-Code": error})
        elif what == "tree":
            sizes = {path: len(data) for path, data in found[revision].items()}
            rows = [{"type": "file", "path": path, "oid": commit_of(path), "size": sizes[path]} for path in sizes]
            self.send(json.dumps(rows).encode())
        else:
            siblings = [{"rfilename": path} for path in found[revision]]
            self.send(json.dumps({"id": name, "sha": commit_of(revision), "siblings": siblings}).encode())

    def send(self, body, status=200, **headers):
        self.send_response(status)
        for key, value in {"ETag": f'"{commit_of(body.hex())}"', "Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args):
        """Tests are quiet."""
