"""Servers on this machine's loopback for DVC remotes: S3's protocol, SSH, and connections cut."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import asyncssh
import boto3
from moto.server import ThreadedMotoServer

HOST = "127.0.0.1"
USER = "somebody"
BUCKET = "models"
S3_KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}


@contextmanager
def s3_server() -> Iterator[int]:
    """Port of a server that speaks S3's protocol and holds an empty bucket; it takes any key."""
    server = ThreadedMotoServer(ip_address=HOST, port=0)
    server.start()
    _, port = server.get_host_and_port()
    client = boto3.client("s3", endpoint_url=f"http://{HOST}:{port}", **S3_KEYS)
    client.create_bucket(Bucket=BUCKET)
    yield port
    server.stop()


class _Refusing(BaseHTTPRequestHandler):
    """Answers every request as S3 answers the first one with an unknown key, a HEAD."""

    def _refuse(self) -> None:
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = _refuse  # noqa: N815

    def log_message(self, *arguments: object) -> None: ...


@contextmanager
def refusing_s3_server() -> Iterator[int]:
    """Port of an S3 server that knows no key."""
    with ThreadingHTTPServer((HOST, 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class SshServer(NamedTuple):
    """A server that lets in who has `key`, and not who has `unknown_key`."""

    port: int
    key: Path
    unknown_key: Path


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """An SSH server with SFTP, whose files and throw-away keys lie in `folder`."""
    root = folder / "root"
    root.mkdir()
    own, *users = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
    paths = (folder / "key", folder / "unknown_key")
    for key, path in zip(users, paths, strict=True):
        key.write_private_key(path)
    (folder / "authorized").write_bytes(users[0].export_public_key())

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            HOST,
            0,
            server_host_keys=[own],
            authorized_client_keys=str(folder / "authorized"),
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=root),
        )

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    yield SshServer(acceptor.get_port(), *paths)
    loop.call_soon_threadsafe(acceptor.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


class Dying:
    """A port that leads to another one until `size` bytes were sent there; then it is dead."""

    def __init__(self, target: int, size: int) -> None:
        self._target, self._left = target, size
        self._sockets = [socket.create_server((HOST, 0))]
        self.port = self._sockets[0].getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def dead(self) -> bool:
        return self._left <= 0

    def _accept(self) -> None:
        with suppress(OSError):  # the listening socket was shut down
            while True:
                client, _ = self._sockets[0].accept()
                server = socket.create_connection((HOST, self._target))
                self._sockets += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        sent = target.getpeername()[1] == self._target
        with suppress(OSError):
            while chunk := source.recv(65536):
                self._left -= len(chunk) if sent else 0
                if self.dead:
                    break
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)
        for each in self._sockets if self.dead else ():
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
