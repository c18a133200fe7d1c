"""Two clients in Python: one by generated code, one that knows nothing but the server's reflection."""
import importlib
import pathlib
import subprocess
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

ROOT = pathlib.Path(__file__).resolve().parents[3]


def compile_protos(folder):
    """
    Generates modules for the public contracts into folder, by protoc and gRPC's plug-in, and puts
    it on the path. gRPC's own contracts stay out: a package of that name is installed.
    """
    proto = ROOT / "proto"
    files = sorted([*proto.glob("sluice/**/*.proto"), *proto.glob("google/**/*.proto"),
                    *proto.glob("protobuf-c/*.proto")])
    subprocess.run(
        ["protoc", f"--python_out={folder}", f"--grpc_out={folder}",
         "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin", f"-I{proto}", *files],
        check=True)
    sys.path.insert(0, str(folder))


class Api:
    """
    Modules and stubs of the public contracts, made by compile_protos before.

        api = Api(address)
        task = api.tasks.GetTask(api.task_service.GetTaskRequest(id="x"))
    """

    def __init__(self, address, options=(), credentials=None):
        load = importlib.import_module
        self.task = load("sluice.v1.task_pb2")
        self.task_service = load("sluice.v1.task_service_pb2")
        self.data_source = load("sluice.v1.data_source_pb2")
        self.data_source_service = load("sluice.v1.data_source_service_pb2")
        self.worker_service = load("sluice.worker.v1.worker_service_pb2")
        self.channel = (grpc.secure_channel(address, credentials, options) if credentials
                        else grpc.insecure_channel(address, options))
        self.tasks = load("sluice.v1.task_service_pb2_grpc").TaskServiceStub(self.channel)
        self.data_sources = load(
            "sluice.v1.data_source_service_pb2_grpc").DataSourceServiceStub(self.channel)
        self.workers = load(
            "sluice.worker.v1.worker_service_pb2_grpc").WorkerServiceStub(self.channel)

    def close(self):
        self.channel.close()


def error_of(call, *arguments, **options):
    """The grpc.RpcError that a call ends with; it must not succeed."""
    try:
        reply = call(*arguments, **options)
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"expected an error, got {reply}")


def details_of(error):
    """The messages in an error's google.rpc.Status, unpacked; [] when it has none."""
    status_pb2 = importlib.import_module("google.rpc.status_pb2")
    details_pb2 = importlib.import_module("google.rpc.error_details_pb2")
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            found = []
            for packed in status_pb2.Status.FromString(value).details:
                message = getattr(details_pb2, packed.type_url.rsplit(".", 1)[1])()
                assert packed.Unpack(message)
                found.append(message)
            return found
    return []


class Reflected:
    """
    A client that learns services and messages from the server.

        server = Reflected(address)
        server.services()
        server.call("sluice.v1.TaskService", "GetTask", {"id": "x"})
    """

    def __init__(self, address, version="v1"):
        self.channel = grpc.insecure_channel(address)
        self.package = f"grpc.reflection.{version}"
        own = descriptor_pool.DescriptorPool()
        for file in self._contract(version):
            own.Add(file)
        factory = message_factory.MessageFactory(own)
        self.request = factory.GetPrototype(
            own.FindMessageTypeByName(f"{self.package}.ServerReflectionRequest"))
        self.response = factory.GetPrototype(
            own.FindMessageTypeByName(f"{self.package}.ServerReflectionResponse"))
        self.pool = descriptor_pool.DescriptorPool()
        self.factory = message_factory.MessageFactory(self.pool)
        self.known = set()

    @staticmethod
    def _contract(version):
        """The contract of reflection itself, which a client has to know."""
        out = subprocess.run(
            ["protoc", "--include_imports", "--descriptor_set_out=/dev/stdout",
             f"-I{ROOT / 'proto'}", f"grpc/reflection/{version}/reflection.proto"],
            check=True, stdout=subprocess.PIPE)
        return descriptor_pb2.FileDescriptorSet.FromString(out.stdout).file

    def ask(self, **question):
        """One question of ServerReflectionInfo, one answer."""
        method = self.channel.stream_stream(
            f"/{self.package}.ServerReflection/ServerReflectionInfo",
            request_serializer=self.request.SerializeToString,
            response_deserializer=self.response.FromString)
        return next(method(iter([self.request(**question)]), timeout=60))

    def services(self):
        answer = self.ask(list_services="")
        return sorted(service.name for service in answer.list_services_response.service)

    def _learn(self, files):
        """Adds files to the pool, each after those that it imports."""
        if isinstance(files, str):
            if files in self.known:
                return
            answer = self.ask(file_by_filename=files)
            files = answer.file_descriptor_response.file_descriptor_proto
        parsed = {}
        for raw in files:
            file = descriptor_pb2.FileDescriptorProto.FromString(raw)
            parsed[file.name] = file
        for file in parsed.values():
            self._add(file, parsed)

    def _add(self, file, parsed):
        if file.name in self.known:
            return
        for imported in file.dependency:
            if imported in parsed:
                self._add(parsed[imported], parsed)
            else:
                self._learn(imported)
        self.known.add(file.name)
        self.pool.Add(file)

    def service(self, name):
        """The descriptor of a service, learned from the server."""
        answer = self.ask(file_containing_symbol=name)
        assert answer.WhichOneof("message_response") == "file_descriptor_response", answer
        self._learn(answer.file_descriptor_response.file_descriptor_proto)
        return self.pool.FindServiceByName(name)

    def call(self, service, method, request, timeout_s=60):
        """A unary call; request is a dict as proto3's JSON has it, and so is the reply."""
        described = self.service(service).FindMethodByName(method)
        request_type = self.factory.GetPrototype(described.input_type)
        reply_type = self.factory.GetPrototype(described.output_type)
        call = self.channel.unary_unary(
            f"/{service}/{method}", request_serializer=request_type.SerializeToString,
            response_deserializer=reply_type.FromString)
        reply = call(json_format.ParseDict(request, request_type()), timeout=timeout_s)
        return json_format.MessageToDict(reply)

    def close(self):
        self.channel.close()
