/*
 * tests/unit/rest-shim/test_rest_error.c - errors in the three shapes.
 */
#include "rest-shim/rest_error.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "rest-shim/lts.h"
#include "rpc/message_json.h"
#include "tests/harness/test.h"
#include "tests/unit/rest-shim/golden.h"

static struct str pack(const ProtobufCMessage *message, struct arena *arena)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *data = arena_alloc(arena, len + 1);

    protobuf_c_message_pack(message, data);
    return str_from_bytes(data, len);
}

/* A detail from its JSON. */
static void add_detail(Google__Rpc__Status *status, const ProtobufCMessageDescriptor *type,
                       const char *text, struct arena *arena)
{
    struct json *json = NULL;
    ProtobufCMessage *message = NULL;
    struct status st = json_read("detail", str_from(text), &json);

    if (st.code == STATUS_OK)
        st = message_json_read(json, type, arena, &message);
    check_str(st.text, "");
    json_destroy(json);
    Google__Protobuf__Any *any =
        (Google__Protobuf__Any *)message_create(&google__protobuf__any__descriptor, arena);
    struct str packed = pack(message, arena);
    any->type_url = arena_printf(arena, "type.googleapis.com/%s", type->name);
    any->value = (ProtobufCBinaryData){packed.len, (uint8_t *)(uintptr_t)packed.data};
    status->details[status->n_details++] = any;
}

/* What the gateway sends with a task that is wrong in three fields. */
static struct str make_details(struct arena *arena)
{
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    Google__Protobuf__Any *details[4];

    status.details = details;
    add_detail(&status, &google__rpc__error_info__descriptor,
               "{\"reason\":\"INVALID_FIELD\",\"domain\":\"sluice\"}", arena);
    add_detail(&status, &google__rpc__bad_request__descriptor,
               "{\"fieldViolations\":["
               "{\"field\":\"task.source\",\"description\":\"the name is missing\"},"
               "{\"field\":\"task.bulkload.reader_config_json\","
               "\"description\":\"readerConfig.filePath: is missing\"},"
               "{\"field\":\"task.bulkload.instances\","
               "\"description\":\"instances is 0; 1 to 1000 is expected\"}]}",
               arena);
    add_detail(&status, &google__rpc__retry_info__descriptor, "{\"retryDelay\":\"1.5s\"}", arena);
    add_detail(&status, &google__rpc__status__descriptor, "{}", arena); /* not one of ours */
    return pack(&status.base, arena);
}

static void check_error(struct rest_error error, int expected_status, unsigned expected_retry_s,
                        const char *golden)
{
    struct arena *arena = arena_create(1 << 20);
    struct buf body = {0};
    unsigned retry_s = 0;

    check_int(rest_error_write(&error, arena, &body, &retry_s), expected_status);
    check_int(retry_s, expected_retry_s);
    check_golden(buf_get(&body), golden);
    buf_deinit(&body);
    arena_destroy(arena);
}

test(errors_of_the_gateway_keep_their_details)
{
    struct arena *arena = arena_create(1 << 20);
    struct rest_error error = {
        .st = status_error(STATUS_INVALID_ARGUMENT, "the name is missing"),
        .details = make_details(arena),
    };

    error.style = ROUTE_V1;
    check_error(error, 400, 2, "error_v1.json");
    error.style = ROUTE_LTS;
    error.form = &lts_bulkload_form;
    check_error(error, 400, 2, "error_lts.json");
    error.form = NULL;
    check_error(error, 400, 2, "error_lts_paths.json");
    arena_destroy(arena);
}

test(errors_without_details_are_their_text)
{
    struct rest_error error = {.st = status_error(STATUS_NOT_FOUND, "task 'a\"b' does not exist")};

    error.style = ROUTE_LTS;
    check_error(error, 404, 0, "error_lts_plain.json");
    error.style = ROUTE_V1;
    check_error(error, 404, 0, "error_v1_plain.json");
    error.style = ROUTE_HEALTH;
    check_error(error, 503, 0, "error_health.json");
}

test(details_that_are_broken_are_left_out)
{
    struct rest_error error = {
        .st = status_error(STATUS_NOT_FOUND, "task 'a\"b' does not exist"),
        .details = str_from("\xff\xff"),
        .style = ROUTE_V1,
    };

    check_error(error, 404, 0, "error_v1_plain.json");
}

test(each_code_has_its_http_status)
{
    static const struct {
        enum status_code code;
        int http_status;
    } cases[] = {
        {STATUS_CANCELLED, 500},
        {STATUS_UNKNOWN, 500},
        {STATUS_INVALID_ARGUMENT, 400},
        {STATUS_DEADLINE_EXCEEDED, 504},
        {STATUS_NOT_FOUND, 404},
        {STATUS_ALREADY_EXISTS, 409},
        {STATUS_PERMISSION_DENIED, 403},
        {STATUS_RESOURCE_EXHAUSTED, 429},
        {STATUS_FAILED_PRECONDITION, 409},
        {STATUS_ABORTED, 409},
        {STATUS_OUT_OF_RANGE, 400},
        {STATUS_UNIMPLEMENTED, 501},
        {STATUS_INTERNAL, 500},
        {STATUS_UNAVAILABLE, 503},
        {STATUS_DATA_LOSS, 500},
        {STATUS_UNAUTHENTICATED, 401},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_int(rest_error_get_http_status(cases[i].code), cases[i].http_status);
}

test(what_the_server_refuses_has_a_text)
{
    static const int statuses[] = {400, 403, 404, 405, 413, 414, 415, 417, 431, 500, 502};

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct rest_error error = rest_error_from_http(statuses[i], ROUTE_V1);
        check_int(error.http_status, statuses[i]);
        check(error.st.code != STATUS_OK);
        check(error.st.text[0] != '\0');
    }
}

test(texts_that_the_gateway_did_not_write_are_replaced)
{
    static const enum status_code codes[] = {STATUS_UNAVAILABLE, STATUS_DEADLINE_EXCEEDED,
                                             STATUS_INTERNAL, STATUS_UNKNOWN};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct status st = status_error(codes[i], "'127.0.0.1:1' cannot be reached");
        struct status masked = rest_error_mask(st, false);
        check_int(masked.code, codes[i]);
        check(strstr(masked.text, "127") == NULL);
        check_str(rest_error_mask(st, true).text, st.text);
    }
}

test(what_we_cancel_ourselves_says_that_we_stop)
{
    struct status masked = rest_error_mask(status_error(STATUS_CANCELLED, "CANCELLED"), false);

    check_status(masked, STATUS_UNAVAILABLE);
    check_str(masked.text, "this server stops; ask again");
}
