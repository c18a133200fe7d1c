#!/usr/bin/python3
"""Checks what protoc and buf do not know about our contracts.

    protos.py DESCRIPTOR_SET   as protoc --include_imports --descriptor_set_out makes it of proto/

    names       a message, enum or service name occurs once over all packages sluice.*: they share
                one prefix in C
    optional    no proto3 optional in a file of ours: protoc-c refuses it
    internal    no method takes or gives a message that reaches one of sluice.internal.v1
    free form   no message of ours reaches Struct, Value or ListValue
    recursion   no request reaches itself: unpacking in C has no limit of depth

Uses Debian's python3-protobuf, hence the path in the first line. Prints one line a breach, then a
count. Exit status: 0 none, 1 some, 2 nothing to check.
"""
import sys

from google.protobuf import descriptor_pb2

OURS = "sluice."
INTERNAL = ".sluice.internal."
FREE_FORM = {".google.protobuf.Struct", ".google.protobuf.Value", ".google.protobuf.ListValue"}


class Schema:
    def __init__(self, descriptor_set):
        self.files = descriptor_set.file
        self.messages = {}
        for file in self.files:
            for message in file.message_type:
                self.add(message, "." + file.package if file.package else "")

    def add(self, message, scope):
        name = f"{scope}.{message.name}"
        self.messages[name] = message
        for nested in message.nested_type:
            self.add(nested, name)

    def our_files(self):
        return [f for f in self.files if f.package.startswith(OURS)]

    def next_to(self, name):
        return [field.type_name for field in self.messages[name].field
                if field.type_name in self.messages]

    def reached_from(self, name):
        """All message types in fields of name, fields of those, and so on."""
        found, waiting = set(), self.next_to(name)
        while waiting:
            other = waiting.pop()
            if other not in found:
                found.add(other)
                waiting += self.next_to(other)
        return found


def check_names(schema):
    seen = {}
    for file in schema.our_files():
        for item in [*file.message_type, *file.enum_type, *file.service]:
            if item.name in seen:
                yield f"{file.name}: {item.name} is also in {seen[item.name]}"
            seen[item.name] = file.name


def check_fields(schema):
    ours = "." + OURS
    for name, message in schema.messages.items():
        if not name.startswith(ours):
            continue
        for field in message.field:
            if field.proto3_optional:
                yield f"{name}.{field.name}: proto3 optional"
        for other in schema.reached_from(name) & FREE_FORM:
            yield f"{name} reaches {other}"


def check_methods(schema):
    for file in schema.files:
        for service in file.service:
            for method in service.method:
                yield from check_method(schema, service, method)


def check_method(schema, service, method):
    where = f"{service.name}.{method.name}"
    for name in (method.input_type, method.output_type):
        for other in schema.reached_from(name) | {name}:
            if other.startswith(INTERNAL):
                yield f"{where}: {name} reaches {other}"
    for name in schema.reached_from(method.input_type) | {method.input_type}:
        if name in schema.reached_from(name):
            yield f"{where}: {name} in the request reaches itself"


def main(argv):
    if len(argv) != 1:
        print(__doc__)
        return 2
    with open(argv[0], "rb") as f:
        schema = Schema(descriptor_pb2.FileDescriptorSet.FromString(f.read()))
    if not schema.our_files():
        print("protos: no package of ours in the set", file=sys.stderr)
        return 2
    found = [breach for check in (check_names, check_fields, check_methods)
             for breach in check(schema)]
    for breach in found:
        print(breach)
    print(f"{len(schema.our_files())} files, {len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
