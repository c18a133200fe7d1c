// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

// example ADDRESS FOLDER DATABASE - imports FOLDER/people.csv into the database, which is a
// postgresql:// URL, follows the import, aborts another one and shows what an error tells.
//
// docs/clients.md says more. Stubs are made by examples/build.sh.
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

#include <grpcpp/grpcpp.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "sluice/v1/data_source_service.grpc.pb.h"
#include "sluice/v1/task_service.grpc.pb.h"

using namespace sluice::v1;
using grpc::StatusCode;
using std::chrono::milliseconds;

// The context of one call but a watch, with its deadline: none may wait for ever.
struct Soon : grpc::ClientContext {
    Soon() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10)); }
};

// Prints the code and the text of an error, and the details that it brings.
static void show_error(const grpc::Status &error)
{
    google::rpc::Status status;
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;

    std::cout << "refused: " << error.error_code() << ": " << error.error_message() << "\n";
    status.ParseFromString(error.error_details());
    for (const auto &detail : status.details()) {
        if (detail.UnpackTo(&info))
            std::cout << "  reason " << info.reason() << "\n";
        else if (detail.UnpackTo(&bad))
            for (const auto &violation : bad.field_violations())
                std::cout << "  field " << violation.field() << ": " << violation.description() << "\n";
    }
}

// Ends the program when a call has failed that should not.
static void must(const grpc::Status &status)
{
    if (status.ok())
        return;
    show_error(status);
    std::exit(1);
}

static void create_source(DataSourceService::Stub &stub, const std::string &name, DataSourceType type,
                          const std::string &parameters)
{
    Soon soon;
    CreateDataSourceRequest request;
    DataSource made;

    request.mutable_data_source()->set_name(name);
    request.mutable_data_source()->set_type(type);
    request.mutable_data_source()->set_parameters_json(parameters);
    auto status = stub.CreateDataSource(&soon, request, &made);
    if (status.error_code() != StatusCode::ALREADY_EXISTS) // an earlier run has made it
        must(status);
}

// A task that imports people.csv: two columns, the first of which is the key.
static Task import_people(const std::string &destination, int instances)
{
    Task task;

    task.set_source("example-files");
    task.set_destination(destination);
    auto *spec = task.mutable_bulkload();
    spec->set_reader_config_json(R"({"filePath": "people.csv", "column": ["id", "name"]})");
    spec->set_writer_config_json(R"({"namespace": "public", "lindormTable": "people_cpp",)"
                                 R"( "columns": ["ROW||String", "f:name||String"]})");
    spec->set_driver_spec(DRIVER_SPEC_SMALL);
    spec->set_instances(instances);
    spec->set_file_type(FILE_TYPE_CSV);
    return task;
}

// A random UUID, which Linux makes.
static std::string make_uuid()
{
    std::string uuid;

    std::ifstream("/proc/sys/kernel/random/uuid") >> uuid;
    return uuid;
}

// Tries again with the same request_id, so that no second task is made whatever became of the first try.
static grpc::Status create_task(TaskService::Stub &stub, const Task &task, Task *made)
{
    CreateTaskRequest request;

    *request.mutable_task() = task;
    request.set_request_id(make_uuid());
    for (auto delay = milliseconds(100);; delay *= 5) {
        Soon soon;
        auto status = stub.CreateTask(&soon, request, made);
        auto code = status.error_code();
        bool may_pass = code == StatusCode::UNAVAILABLE || code == StatusCode::UNKNOWN ||
                        code == StatusCode::DEADLINE_EXCEEDED;
        if (!may_pass || delay > milliseconds(2500))
            return status;
        std::this_thread::sleep_for(delay);
    }
}

// Prints what becomes of a task until it ends, and gives its last state.
static TaskState watch(TaskService::Stub &stub, const std::string &id)
{
    WatchTaskRequest request;
    TaskChange change;

    request.set_id(id);
    for (;; std::this_thread::sleep_for(milliseconds(500))) {
        grpc::ClientContext context;
        auto changes = stub.WatchTask(&context, request);
        while (changes->Read(&change)) {
            if (!change.cursor().empty())
                request.set_cursor(change.cursor());
            if (!change.has_task())
                continue;
            auto state = change.task().state();
            std::cout << id << " " << TaskState_Name(state) << ", "
                      << change.task().progress().rows_written() << " rows" << std::endl;
            if (state >= TASK_STATE_SUCCEEDED) {
                context.TryCancel();
                return state;
            }
        }
        auto status = changes->Finish();
        if (status.error_code() != StatusCode::UNAVAILABLE) // the server was started anew, say; go on
            must(status);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::cerr << "usage: example ADDRESS FOLDER DATABASE\n";
        return 1;
    }
    grpc::ChannelArguments options;
    options.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20000); // notices a server that is gone without a word
    options.SetCompressionAlgorithm(GRPC_COMPRESS_GZIP);
    auto channel = grpc::CreateCustomChannel(argv[1], grpc::InsecureChannelCredentials(), options);
    auto sources = DataSourceService::NewStub(channel);
    auto tasks = TaskService::NewStub(channel);
    Task task, killed;

    create_source(*sources, "example-files", DATA_SOURCE_TYPE_FILE,
                  R"({"root": ")" + std::string(argv[2]) + R"("})");
    create_source(*sources, "example-database", DATA_SOURCE_TYPE_POSTGRES,
                  R"({"url": ")" + std::string(argv[3]) + R"("})");
    create_source(*sources, "example-nowhere", DATA_SOURCE_TYPE_POSTGRES,
                  R"({"url": "postgresql://127.0.0.1:1/x"})");

    must(create_task(*tasks, import_people("example-database", 1), &task));
    auto state = watch(*tasks, task.id());

    must(create_task(*tasks, import_people("example-nowhere", 1), &task)); // tried until it is aborted
    Soon soon;
    AbortTaskRequest abort;
    abort.set_id(task.id());
    must(tasks->AbortTask(&soon, abort, &killed));
    std::cout << killed.id() << " " << TaskState_Name(killed.state()) << "\n";

    auto refused = create_task(*tasks, import_people("example-database", -1), &task);
    if (!refused.ok())
        show_error(refused);
    return state == TASK_STATE_SUCCEEDED ? 0 : 1;
}
