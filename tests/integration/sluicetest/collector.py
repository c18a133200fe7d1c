"""A collector of traces: OTLP over gRPC, by the messages of opentelemetry-proto as far as the tests look at them."""
import threading
from concurrent import futures
from dataclasses import dataclass, field

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from .wait import wait_until

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

# message: {field: (number, type)}; * is repeated, and a type that is a message of this table is one.
MESSAGES = {
    "Request": {"resource_spans": (1, "*ResourceSpans")},
    "ResourceSpans": {"resource": (1, "Resource"), "scope_spans": (2, "*ScopeSpans")},
    "Resource": {"attributes": (1, "*KeyValue")},
    "ScopeSpans": {"scope": (1, "Scope"), "spans": (2, "*Span")},
    "Scope": {"name": (1, "string"), "version": (2, "string")},
    "Span": {"trace_id": (1, "bytes"), "span_id": (2, "bytes"), "parent_span_id": (4, "bytes"),
             "name": (5, "string"), "kind": (6, "int32"), "start_time_unix_nano": (7, "fixed64"),
             "end_time_unix_nano": (8, "fixed64"), "attributes": (9, "*KeyValue"),
             "status": (15, "Status")},
    "Status": {"message": (2, "string"), "code": (3, "int32")},
    "KeyValue": {"key": (1, "string"), "value": (2, "Value")},
    "Value": {"text": (1, "string"), "number": (3, "int64")},
}


def make_request_type():
    of = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="otlp_test.proto", package="t", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for key, (number, kind) in fields.items():
            plain = kind.lstrip("*")
            is_message = plain in MESSAGES
            message.field.add(
                name=key, number=number,
                label=of.LABEL_REPEATED if kind != plain else of.LABEL_OPTIONAL,
                type=of.TYPE_MESSAGE if is_message else getattr(of, f"TYPE_{plain.upper()}"),
                type_name=f".t.{plain}" if is_message else None)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("t.Request"))


REQUEST = make_request_type()


@dataclass
class Span:
    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    error: str  # None: it did not fail
    attributes: dict = field(default_factory=dict)


def read_attributes(rows):
    return {row.key: row.value.text or row.value.number for row in rows}


class Collector(grpc.GenericRpcHandler):
    """
    Listens on a port of its own, by TLS if it is given a Pair of certificate and key. `answers` are statuses that the next calls fail with; while `held` is clear, calls
    are not answered.
    """

    def __init__(self, pair=None):
        self.pair = pair
        self.spans = []
        self.resources = []
        self.answers = []
        self.held = threading.Event()
        self.held.set()
        self.port = 0
        self.server = None
        self.ncalls = 0

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        """Starts, also once more after a stop, on the same port."""
        self.server = grpc.server(futures.ThreadPoolExecutor(4), [self])
        if self.pair:
            cert, key = self.pair.read()
            self.port = self.server.add_secure_port(self.address, grpc.ssl_server_credentials([(key, cert)]))
        else:
            self.port = self.server.add_insecure_port(self.address)
        self.server.start()
        return self

    def stop(self):
        self.held.set()
        if self.server:
            self.server.stop(0).wait()
        self.server = None

    def service(self, details):
        if details.method != EXPORT:
            return None
        return grpc.unary_unary_rpc_method_handler(self.export, REQUEST.FromString)

    def export(self, request, context):
        self.ncalls += 1
        self.held.wait()
        if self.answers:
            context.abort(self.answers.pop(0), "as the test wants it")
        for group in request.resource_spans:
            resource = read_attributes(group.resource.attributes)
            self.resources.append(resource)
            for scope in group.scope_spans:
                self.spans += [self.read(span, resource) for span in scope.spans]
        return b""

    @staticmethod
    def read(span, resource):
        return Span(resource["service.name"], span.name, span.kind, span.trace_id.hex(),
                    span.span_id.hex(), span.parent_span_id.hex(), span.start_time_unix_nano,
                    span.end_time_unix_nano, span.status.message if span.status.code == 2 else None,
                    read_attributes(span.attributes))

    def find(self, **wanted):
        return [span for span in list(self.spans)
                if all(getattr(span, key) == value for key, value in wanted.items())]

    def wait_for(self, timeout_s=60, **wanted):
        """The first span that has these fields."""
        return wait_until(lambda: self.find(**wanted), timeout_s, what=f"a span with {wanted}")[0]
