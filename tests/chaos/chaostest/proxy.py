"""A proxy for TCP and Unix sockets, so that a network can be cut, or stand still."""
import contextlib
import socket
import threading


def connect_to(address):
    """A path is a Unix socket."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    try:
        s.connect(address)
    except OSError:
        s.close()
        raise
    return s


class Proxy:
    """
    Passes bytes on between whoever connects to `at` and the server at `to`.

        proxy = Proxy(("127.0.0.1", 0), ("127.0.0.1", gateway.port))
        proxy.cut()                  # all connections end
        with proxy.standing_still(): # they stay, and nothing is passed on
    """

    def __init__(self, at, to):
        self.to = to
        self.flows = threading.Event()
        self.flows.set()
        self.lock = threading.Lock()
        self.pairs = set()
        self.listener = socket.socket(socket.AF_UNIX if isinstance(at, str) else socket.AF_INET)
        self.listener.bind(at)
        self.listener.listen(256)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self):
        return self.listener.getsockname()[1]

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            try:
                server = connect_to(self.to)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            with self.lock:
                self.pairs.add(pair)
            for source, target in (pair, pair[::-1]):
                threading.Thread(target=self._pass_on, args=(source, target, pair),
                                 daemon=True).start()

    def _pass_on(self, source, target, pair):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.flows.wait()
                target.sendall(data)
        self._end(pair)

    def _end(self, pair):
        with self.lock:
            self.pairs.discard(pair)
        for s in pair:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def cut(self):
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            self._end(pair)

    @contextlib.contextmanager
    def standing_still(self):
        self.flows.clear()
        try:
            yield
        finally:
            self.flows.set()

    def close(self):
        self.listener.close()
        self.cut()
