#include "rpc/reflection.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "rpc/call.h"
#include "rpc/descriptors.h"
#include "rpc/health.h"

struct rpc_reflection {
    struct descriptors *descriptors;
    const char **services; /* sorted */
    size_t nservices;
    pthread_mutex_t lock; /* for the state of streams */
};

/* A request and the answer in the making, which lives in arena. */
struct answer {
    const struct rpc_reflection *reflection;
    struct arena *arena;
    Grpc__Reflection__V1__ServerReflectionResponse reply;
};

static void answer_error(struct answer *answer, struct status st)
{
    Grpc__Reflection__V1__ErrorResponse *error = arena_alloc(answer->arena, sizeof(*error));

    grpc__reflection__v1__error_response__init(error);
    error->error_code = (int32_t)st.code;
    error->error_message = arena_copy_str(answer->arena, str_from(st.text));
    answer->reply.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    answer->reply.error_response = error;
}

/* Appends a file and all that it imports, each once. */
static void add_file(struct answer *answer, Grpc__Reflection__V1__FileDescriptorResponse *files,
                     size_t index, bool *is_in)
{
    const struct descriptor_file *file =
        descriptors_get_file(answer->reflection->descriptors, index);

    if (is_in[index])
        return;
    is_in[index] = true;
    files->file_descriptor_proto[files->n_file_descriptor_proto++] = file->bytes;
    for (size_t i = 0; i < file->ndependencies; i++)
        add_file(answer, files, file->dependencies[i], is_in);
}

/* index is what a descriptors_find function returned for name. */
static void answer_file(struct answer *answer, size_t index, const char *name)
{
    size_t count = descriptors_get_count(answer->reflection->descriptors);

    if (index == count) {
        answer_error(answer, status_error(STATUS_NOT_FOUND, "'%s' is not known", name));
        return;
    }
    Grpc__Reflection__V1__FileDescriptorResponse *files =
        arena_alloc(answer->arena, sizeof(*files));
    grpc__reflection__v1__file_descriptor_response__init(files);
    files->file_descriptor_proto =
        arena_alloc(answer->arena, count * sizeof(*files->file_descriptor_proto));
    add_file(answer, files, index, arena_alloc(answer->arena, count * sizeof(bool)));
    answer->reply.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    answer->reply.file_descriptor_response = files;
}

static void answer_extensions(struct answer *answer, const char *type)
{
    const struct descriptors *descriptors = answer->reflection->descriptors;
    Grpc__Reflection__V1__ExtensionNumberResponse *numbers =
        arena_alloc(answer->arena, sizeof(*numbers));

    if (descriptors_find_symbol(descriptors, type) == descriptors_get_count(descriptors)) {
        answer_error(answer, status_error(STATUS_NOT_FOUND, "'%s' is not known", type));
        return;
    }
    grpc__reflection__v1__extension_number_response__init(numbers);
    size_t count = descriptors_list_extensions(descriptors, type, NULL, 0);
    numbers->base_type_name = arena_copy_str(answer->arena, str_from(type));
    numbers->extension_number = arena_alloc(answer->arena, count * sizeof(int32_t));
    numbers->n_extension_number =
        descriptors_list_extensions(descriptors, type, numbers->extension_number, count);
    answer->reply.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    answer->reply.all_extension_numbers_response = numbers;
}

static void answer_services(struct answer *answer)
{
    const struct rpc_reflection *reflection = answer->reflection;
    Grpc__Reflection__V1__ListServiceResponse *list = arena_alloc(answer->arena, sizeof(*list));

    grpc__reflection__v1__list_service_response__init(list);
    list->n_service = reflection->nservices;
    list->service = arena_alloc(answer->arena, list->n_service * sizeof(*list->service));
    for (size_t i = 0; i < list->n_service; i++) {
        Grpc__Reflection__V1__ServiceResponse *row = arena_alloc(answer->arena, sizeof(*row));
        grpc__reflection__v1__service_response__init(row);
        row->name = (char *)(uintptr_t)reflection->services[i]; /* packing does not write */
        list->service[i] = row;
    }
    answer->reply.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    answer->reply.list_services_response = list;
}

static void answer_request(struct answer *answer,
                           const Grpc__Reflection__V1__ServerReflectionRequest *request)
{
    const struct descriptors *descriptors = answer->reflection->descriptors;
    const Grpc__Reflection__V1__ExtensionRequest *extension;

    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        answer_file(answer, descriptors_find_file(descriptors, request->file_by_filename),
                    request->file_by_filename);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        answer_file(answer, descriptors_find_symbol(descriptors, request->file_containing_symbol),
                    request->file_containing_symbol);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
        extension = request->file_containing_extension;
        answer_file(answer,
                    descriptors_find_extension(descriptors, extension->containing_type,
                                               extension->extension_number),
                    extension->containing_type);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        answer_extensions(answer, request->all_extension_numbers_of_type);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        answer_services(answer);
        break;
    default:
        answer_error(answer, status_error(STATUS_INVALID_ARGUMENT, "nothing was asked for"));
    }
}

/* ServerReflectionInfo: an answer for each message until the client has sent its last one. */

enum stream_state {
    STREAM_BUSY, /* a callback runs or an answer is on its way; whoever is at it ends the call */
    STREAM_IDLE, /* waits for a message; a cancellation ends the call */
    STREAM_OVER, /* somebody ends the call, or has ended it */
};

struct stream {
    struct rpc_reflection *reflection;
    struct rpc_call *call;
    struct rpc_receive receive;
    struct rpc_send send;
    struct rpc_cancel cancel;

    /* Under the reflection's lock. */
    enum stream_state state;
    bool is_leaving; /* was cancelled while it was busy */
};

static void end_stream(struct stream *stream, struct status st)
{
    pthread_mutex_lock(&stream->reflection->lock);
    stream->state = STREAM_OVER;
    pthread_mutex_unlock(&stream->reflection->lock);
    rpc_call_end(stream->call, st, NULL);
}

/* Goes from busy to idle. */
static void wait_for_message(struct stream *stream)
{
    pthread_mutex_lock(&stream->reflection->lock);
    bool is_leaving = stream->is_leaving;
    if (!is_leaving) {
        stream->state = STREAM_IDLE;
        rpc_call_receive(stream->call, &stream->receive); /* calls nobody back */
    }
    pthread_mutex_unlock(&stream->reflection->lock);
    if (is_leaving)
        end_stream(stream, rpc_call_set_stopping(stream->call));
}

static void stream_sent(struct rpc_send *send, bool ok)
{
    struct stream *stream = container_of(send, struct stream, send);

    if (ok)
        wait_for_message(stream);
    else
        end_stream(stream, status_error(STATUS_CANCELLED, "the client is gone"));
}

static void stream_received(struct rpc_receive *receive, struct status st,
                            const ProtobufCMessage *message)
{
    struct stream *stream = container_of(receive, struct stream, receive);

    pthread_mutex_lock(&stream->reflection->lock);
    bool is_over = stream->state == STREAM_OVER;
    if (!is_over)
        stream->state = STREAM_BUSY;
    pthread_mutex_unlock(&stream->reflection->lock);
    if (is_over)
        return;
    if (!message) {
        end_stream(stream, st);
        return;
    }

    struct answer answer = {stream->reflection, arena_create(0),
                            GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT};
    answer.reply.original_request =
        (Grpc__Reflection__V1__ServerReflectionRequest *)(uintptr_t)message; /* is only read */
    answer_request(&answer, answer.reply.original_request);
    rpc_call_send(stream->call, &answer.reply.base, &stream->send);
    arena_destroy(answer.arena);
}

static void stream_cancelled(struct rpc_cancel *cancel)
{
    struct stream *stream = container_of(cancel, struct stream, cancel);

    pthread_mutex_lock(&stream->reflection->lock);
    bool is_idle = stream->state == STREAM_IDLE;
    if (is_idle)
        stream->state = STREAM_OVER;
    stream->is_leaving = true;
    pthread_mutex_unlock(&stream->reflection->lock);
    if (is_idle)
        rpc_call_end(stream->call, rpc_call_set_stopping(stream->call), NULL);
}

static void serve_stream(struct rpc_call *call, const ProtobufCMessage *message)
{
    struct stream *stream = rpc_call_alloc(call, sizeof(*stream));

    (void)message; /* there is none yet */
    stream->reflection = rpc_call_get_self(call);
    stream->call = call;
    stream->receive.on_received = stream_received;
    stream->send.on_sent = stream_sent;
    stream->cancel.on_cancel = stream_cancelled;
    rpc_call_set_cancel(call, &stream->cancel);
    wait_for_message(stream);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct rpc_reflection *rpc_reflection_create(const struct rpc_service *const *services,
                                             size_t nservices)
{
    struct rpc_reflection *reflection = mem_alloc(sizeof(*reflection));
    size_t n = 0;

    reflection->descriptors = descriptors_create();
    reflection->services =
        mem_alloc_array(nservices + RPC_REFLECTION_NSERVICES + 1, sizeof(const char *));
    for (size_t i = 0; i < nservices; i++)
        reflection->services[n++] = services[i]->descriptor->name;
    for (size_t i = 0; i < RPC_REFLECTION_NSERVICES; i++)
        reflection->services[n++] = rpc_reflection_services[i];
    reflection->services[n++] = rpc_health_service.descriptor->name;
    reflection->nservices = n;
    qsort(reflection->services, n, sizeof(const char *), compare_names);
    (void)pthread_mutex_init(&reflection->lock, NULL);
    return reflection;
}

void rpc_reflection_destroy(struct rpc_reflection *reflection)
{
    if (!reflection)
        return;
    (void)pthread_mutex_destroy(&reflection->lock);
    descriptors_destroy(reflection->descriptors);
    mem_free(reflection->services);
    mem_free(reflection);
}

const char *const rpc_reflection_services[RPC_REFLECTION_NSERVICES] = {
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
};

const struct rpc_method rpc_reflection_method = {
    "ServerReflectionInfo",
    RPC_BIDI_STREAM,
    serve_stream,
};

const ProtobufCMessageDescriptor *const rpc_reflection_input =
    &grpc__reflection__v1__server_reflection_request__descriptor;
