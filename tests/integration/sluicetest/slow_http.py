"""Many HTTP connections that take their time. As a program: keeps them up until its input ends."""
import resource
import selectors
import socket
import sys
import time

HEAD = b"GET /v1/tasks?pageSize=1 HTTP/1.1\r\nHost: x\r\n"
BODY = b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
# What each kind sends at once, and then a byte a second.
KINDS = {
    "idle": (b"", b""),
    "kept alive": (HEAD + b"\r\n", b""),
    "slow head": (HEAD + b"X: ", b"a"),
    "slow body": (BODY, b" "),
    "slow reader": (b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20, b""),
}


class Slow:
    """That many connections, of the kinds in turn; those that the server closes are made anew."""

    def __init__(self, port, nconnections, kinds=tuple(KINDS)):
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.nopened = 0
        self.readers = []  # nobody reads from them at all
        for number in range(nconnections):
            self._open(kinds[number % len(kinds)])

    def _open(self, kind):
        made = socket.socket()
        if kind == "slow reader":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.settimeout(60)
        made.connect(("127.0.0.1", self.port))
        made.setblocking(False)
        self.nopened += 1
        try:
            made.send(KINDS[kind][0])
        except OSError:
            pass
        if kind != "slow reader":
            self.selector.register(made, selectors.EVENT_READ, kind)
        else:
            self.readers.append(made)

    def step(self):
        """A second of it."""
        until = time.monotonic() + 1
        while time.monotonic() < until:
            for key, _ in self.selector.select(0.1):
                try:
                    is_over = not key.fileobj.recv(65536)
                except OSError:
                    is_over = True
                if is_over:
                    self._again(key)
        for key in list(self.selector.get_map().values()):
            try:
                key.fileobj.send(KINDS[key.data][1])
            except BlockingIOError:
                pass
            except OSError:
                self._again(key)

    def _again(self, key):
        self.selector.unregister(key.fileobj)
        key.fileobj.close()
        try:
            self._open(key.data)
        except OSError:
            pass


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    slow = Slow(int(sys.argv[1]), int(sys.argv[2]), tuple(sys.argv[3:]) or tuple(KINDS))
    print("up", flush=True)
    inputs = selectors.DefaultSelector()
    inputs.register(sys.stdin, selectors.EVENT_READ)
    while not inputs.select(0):
        slow.step()
    print(slow.nopened, flush=True)


if __name__ == "__main__":
    main()
