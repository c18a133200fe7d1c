"""Calls of gRPC made by hand, of any bytes: by curl over HTTP/2, and over a bare connection."""
import gzip
import http.client
import io
import socket
import struct
import subprocess
import tempfile


def frame(message=b"", flag=0):
    """A message as gRPC sends it; flag 1 says that it is compressed."""
    return struct.pack(">BI", flag, len(message)) + message


class Answer:
    """What a call was answered: the status of gRPC (None: the stream was reset), headers and trailers, messages."""

    def __init__(self, head, body):
        blocks = head.replace("\r\n", "\n").strip().split("\n\n")
        text = "\n".join(block.split("\n", 1)[1] if block.startswith("HTTP/") and "\n" in block
                         else block for block in blocks)
        self.headers = dict(http.client.parse_headers(io.BytesIO(text.encode() + b"\n\n")).items())
        status = self.headers.get("grpc-status")
        self.status = int(status) if status else None
        self.text = self.headers.get("grpc-message", "")
        self.flags, self.messages = [], []
        while body:
            flag, length = struct.unpack(">BI", body[:5])
            message, body = body[5:5 + length], body[5 + length:]
            self.flags.append(flag)
            self.messages.append(gzip.decompress(message) if flag else message)


def post(address, path, body=frame(), content_type="application/grpc", **headers):
    """
    Sends a body by curl; a header's name has underscores for dashes. For calls that are answered when their body was read:
    curl 7.88 may lose an answer that comes before, with the reset that asks it not to send the rest (RFC 9113, 8.1).
    """
    with tempfile.NamedTemporaryFile() as sent, tempfile.NamedTemporaryFile() as head, \
            tempfile.NamedTemporaryFile() as got:
        sent.write(body)
        sent.flush()
        options = [f"-H{name.replace('_', '-')}: {value}" for name, value in
                   {"te": "trailers", "content_type": content_type, **headers}.items()]
        done = subprocess.run(
            ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "60", "-D", head.name, "-o",
             got.name, *options, "--data-binary", f"@{sent.name}", f"http://{address}/{path}"],
            capture_output=True, text=True)
        assert done.returncode in (0, 92), done.stderr  # 92: the stream was reset
        return Answer(head.read().decode(), got.read())


class Pinger:
    """A connection of HTTP/2 (RFC 9113) that does nothing but ping."""

    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    SETTINGS, PING, GOAWAY, ACK = 4, 6, 7, 1

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(self.PREFACE + self._frame(self.SETTINGS, 0))

    @staticmethod
    def _frame(kind, flags, payload=b""):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags, 0, 0, 0, 0]) + payload

    def ping(self):
        """None when the server has answered, else what it closed the connection with."""
        self.socket.sendall(self._frame(self.PING, 0, b"12345678"))
        while True:
            head = self.file.read(9)
            if not head:
                return b"closed"
            kind, flags = head[3], head[4]
            payload = self.file.read(int.from_bytes(head[:3], "big"))
            if kind == self.SETTINGS and not flags & self.ACK:
                self.socket.sendall(self._frame(self.SETTINGS, self.ACK))
            if kind == self.PING and flags & self.ACK:
                return None
            if kind == self.GOAWAY:
                return payload[8:]

    def close(self):
        self.file.close()
        self.socket.close()
