/*
 * tests/unit/rpc/test_otlp.c - spans as messages of OTLP, and an exporter whose collector is not there.
 */
#include "rpc/otlp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "rpc/loop.h"
#include "rpc/otlp_pack.h"
#include "rpc/otlp_settings.h"
#include "tests/harness/test.h"

static Otlp__Span *pack_and_read(const struct span *span)
{
    ProtobufCBinaryData packed = otlp_pack_span(span);
    Otlp__Span *read = otlp__span__unpack(NULL, packed.len, packed.data);

    mem_free(packed.data);
    return read;
}

static void make_span(struct span *ret)
{
    *ret = (struct span){.kind = SPAN_SERVER, .name = "work", .start_us = 5000000, .took_us = 7};
    memset(ret->context.trace_id, 0xab, TRACE_ID_NBYTES);
    memset(ret->context.span_id, 0xcd, TRACE_SPAN_ID_NBYTES);
}

test(a_span_is_packed_with_all_that_is_known_of_it)
{
    struct span span;

    make_span(&span);
    span.nattributes = 2;
    span.attributes[0] = (struct span_attribute){.key = "text", .text = str_from("value")};
    span.attributes[1] = (struct span_attribute){.key = "count", .is_number = true, .number = -3};
    Otlp__Span *read = pack_and_read(&span);
    check_int(read->trace_id.len, TRACE_ID_NBYTES);
    check_int(read->trace_id.data[0], 0xab);
    check_int(read->span_id.len, TRACE_SPAN_ID_NBYTES);
    check_int(read->parent_span_id.len, 0);
    check_int((int64_t)read->start_time_unix_nano, 5000000000);
    check_int((int64_t)read->end_time_unix_nano, 5000007000);
    check_str(read->attributes[0]->value->text, "value");
    check_int(read->attributes[1]->value->number, -3);
    check(!read->status);
    otlp__span__free_unpacked(read, NULL);
}

test(texts_are_cut_and_what_is_no_utf8_is_left_out)
{
    static char longest[OTLP_MAX_TEXT_BYTES + 2];
    struct span span;

    memset(longest, 'x', sizeof(longest) - 1);
    make_span(&span);
    span.parent_id[0] = 1;
    span.nattributes = 2;
    span.attributes[0] = (struct span_attribute){.key = "long", .text = str_from(longest)};
    span.attributes[1] = (struct span_attribute){.key = "bytes", .text = str_from("a\xff")};
    span_fail(&span, longest);
    Otlp__Span *read = pack_and_read(&span);
    check_int(read->parent_span_id.len, TRACE_SPAN_ID_NBYTES);
    check_int(strlen(read->attributes[0]->value->text), OTLP_MAX_TEXT_BYTES);
    check_str(read->attributes[1]->value->text, "");
    check_int(read->status->code, 2);
    check_int(strlen(read->status->message), OTLP_MAX_TEXT_BYTES);
    otlp__span__free_unpacked(read, NULL);
}

/* The log goes to a file from here on; returns what standard error was. */
static int begin_log(FILE *file)
{
    int kept = dup(STDERR_FILENO);

    check(dup2(fileno(file), STDERR_FILENO) >= 0);
    return kept;
}

static void end_log(FILE *file, int kept, char *ret, size_t size)
{
    check(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    rewind(file);
    ret[fread(ret, 1, size - 1, file)] = '\0';
    (void)fclose(file);
}

/* How many spans the log says were dropped, in all its lines. */
static long add_dropped(const char *log)
{
    static const char key[] = "\"dropped\":";
    long sum = 0;

    for (const char *at = strstr(log, key); at; at = strstr(at + 1, key))
        sum += strtol(at + strlen(key), NULL, 10);
    return sum;
}

test(without_a_collector_spans_are_dropped_and_counted_and_nothing_waits)
{
    enum { COUNT = OTLP_MAX_QUEUED + 2 * OTLP_MAX_BATCH };
    static char log[65536];
    struct trace_context none = {.is_sampled = false};
    struct rpc_loop *loop;
    struct otlp *otlp;
    FILE *file = tmpfile();
    int kept = begin_log(file);

    check_status(rpc_loop_create(1, &loop), STATUS_OK);
    check_status(otlp_start(&(struct otlp_options){.endpoint = "127.0.0.1:1",
                                                   .service_name = "test",
                                                   .root_ratio = 1,
                                                   .loop = loop},
                            &otlp),
                 STATUS_OK);
    int64_t begin_ms = clock_get_monotonic_ms();
    for (int i = 0; i < COUNT; i++) {
        struct span span;
        span_begin(otlp_get_tracer(otlp), &none, SPAN_INTERNAL, "work", &span);
        span_end(&span);
    }
    otlp_stop(otlp);
    int64_t took_ms = clock_get_monotonic_ms() - begin_ms;
    rpc_loop_destroy(loop);
    end_log(file, kept, log, sizeof(log));
    check(took_ms < 20000); /* a machine under load, and sanitizers */
    long ndropped = add_dropped(log);
    check(ndropped >= COUNT - OTLP_MAX_QUEUED - OTLP_MAX_BATCH && ndropped <= COUNT);
    check(strstr(log, "spans not exported") != NULL);
}

test(without_an_endpoint_there_is_no_tracer)
{
    struct otlp *otlp;

    check_status(otlp_settings_start(&(struct otlp_settings){0}, "test", NULL, NULL, &otlp),
                 STATUS_OK);
    check(!otlp_get_tracer(otlp));
    otlp_stop(otlp);
}

test(an_endpoint_with_a_scheme_has_a_host_and_a_port)
{
    static const struct {
        const char *endpoint;
        bool is_right;
    } cases[] = {
        {"collector.example:4317", true},
        {"unix:/run/collector", true},
        {"http://127.0.0.1:4317", true},
        {"https://collector.example:4317", true},
        {"https://[::1]:4317", true},
        {"https://collector.example", false},
        {"https://collector.example:", false},
        {"https://:4317", false},
        {"https://collector.example:0", false},
        {"https://collector.example:4317/", false},
        {"http://collector.example:4317/v1/traces", false},
        {"https://", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf errors = {0};
        otlp_settings_validate(&(struct otlp_settings){.endpoint = cases[i].endpoint}, &errors);
        test_check(TEST_HERE, (errors.len == 0) == cases[i].is_right, cases[i].endpoint);
        buf_deinit(&errors);
    }
}

test(a_file_of_authorities_that_is_none_stops_the_start)
{
    const struct otlp_settings settings = {.endpoint = "https://127.0.0.1:1", .ca = "/nowhere/ca"};
    struct otlp *otlp = NULL;

    check_status(otlp_settings_start(&settings, "test", NULL, NULL, &otlp), STATUS_NOT_FOUND);
    check(!otlp);
}
