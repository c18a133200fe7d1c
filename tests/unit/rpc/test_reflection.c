/*
 * tests/unit/rpc/test_reflection.c - the reflection service of a server.
 */
#include <stdio.h>

#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"
#include "tests/unit/rpc/raw_client.h"

#define V1 "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define V1ALPHA "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

/* A server and an open stream. */
struct talk {
    struct echo echo;
    struct raw raw;
    Grpc__Reflection__V1__ServerReflectionRequest request;
    Grpc__Reflection__V1__ServerReflectionResponse *reply; /* the last one */
};

static void talk_open_limited(struct talk *talk, const char *method,
                              const struct rpc_server_options *limits)
{
    echo_open(&talk->echo, limits);
    raw_open(&talk->raw, talk->echo.target);
    grpc__reflection__v1__server_reflection_request__init(&talk->request);
    talk->reply = NULL;
    raw_begin(&talk->raw, method);
}

static void talk_open(struct talk *talk, const char *method)
{
    talk_open_limited(talk, method, NULL);
}

static void talk_close(struct talk *talk)
{
    raw_send_close(&talk->raw);
    check_status(raw_end(&talk->raw), STATUS_OK);
    grpc__reflection__v1__server_reflection_response__free_unpacked(talk->reply, NULL);
    raw_close(&talk->raw);
    echo_close(&talk->echo);
}

/* Sends the request and takes the reply; returns what kind of reply it is. */
static int talk_ask(struct talk *talk)
{
    struct buf bytes = {0};

    grpc__reflection__v1__server_reflection_response__free_unpacked(talk->reply, NULL);
    talk->reply = NULL;
    raw_send_message(&talk->raw, &talk->request.base);
    if (raw_receive(&talk->raw, &bytes))
        talk->reply = grpc__reflection__v1__server_reflection_response__unpack(
            NULL, bytes.len, (const uint8_t *)bytes.data);
    buf_deinit(&bytes);
    return talk->reply ? (int)talk->reply->message_response_case : -1;
}

static int ask_symbol(struct talk *talk, const char *name)
{
    talk->request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    talk->request.file_containing_symbol = (char *)(uintptr_t)name; /* is only read */
    return talk_ask(talk);
}

/* The name of the first file of the reply, in ret. */
static void write_first_name(const struct talk *talk, char *ret, size_t size)
{
    const ProtobufCBinaryData *bytes =
        &talk->reply->file_descriptor_response->file_descriptor_proto[0];
    Google__Protobuf__FileDescriptorProto *file =
        google__protobuf__file_descriptor_proto__unpack(NULL, bytes->len, bytes->data);

    (void)snprintf(ret, size, "%s", file ? file->name : "");
    google__protobuf__file_descriptor_proto__free_unpacked(file, NULL);
}

enum {
    FILES =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE,
    NUMBERS =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE,
    SERVICES =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE,
    ERROR = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE,
};

test(reflection_lists_the_services_that_are_served)
{
    static const char *const names[] = {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "sluice.v1.TaskService",
    };
    static const char *const methods[] = {V1, V1ALPHA};

    for (size_t m = 0; m < ARRAY_LEN(methods); m++) {
        struct talk talk;

        talk_open(&talk, methods[m]);
        talk.request.message_request_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
        talk.request.list_services = (char *)(uintptr_t)"*";
        check_int(talk_ask(&talk), SERVICES);
        check_int(talk.reply->list_services_response->n_service, ARRAY_LEN(names));
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            check_str(talk.reply->list_services_response->service[i]->name, names[i]);
        check_str(talk.reply->original_request->list_services, "*");
        talk_close(&talk);
    }
}

test(a_symbol_is_found_with_its_file_and_all_imports)
{
    static const struct {
        const char *symbol;
        const char *file;
    } cases[] = {
        {"sluice.v1.TaskService", "sluice/v1/task_service.proto"},
        {"sluice.v1.TaskService.GetTask", "sluice/v1/task_service.proto"},
        {"sluice.v1.Task", "sluice/v1/task.proto"},
        {"sluice.v1.Task.id", "sluice/v1/task.proto"},
        {"sluice.v1.Task.spec", "sluice/v1/task.proto"},
        {"sluice.v1.TaskState", "sluice/v1/task.proto"},
        {"sluice.v1.TASK_STATE_FAILED", "sluice/v1/task.proto"},
        {"google.rpc.BadRequest.FieldViolation", "google/rpc/error_details.proto"},
        {"google.protobuf.Timestamp", "google/protobuf/timestamp.proto"},
        {"pb_c_file", "protobuf-c/protobuf-c.proto"},
    };
    struct talk talk;
    char name[64];

    talk_open(&talk, V1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_int(ask_symbol(&talk, cases[i].symbol), FILES);
        write_first_name(&talk, name, sizeof(name));
        check_str(name, cases[i].file);
    }
    check_int(ask_symbol(&talk, "sluice.v1.TaskService"), FILES);
    /* task_service, empty, task, timestamp, protobuf-c, descriptor: and what they import */
    check(talk.reply->file_descriptor_response->n_file_descriptor_proto >= 6);
    talk_close(&talk);
}

test(an_unknown_symbol_is_an_error_in_the_stream)
{
    static const char *const names[] = {
        "sluice.v1.Tas",    "sluice.v1.Task.", "sluice.v1", ".sluice.v1.Task", "",
        "sluice.v1.Task.no"};
    struct talk talk;

    talk_open(&talk, V1);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        check_int(ask_symbol(&talk, names[i]), ERROR);
        check_int(talk.reply->error_response->error_code, STATUS_NOT_FOUND);
    }
    check_int(ask_symbol(&talk, "sluice.v1.Task"), FILES); /* the stream goes on */
    talk_close(&talk);
}

test(a_file_is_found_by_its_name)
{
    struct talk talk;
    char name[64];

    talk_open(&talk, V1ALPHA);
    talk.request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    talk.request.file_by_filename = (char *)(uintptr_t)"sluice/v1/task.proto";
    check_int(talk_ask(&talk), FILES);
    write_first_name(&talk, name, sizeof(name));
    check_str(name, "sluice/v1/task.proto");
    talk.request.file_by_filename = (char *)(uintptr_t)"sluice/v1/no.proto";
    check_int(talk_ask(&talk), ERROR);
    talk_close(&talk);
}

test(extensions_are_found_by_type_and_number)
{
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    struct talk talk;
    char name[64];

    talk_open(&talk, V1);
    talk.request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE;
    talk.request.all_extension_numbers_of_type = (char *)(uintptr_t)"google.protobuf.FileOptions";
    check_int(talk_ask(&talk), NUMBERS);
    check_int(talk.reply->all_extension_numbers_response->n_extension_number, 1);
    extension.containing_type = (char *)(uintptr_t)"google.protobuf.FileOptions";
    extension.extension_number = talk.reply->all_extension_numbers_response->extension_number[0];
    talk.request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION;
    talk.request.file_containing_extension = &extension;
    check_int(talk_ask(&talk), FILES);
    write_first_name(&talk, name, sizeof(name));
    check_str(name, "protobuf-c/protobuf-c.proto");
    extension.extension_number++;
    check_int(talk_ask(&talk), ERROR);
    talk.request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE;
    talk.request.all_extension_numbers_of_type = (char *)(uintptr_t)"sluice.v1.Task";
    check_int(talk_ask(&talk), NUMBERS);
    check_int(talk.reply->all_extension_numbers_response->n_extension_number, 0);
    talk_close(&talk);
}

test(a_request_without_a_question_is_an_error_in_the_stream)
{
    struct talk talk;

    talk_open(&talk, V1);
    check_int(talk_ask(&talk), ERROR);
    check_int(talk.reply->error_response->error_code, STATUS_INVALID_ARGUMENT);
    talk_close(&talk);
}

test(bytes_that_are_no_request_end_the_stream)
{
    struct echo echo;
    struct raw raw;

    echo_open(&echo, NULL);
    raw_open(&raw, echo.target);
    raw_begin(&raw, V1);
    raw_send(&raw, str_from_bytes("\x22\x01\xff", 3));
    struct status st = raw_end(&raw);
    check_status(st, STATUS_INVALID_ARGUMENT);
    check_str(st.text, "field 'file_containing_symbol' is not valid UTF-8");
    raw_close(&raw);
    echo_close(&echo);
}

test(an_idle_stream_does_not_hold_up_a_stop)
{
    struct talk talk;

    talk_open(&talk, V1);
    check_int(ask_symbol(&talk, "sluice.v1.Task"), FILES);
    rpc_server_stop(talk.echo.server, 60000);
    check_status(raw_end(&talk.raw), STATUS_UNAVAILABLE);
    check(memmem(talk.raw.details, sizeof(talk.raw.details), "STOPPING", strlen("STOPPING")));
    grpc__reflection__v1__server_reflection_response__free_unpacked(talk.reply, NULL);
    raw_close(&talk.raw);
    echo_close(&talk.echo);
}

test(messages_of_a_stream_count_towards_what_requests_may_take_one_at_a_time)
{
    enum { NAME_BYTES = 2000, MAX_TOTAL_BYTES = 40000 }; /* each byte counts for 16 */
    const struct rpc_server_options limits = {.max_total_bytes = MAX_TOTAL_BYTES};
    char name[2 * NAME_BYTES + 1] = {0};
    struct buf bytes = {0};
    struct talk talk;

    talk_open_limited(&talk, V1, &limits);
    memset(name, 'x', NAME_BYTES);
    for (size_t i = 0; i < 3; i++)
        check_int(ask_symbol(&talk, name), ERROR); /* there is no such symbol */
    memset(name, 'x', 2 * NAME_BYTES);
    raw_send_message(&talk.raw, &talk.request.base);
    check(!raw_receive(&talk.raw, &bytes));
    check_status(raw_end(&talk.raw), STATUS_RESOURCE_EXHAUSTED);
    buf_deinit(&bytes);
    grpc__reflection__v1__server_reflection_response__free_unpacked(talk.reply, NULL);
    raw_close(&talk.raw);
    echo_close(&talk.echo);
}
