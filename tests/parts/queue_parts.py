"""A bluesky queueserver with a Redis of its own, for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from ioc_parts import free_port

PROFILE = Path(__file__).parents[2] / "profile_collection"
USER = {"user": "test", "user_group": "primary"}


def installed(script: str) -> str:
    """Return the path of a script of this environment."""
    return str(Path(sys.executable).parent / script)


@contextmanager
def running(command: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service until the end."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, **options)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Queue:
    """A client of the manager's own API."""

    def __init__(self, address: str, log: Path) -> None:
        from bluesky_queueserver import ZMQCommSendThreads

        self._client = ZMQCommSendThreads(zmq_server_address=address)
        self._address = address
        self._log = log

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the manager; what it refuses fails the test."""
        answer: dict[str, Any] = self._client.send_message(method=method, params=params)
        assert answer.get("success", True), answer
        return answer

    def add(self, plan: str, **arguments: Any) -> None:
        item = {"item_type": "plan", "name": plan, "kwargs": arguments}
        self.ask("queue_item_add", item=item, **USER)

    def command(self, *words: str) -> str:
        """Run ``qserver``, as people do."""
        address = ["--zmq-control-addr", self._address]
        done = subprocess.run(
            [installed("qserver"), *words, *address],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def wait(self, done: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any]:
        """Wait until the manager's status is as wanted."""
        deadline = time.monotonic() + seconds
        while not done(status := self.ask("status")):
            assert time.monotonic() < deadline, f"{status}\n{self._log.read_text()}"
            time.sleep(0.3)
        return status

    def close(self) -> None:
        self._client.close()
        self._client._ctx.term()  # it leaves this open


@contextmanager
def queueserver(folder: Path, **environment: str) -> Iterator[Queue]:
    """Run Redis and ``start-re-manager`` with the profile's startup folder, environment open."""
    redis = shutil.which("redis-server")
    if redis is None:
        pytest.skip("needs redis-server, a package of the system (`apt-get install redis-server`)")
    port, control, info = free_port(), free_port(), free_port()
    log = folder / "manager.log"
    manager = [
        *(installed("start-re-manager"), "--startup-dir", str(PROFILE / "startup")),
        *("--existing-plans-devices", str(folder / "existing.yaml")),
        *("--redis-addr", f"127.0.0.1:{port}"),
        *("--zmq-control-addr", f"tcp://127.0.0.1:{control}"),
        *("--zmq-info-addr", f"tcp://127.0.0.1:{info}"),
    ]
    with ExitStack() as stack:
        database = [redis, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        stack.enter_context(running(database, folder / "redis.log", cwd=folder))
        env = {**os.environ, **environment}
        stack.enter_context(running(manager, log, env=env, cwd=folder))
        queue = Queue(f"tcp://127.0.0.1:{control}", log)
        stack.callback(queue.close)
        _wait_for_manager(queue)
        queue.ask("environment_open")
        queue.wait(lambda s: s["worker_environment_state"] == "idle", 90)
        yield queue
        queue.ask("environment_close")
        queue.wait(lambda s: s["worker_environment_state"] == "closed", 60)


def _wait_for_manager(queue: Queue) -> None:
    from bluesky_queueserver import CommTimeoutError

    deadline = time.monotonic() + 40
    while True:
        try:
            queue.ask("status")
            return
        except CommTimeoutError:
            assert time.monotonic() < deadline, "start-re-manager does not answer"
