"""The contracts as the .proto files have them: services, and all fields of a message, however deep."""
import functools
import pathlib
import subprocess

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor as Field

PROTO = pathlib.Path(__file__).resolve().parents[3] / "proto"
SERVICES = ("sluice.v1.TaskService", "sluice.v1.DataSourceService",
            "sluice.worker.v1.WorkerService")

# What has a form of its own in JSON and in tables: its fields are not looked at one by one.
WHOLE = {"google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"}

VARINT, FIXED64, LENGTH, START_GROUP, FIXED32 = 0, 1, 2, 3, 5


@functools.lru_cache(None)
def _factory():
    files = sorted(PROTO.glob("sluice/**/*_service.proto"))
    out = subprocess.run(["protoc", "--include_imports", "--descriptor_set_out=/dev/stdout",
                          f"-I{PROTO}", *files], check=True, stdout=subprocess.PIPE).stdout
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(out).file:
        pool.Add(file)
    return message_factory.MessageFactory(pool)


def methods():
    """{method's name: (path of the call, type of the request, type of the reply)}; the names differ in all services."""
    found = {}
    for name in SERVICES:
        for method in _factory().pool.FindServiceByName(name).methods:
            assert method.name not in found
            found[method.name] = (f"/{name}/{method.name}", method.input_type, method.output_type)
    return found


def message_class(descriptor):
    return _factory().GetPrototype(descriptor)


def is_repeated(field):
    return field.label == Field.LABEL_REPEATED


def is_map(field):
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def is_whole(field):
    """Whether a table says of it as one what would be wrong: no message, or one with a form of its own."""
    return not field.message_type or is_map(field) or field.message_type.full_name in WHOLE


def paths(message, goes_into=lambda field: True, outer=()):
    """All fields of a message and of those in it: tuples of descriptors, from the outermost on."""
    for field in message.fields:
        path = (*outer, field)
        yield path
        if field.message_type and goes_into(field):
            yield from paths(field.message_type, goes_into, path)


def name_of(path):
    return ".".join(field.name for field in path)


# --- bytes

def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def wire_type_of(field):
    if field.cpp_type in (Field.CPPTYPE_STRING, Field.CPPTYPE_MESSAGE):
        return LENGTH
    return {Field.CPPTYPE_DOUBLE: FIXED64, Field.CPPTYPE_FLOAT: FIXED32}.get(field.cpp_type, VARINT)


def encode(path, value, wire_type=None):
    """A message with that one field, as bytes; value is what follows the tag, a length excepted."""
    field = path[-1]
    wire_type = wire_type_of(field) if wire_type is None else wire_type
    length = varint(len(value)) if wire_type == LENGTH else b""
    out = varint(field.number << 3 | wire_type) + length + value
    for outer in reversed(path[:-1]):
        out = varint(outer.number << 3 | LENGTH) + varint(len(out)) + out
    return out
