"""What the kernel knows of a server's connections, and ports that are nobody's."""
import contextlib
import fcntl
import pathlib
import socket
import struct
import termios


def hold_port(port=0):
    """
    A socket that has the port (0: any) and does not listen: who connects is refused, nobody is given the port by chance, and
    a server that asks for it by its number gets it. None: somebody listens there.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with contextlib.suppress(OSError):
        held.bind(("127.0.0.1", port))
        return held
    held.close()
    return None


def queues(port):
    """Of each connection of the server at that port: the bytes that its client has not taken, and those that it has not read."""
    for table in ("tcp", "tcp6"):  # proc(5): the local address and port, the other's, the state, tx_queue:rx_queue
        for line in pathlib.Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            is_connected = fields[3] == "01"
            if is_connected and int(fields[1].rpartition(":")[2], 16) == port:
                yield [int(size, 16) for size in fields[4].split(":")]


def unread_bytes(port):
    """The bytes that have come to the server at that port and that it has not read, as when it stands still."""
    return sum(received for _, received in queues(port))


def untaken_bytes(port):
    """The bytes that the server at that port has written and that have not come to its clients, as when they do not read."""
    return sum(sent for sent, _ in queues(port))


def is_read(sock, port):
    """All that was sent over that connection has come to the server at that port, and was read by it."""
    (nsent,) = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))  # and not acknowledged yet
    return nsent == 0 and unread_bytes(port) == 0


def is_waited_at(path):
    """Somebody has connected to that Unix socket whom its server has not accepted, as when it stands still."""
    rows = (line.split() for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:])
    return any(fields[5] == "02" and fields[7:] == [str(path)] for fields in rows)
