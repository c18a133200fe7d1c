"""
packaging/sbom.py - what a package is made of, as SPDX 2.3 in JSON: itself, what it brings along, and the Debian packages of
the libraries that its programs really link.
"""
import datetime
import functools
import hashlib
import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
# What Debian's copyright files call licences, as SPDX does. What is not here is not asserted.
LICENSES = {"Expat": "MIT", "MIT": "MIT", "Apache-2.0": "Apache-2.0", "BSD-2-Clause": "BSD-2-Clause",
            "BSD-3-Clause": "BSD-3-Clause", "BSD-3-clause": "BSD-3-Clause", "Zlib": "Zlib", "PostgreSQL": "PostgreSQL"}


class Bundle:
    """Files of somebody else that tools/fetch_npm.sh has fetched, and that a package brings along."""

    def __init__(self, component, folder, name, license_id, files, home, copyright_line):
        self.component = component
        self.folder = ROOT / "third_party" / folder
        self.name = name
        self.license_id = license_id
        self.files = files  # where they are in a package
        self.home = home
        self.copyright_line = copyright_line

    @property
    def origin(self):
        """The package of npm's and its version."""
        return (self.folder / ".version").read_text().strip().rpartition("@")

    @property
    def version(self):
        """The project's own; what follows a dash is the package's."""
        return self.origin[2].partition("-")[0]

    def copyright(self):
        """Its paragraphs of a Debian copyright file."""
        paragraph = f"\nFiles: {self.files}\nCopyright: {self.copyright_line}\nLicense: {self.license_id}\n"
        if self.license_id == "Apache-2.0":
            return paragraph
        text = (self.folder / "LICENSE").read_text().strip()
        return paragraph + "".join(f" {line}\n" if line.strip() else " .\n" for line in text.splitlines())

    def describe(self):
        scope, _, version = self.origin
        return {"SPDXID": f"SPDXRef-{self.name}", "name": self.name, "versionInfo": self.version,
                "downloadLocation": f"https://www.npmjs.com/package/{scope}/v/{version}", "homepage": self.home,
                "filesAnalyzed": False, "licenseConcluded": self.license_id, "licenseDeclared": self.license_id,
                "copyrightText": f"Copyright {self.copyright_line}", "supplier": "NOASSERTION",
                "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                  "referenceLocator": f"pkg:npm/{scope.replace('@', '%40')}@{version}"}]}


BUNDLES = [
    Bundle("worker", "duckdb/lib", "libduckdb", "MIT", "usr/lib/sluice/libduckdb.so", "https://duckdb.org",
           "2018-2025 Stichting DuckDB Foundation"),
    Bundle("rest", "swagger-ui", "swagger-ui", "Apache-2.0", "usr/share/sluice/docs/swagger-ui*",
           "https://swagger.io/tools/swagger-ui/", "2020-2021 SmartBear Software Inc."),
]


def bundles_of(component):
    return [bundle for bundle in BUNDLES if bundle.component == component]


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def is_elf(file):
    with open(file, "rb") as content:
        return content.read(4) == b"\x7fELF"


def find_libraries(binary):
    """The files that the loader takes for it, each with whether it is linked by the binary itself."""
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-dW", binary))
    for name, file in re.findall(r"^\s*(\S+) => (/\S+) \(", run("ldd", binary), re.MULTILINE):
        yield pathlib.Path(file).resolve(), name in needed


@functools.cache
def find_owner(file):
    """The Debian package that has the file; dpkg may know it by the name before /lib became /usr/lib."""
    for name in (str(file), str(file).removeprefix("/usr")):
        found = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return found.stdout.partition(": ")[0]
    raise AssertionError(f"no package has {file}")


def find_license(package):
    """Of most of its files, as its copyright file says."""
    file = pathlib.Path("/usr/share/doc") / package.partition(":")[0] / "copyright"
    text = file.read_text(errors="replace") if file.exists() else ""
    found = re.search(r"^Files: *\*[^\n]*\n(?:(?!\n\n).)*?^License: *(\S+)[ \t]*$", text, re.MULTILINE | re.DOTALL)
    return LICENSES.get(found[1], "NOASSERTION") if found else "NOASSERTION"


@functools.cache
def describe_debian(package):
    name, version, architecture, source, home = run(
        "dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${Homepage}", package).split("\t")
    return {"SPDXID": f"SPDXRef-deb-{re.sub('[^A-Za-z0-9.-]', '-', name)}", "name": name, "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "supplier": "Organization: Debian",
            "licenseConcluded": "NOASSERTION", "licenseDeclared": find_license(package), "copyrightText": "NOASSERTION",
            "sourceInfo": f"built from the Debian source package {source}", **({"homepage": home} if home else {}),
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": f"pkg:deb/debian/{name}@{version.replace(':', '%3A').replace('+', '%2B')}"
                                                  f"?arch={architecture}"}]}


def link(one, relationship, other):
    return {"spdxElementId": one["SPDXID"], "relationshipType": relationship, "relatedSpdxElement": other["SPDXID"]}


def describe(folder, component, package, version, time):
    """The document of a package whose files are in folder; the same files make the same document."""
    itself = {"SPDXID": "SPDXRef-Package", "name": package, "versionInfo": version, "downloadLocation": "NOASSERTION",
              "filesAnalyzed": False, "supplier": "Organization: The Sluice authors", "licenseConcluded": "Apache-2.0",
              "licenseDeclared": "Apache-2.0", "copyrightText": "Copyright 2026 The Sluice authors", "primaryPackagePurpose": "APPLICATION"}
    parts, links = [itself], []
    for bundle in bundles_of(component):
        parts.append(bundle.describe())
        links.append(link(itself, "CONTAINS", parts[-1]))
    direct, all_of_them = set(), set()
    for binary in sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_symlink() and is_elf(file)):
        for library, is_direct in find_libraries(binary):
            owner = find_owner(library)
            all_of_them.add(owner)
            if is_direct:
                direct.add(owner)
    for owner in sorted(all_of_them):
        parts.append(describe_debian(owner))
        links.append(link(itself, "DYNAMIC_LINK" if owner in direct else "DEPENDS_ON", parts[-1]))
    digest = hashlib.sha256(json.dumps([parts, links]).encode()).hexdigest()
    return json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"{package}-{version}",
        "documentNamespace": f"urn:sluice:spdx:{package}:{version}:{digest}",
        "creationInfo": {"created": datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Organization: The Sluice authors", "Tool: sluice-packaging"]},
        "documentDescribes": [itself["SPDXID"]], "packages": parts,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": itself["SPDXID"]}, *links]}, indent=2) + "\n"
