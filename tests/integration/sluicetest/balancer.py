"""A plain TCP load balancer: one address, connections go to the servers behind it in turns."""
import select
import socket
import threading

CHUNK = 65536


class Balancer:
    """
    A connection goes to the next server that accepts it; when either side closes, so is the other. It knows nothing of
    what it carries, and a server that is away costs it one refused connection.
    """

    def __init__(self, ports):
        self.ports = list(ports)
        self.turn = 0
        self.is_over = False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        while not self.is_over:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _connect(self):
        for _ in self.ports:
            self.turn += 1
            try:
                return socket.create_connection(
                    ("127.0.0.1", self.ports[self.turn % len(self.ports)]), timeout=5)
            except OSError:
                continue
        return None

    def _carry(self, client):
        server = self._connect()
        with client:
            if server is None:
                return
            with server:
                for sock in (client, server):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                pump(client, server)

    def close(self):
        self.is_over = True
        self.listener.close()


def pump(a, b):
    """Carries bytes both ways until one side ends."""
    other = {a: b, b: a}
    while True:
        for sock in select.select([a, b], [], [])[0]:
            try:
                data = sock.recv(CHUNK)
                if not data:
                    return
                other[sock].sendall(data)
            except OSError:
                return
