/*
 * cli/source_commands.c - sluice source ...: data sources.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/list.h"
#include "cli/session.h"
#include "cli/table.h"
#include "sluice/v1/data_source_service.pb-c.h"

#define SERVICE "/sluice.v1.DataSourceService/"

enum {
    MAX_PARAMETERS_BYTES = 64 * 1024, /* as the gateway has it */
    EXIT_NOT_OK = 3,                  /* of a check in which a step failed */
};

/* The parameters as JSON: as given, or made of the --param options. The caller frees *ret. */
static struct status make_parameters(const struct cli_settings *settings, char **ret)
{
    struct buf text = {0};
    struct json_out out = json_out_make(&text);

    if (!!settings->parameters_json + !!settings->parameters_file + (settings->params.count > 0) >
        1)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "--param, --parameters-json and --parameters-file exclude each other");
    if (settings->parameters_file)
        return file_read_text("--parameters-file", settings->parameters_file, MAX_PARAMETERS_BYTES,
                              ret);
    if (settings->parameters_json) {
        *ret = mem_copy_str(str_from(settings->parameters_json));
        return status_ok();
    }
    json_out_begin_object(&out);
    for (size_t i = 0; i < settings->params.count; i++) {
        struct str rest = str_from(settings->params.items[i]);
        size_t sign = str_find_byte(rest, '=');
        if (sign == 0 || sign == rest.len) {
            buf_deinit(&text); /* what it is may be a secret, so it is not quoted */
            return status_error(STATUS_INVALID_ARGUMENT, "--param: number %zu is not KEY=VALUE",
                                i + 1);
        }
        json_out_key_str(&out, (struct str){rest.data, sign});
        json_out_string(&out, str_skip(rest, sign + 1));
    }
    json_out_end_object(&out);
    *ret = buf_take(&text);
    return status_ok();
}

static void print_source(const struct session *session, const Pb__DataSource *source)
{
    static const char *const titles[] = {"NAME", "TYPE", "PARAMETERS"};
    const char *cells[] = {
        source->name,
        session_name_value(&pb__data_source_type__descriptor, (int)source->type),
        source->parameters_json,
    };

    if (session_wants_json(session)) {
        session_print_json(&source->base);
        return;
    }
    struct table *table = table_create(titles, ARRAY_LEN(titles));
    table_add(table, cells);
    table_print(table);
}

static struct status create(struct session *session, const struct cli_settings *settings,
                            const char *name, char *parameters)
{
    Pb__DataSource source = PB__DATA_SOURCE__INIT;
    Pb__CreateDataSourceRequest request = PB__CREATE_DATA_SOURCE_REQUEST__INIT;
    const ProtobufCMessage *reply = NULL;
    int type = 0;

    if (!settings->type)
        return status_error(
            STATUS_INVALID_ARGUMENT,
            "--type must be given: file, postgres, hbase, lindorm, hdfs, s3 or spark");
    struct status st =
        session_find_value(&pb__data_source_type__descriptor, "type", settings->type, &type);
    if (st.code != STATUS_OK)
        return st;
    source.name = (char *)(uintptr_t)name;
    source.type = (Pb__DataSourceType)type;
    source.parameters_json = parameters;
    request.data_source = &source;
    st = session_call(session, SERVICE "CreateDataSource", &request.base,
                      &pb__data_source__descriptor, &reply);
    if (st.code == STATUS_OK)
        print_source(session, (const Pb__DataSource *)reply);
    return st;
}

static struct status update(struct session *session, const struct cli_settings *settings,
                            const char *name, char *parameters)
{
    Pb__DataSource source = PB__DATA_SOURCE__INIT;
    Pb__UpdateDataSourceRequest request = PB__UPDATE_DATA_SOURCE_REQUEST__INIT;
    const ProtobufCMessage *reply = NULL;

    source.name = (char *)(uintptr_t)name;
    source.parameters_json = parameters;
    if (settings->etag)
        source.etag = (char *)(uintptr_t)settings->etag;
    request.data_source = &source;
    struct status st = session_call(session, SERVICE "UpdateDataSource", &request.base,
                                    &pb__data_source__descriptor, &reply);
    if (st.code == STATUS_OK)
        print_source(session, (const Pb__DataSource *)reply);
    return st;
}

enum source_change { SOURCE_ADD, SOURCE_UPDATE };

static struct status change(const struct cli_settings *settings, const char *name,
                            enum source_change change)
{
    struct session *session = NULL;
    char *parameters = NULL;
    struct status st = make_parameters(settings, &parameters);

    if (st.code == STATUS_OK)
        st = session_open(settings, &session);
    if (st.code == STATUS_OK)
        st = change == SOURCE_ADD ? create(session, settings, name, parameters)
                                  : update(session, settings, name, parameters);
    session_close(session);
    mem_free(parameters);
    return st;
}

static struct status source_add(const struct cli_settings *settings, const char *const *operands,
                                int *ret_exit)
{
    (void)ret_exit;
    return change(settings, operands[0], SOURCE_ADD);
}

static struct status source_update(const struct cli_settings *settings, const char *const *operands,
                                   int *ret_exit)
{
    (void)ret_exit;
    return change(settings, operands[0], SOURCE_UPDATE);
}

static struct status source_get(const struct cli_settings *settings, const char *const *operands,
                                int *ret_exit)
{
    Pb__GetDataSourceRequest request = PB__GET_DATA_SOURCE_REQUEST__INIT;
    struct session *session = NULL;
    const ProtobufCMessage *reply = NULL;
    struct status st = session_open(settings, &session);

    (void)ret_exit;
    if (st.code != STATUS_OK)
        return st;
    request.name = (char *)(uintptr_t)operands[0];
    st = session_call(session, SERVICE "GetDataSource", &request.base, &pb__data_source__descriptor,
                      &reply);
    if (st.code == STATUS_OK)
        print_source(session, (const Pb__DataSource *)reply);
    session_close(session);
    return st;
}

static void add_source(struct table *table, const ProtobufCMessage *item)
{
    const Pb__DataSource *source = (const Pb__DataSource *)item;
    const char *cells[] = {
        source->name,
        session_name_value(&pb__data_source_type__descriptor, (int)source->type),
        source->parameters_json,
    };

    table_add(table, cells);
}

static struct status source_list(const struct cli_settings *settings, const char *const *operands,
                                 int *ret_exit)
{
    static const char *const titles[] = {"NAME", "TYPE", "PARAMETERS"};
    static const struct list list = {
        SERVICE "ListDataSources",
        &pb__list_data_sources_response__descriptor,
        "data_sources",
        titles,
        ARRAY_LEN(titles),
        add_source,
    };
    Pb__ListDataSourcesRequest request = PB__LIST_DATA_SOURCES_REQUEST__INIT;

    (void)operands;
    (void)ret_exit;
    return list_print(settings, &list, &request.base, INT64_MAX);
}

static struct status source_remove(const struct cli_settings *settings, const char *const *operands,
                                   int *ret_exit)
{
    Pb__DeleteDataSourceRequest request = PB__DELETE_DATA_SOURCE_REQUEST__INIT;
    struct session *session = NULL;
    const ProtobufCMessage *reply = NULL;
    struct status st = session_open(settings, &session);

    (void)ret_exit;
    if (st.code != STATUS_OK)
        return st;
    request.name = (char *)(uintptr_t)operands[0];
    if (settings->etag)
        request.etag = (char *)(uintptr_t)settings->etag;
    st = session_call(session, SERVICE "DeleteDataSource", &request.base,
                      &google__protobuf__empty__descriptor, &reply);
    session_close(session);
    return st;
}

static void add_step(struct table *table, const Pb__DataSourceCheckStep *step)
{
    const Google__Protobuf__Duration *took = step->duration;
    char took_text[32] = "";

    if (took)
        (void)snprintf(took_text, sizeof(took_text), "%.1f ms",
                       (double)took->seconds * 1e3 + (double)took->nanos / 1e6);
    const char *cells[] = {step->name, step->target, step->ok ? "ok" : "FAILED", took_text,
                           step->message};
    table_add(table, cells);
}

static void print_check(const struct session *session, const Pb__CheckDataSourceResponse *check)
{
    static const char *const titles[] = {"STEP", "TARGET", "RESULT", "TOOK", "MESSAGE"};

    if (session_wants_json(session)) {
        session_print_json(&check->base);
        return;
    }
    struct table *table = table_create(titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < check->n_steps; i++)
        add_step(table, check->steps[i]);
    table_print(table);
}

static struct status source_check(const struct cli_settings *settings, const char *const *operands,
                                  int *ret_exit)
{
    Pb__CheckDataSourceRequest request = PB__CHECK_DATA_SOURCE_REQUEST__INIT;
    struct session *session = NULL;
    const ProtobufCMessage *reply = NULL;
    struct status st = session_open(settings, &session);

    if (st.code != STATUS_OK)
        return st;
    request.name = (char *)(uintptr_t)operands[0];
    st = session_call(session, SERVICE "CheckDataSource", &request.base,
                      &pb__check_data_source_response__descriptor, &reply);
    if (st.code == STATUS_OK) {
        const Pb__CheckDataSourceResponse *check = (const Pb__CheckDataSourceResponse *)reply;

        print_check(session, check);
        *ret_exit = check->ok ? 0 : EXIT_NOT_OK;
    }
    session_close(session);
    return st;
}

const struct command source_commands[] = {
    {"source", "add", "NAME", 1, "register a data source: --type, --param KEY=VALUE ...",
     source_add},
    {"source", "list", "", 0, "list data sources, secrets masked", source_list},
    {"source", "get", "NAME", 1, "show one data source", source_get},
    {"source", "update", "NAME", 1, "replace a data source's parameters", source_update},
    {"source", "check", "NAME", 1, "have a worker try a data source; exit code 3 if a step failed",
     source_check},
    {"source", "remove", "NAME", 1, "remove a data source that no task names", source_remove},
    {0},
};
