/*
 * tests/hbase/probe/main.c - the commands of hbase_probe, and what they share.
 */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/thread.h"
#include "connectors/hbase/hbase_source.h"
#include "tests/hbase/probe/probe.h"

static const struct command {
    const char *name;
    int min_args;
    int max_args;
    struct status (*run)(struct probe *probe);
} commands[] = {
    {"find", 0, 0, probe_find}, {"regions", 1, 2, probe_regions}, {"locate", 2, 2, probe_locate},
    {"scan", 1, 3, probe_scan}, {"copy", 3, 6, probe_copy},
};

struct hbase_table_name probe_get_table(const struct probe *probe, int i)
{
    struct str rest = str_from(probe->args[i]);
    struct str namespace = str_cut(&rest, ':');

    if (!rest.data)
        return (struct hbase_table_name){"default", probe->args[i]};
    return (struct hbase_table_name){arena_copy_str(probe->arena, namespace),
                                     arena_copy_str(probe->arena, rest)};
}

static int read_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

struct status probe_read_bytes(const struct probe *probe, struct str text, struct str *ret)
{
    char *bytes = arena_alloc(probe->arena, text.len / 2 + 1);

    for (size_t at = 0; at < text.len; at += 2) {
        int high = read_digit(text.data[at]);
        int low = at + 1 < text.len ? read_digit(text.data[at + 1]) : -1;

        if (high < 0 || low < 0)
            return status_error(STATUS_INVALID_ARGUMENT, "'%.*s' is not hexadecimal", (int)text.len,
                                text.data);
        bytes[at / 2] = (char)(high << 4 | low);
    }
    *ret = str_from_bytes(bytes, text.len / 2);
    return status_ok();
}

struct status probe_get_bytes(const struct probe *probe, int i, struct str *ret)
{
    return probe_read_bytes(probe, str_from(i < probe->nargs ? probe->args[i] : NULL), ret);
}

struct status probe_get_number(const struct probe *probe, int i, int64_t fallback, int64_t *ret)
{
    if (i < probe->nargs)
        return number_read("argument", str_from(probe->args[i]), INT64_MIN, INT64_MAX, ret);
    *ret = fallback;
    return status_ok();
}

void probe_write_bytes(struct probe *probe, struct str bytes)
{
    struct buf text = {0};

    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(&text, "%02x", (unsigned char)bytes.data[i]);
    json_out_string(probe->out, buf_get(&text));
    buf_deinit(&text);
}

void probe_tell_bytes(struct probe *probe, const char *key, struct str bytes)
{
    json_out_key(probe->out, key);
    probe_write_bytes(probe, bytes);
}

void probe_tell_server(struct probe *probe, const char *key, const struct hbase_server *server)
{
    json_out_key(probe->out, key);
    json_out_text(probe->out, arena_printf(probe->arena, "%s:%d", server->host, server->port));
}

static const struct command *find_command(const char *name, int nargs)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0 && nargs >= commands[i].min_args &&
            nargs <= commands[i].max_args)
            return &commands[i];
    return NULL;
}

static struct status run(const char *parameters, const struct command *command, int nargs,
                         char **args, struct json_out *out)
{
    static const struct stop never;
    struct probe probe = {.out = out, .args = args, .nargs = nargs};
    struct status st = hbase_source_open(parameters, "probed", &never, NULL, &probe.cluster);

    if (st.code != STATUS_OK)
        return st;
    probe.arena = arena_create((size_t)1 << 30);
    st = command->run(&probe);
    arena_destroy(probe.arena);
    hbase_cluster_destroy(probe.cluster);
    return st;
}

int main(int argc, char **argv)
{
    const struct command *command = argc < 3 ? NULL : find_command(argv[2], argc - 3);
    struct buf result = {0}, error = {0};
    struct json_out out = json_out_make(&result);

    if (!command) {
        (void)fprintf(stderr, "usage: hbase_probe PARAMETERS COMMAND [ARGUMENT..]\n");
        return 2;
    }
    thread_block_signals();
    json_out_begin_object(&out);
    struct status st = run(argv[1], command, argc - 3, argv + 3, &out);
    json_out_end_object(&out);
    if (st.code != STATUS_OK) { /* what was told before is of no use */
        out = json_out_make(&error);
        json_out_begin_object(&out);
        json_out_key(&out, "code");
        json_out_text(&out, status_code_get_name(st.code));
        json_out_key(&out, "text");
        json_out_text(&out, st.text);
        json_out_end_object(&out);
    }
    (void)printf("%s\n", buf_get_text(st.code == STATUS_OK ? &result : &error));
    buf_deinit(&result);
    buf_deinit(&error);
    return st.code == STATUS_OK ? 0 : 1;
}
