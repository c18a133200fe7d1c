"""Private CAs and what they sign, made by the command openssl."""
import subprocess
from dataclasses import dataclass
from pathlib import Path

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*arguments):
    subprocess.run(["openssl", *[str(a) for a in arguments]], check=True, capture_output=True)


@dataclass
class Pair:
    """A certificate and its key, as files."""
    cert: Path
    key: Path

    def read(self):
        return self.cert.read_bytes(), self.key.read_bytes()

    def copy_to(self, other):
        """Other's files get this content, each at once, as who renews certificates does it."""
        for ours, theirs in ((self.key, other.key), (self.cert, other.cert)):
            fresh = theirs.with_suffix(".new")
            fresh.write_bytes(ours.read_bytes())
            fresh.rename(theirs)


class Authority:
    """
        ca = Authority(folder, "ours")
        server = ca.issue("gateway", "IP:127.0.0.1")
    """

    def __init__(self, folder, name):
        self.folder = folder / name
        self.folder.mkdir()
        self.name = name
        self.key = self.folder / "ca.key"
        self.cert = self.folder / "ca.pem"
        openssl("req", "-x509", *EC, "-keyout", self.key, "-out", self.cert, "-days", 30,
                "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def as_pair(self):
        """The CA's own."""
        return Pair(self.cert, self.key)

    def issue(self, name, *alternatives, days=30, usage="serverAuth,clientAuth"):
        """A pair for that common name; alternatives are as "DNS:localhost". days < 0: it has expired."""
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request = self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={','.join(alternatives)}\nextendedKeyUsage={usage}\n")
        openssl("req", *EC, "-keyout", pair.key, "-out", request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key,
                "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", pair.cert)
        return pair
