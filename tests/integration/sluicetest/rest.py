"""HTTP as bytes: what is sent is what the test says, what comes back is not interpreted."""
import http.client
import json
import socket
from dataclasses import dataclass

from .wait import scale


@dataclass
class Reply:
    status: int
    headers: dict  # names in lower case
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()


class Rest:
    """Requests to one port, each on a connection of its own; by TLS if there is an ssl.SSLContext."""

    def __init__(self, port, timeout_s=60, context=None):
        self.port = port
        self.timeout_s = timeout_s
        self.context = context

    def connect(self):
        """A connection of http.client."""
        if self.context:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=self.timeout_s,
                                               context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_s)

    def request(self, method, path, body=None, headers=None):
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, fields, answer.read())
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def post_form(self, path, body):
        """body is the form as bytes or text, sent as it is."""
        raw = body.encode() if isinstance(body, str) else body
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.request("POST", path, raw, kind)

    def send_json(self, method, path, value):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.request(method, path, raw, {"Content-Type": "application/json"})

    def raw(self, data):
        """Sends bytes and gives all that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout_s * scale()) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            got = b""
            while True:
                part = s.recv(65536)
                if not part:
                    return got
                got += part
