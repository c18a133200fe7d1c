"""HTTP/2 in bytes (RFC 9113): frames that a well-behaved client would never send."""
import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
CANCEL = struct.pack(">I", 8)


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """One frame; length is what its head says, if not the truth."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def integer(value, prefix_bits, first=0):
    """An integer of HPACK (RFC 7541, section 5.1)."""
    most = (1 << prefix_bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + [value])


def literal(name, value):
    """A header that is not indexed, without Huffman's code."""
    name, value = name.encode(), value if isinstance(value, bytes) else value.encode()
    return b"\0" + integer(len(name), 7) + name + integer(len(value), 7) + value


def call_head(path, *more):
    """The headers of a gRPC call."""
    usual = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x"),
             ("content-type", "application/grpc"), ("te", "trailers")]
    return b"".join(literal(*header) for header in [*usual, *more])


def resets(first, nstreams, head):
    """That many streams, each opened and reset at once."""
    opened = frame(HEADERS, END_HEADERS, 0, head)
    before, behind = opened[:5], opened[9:] + frame(RST_STREAM, 0, 0, CANCEL)[:5]
    out = []
    for stream in range(first, first + 2 * nstreams, 2):
        number = struct.pack(">I", stream)
        out += (before, number, behind, number, CANCEL)
    return b"".join(out)


class Raw:
    """A connection to the gRPC port that sends what it is told to."""

    def __init__(self, port, preface=PREFACE, timeout_s=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.buffer = b""
        self.send(preface + (frame(SETTINGS) if preface == PREFACE else b""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Whether it could be sent; False: the peer has closed the connection, or does not read."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def frames(self):
        """(kind, flags, stream, payload) of what the peer sends until it closes or stops sending."""
        while True:
            while len(self.buffer) >= 9:
                size = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) < 9 + size:
                    break
                kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
                payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
                yield kind, flags, stream, payload
            try:
                more = self.socket.recv(65536)
            except OSError:
                return
            if not more:
                return
            self.buffer += more
