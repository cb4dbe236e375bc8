"""A piece of a test in a process of its own, started when told, so that a fault can name the process first."""

from __future__ import annotations

import os


class Forked:
    """`work` runs in a child once `go` is called; the child never returns. `wait` gives the status of `os.waitpid`."""

    def __init__(self, work):
        ready, self._go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._run(work, ready)
        self._ready = ready

    def _run(self, work, ready):
        os.read(ready, 1)
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)

    def go(self):
        os.write(self._go, b"!")

    def wait(self):
        _, status = os.waitpid(self.pid, 0)
        os.close(self._ready)
        os.close(self._go)
        return status
