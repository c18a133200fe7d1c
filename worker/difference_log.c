#include "worker/difference_log.h"

#include "base/arena.h"
#include "base/mem.h"
#include "worker/job_context.h"

/* Of one call (worker_service.proto, ReportDifferencesRequest), and some bytes for what is around them. */
enum {
    MAX_COUNT = 256,
    MAX_BYTES = 500 * 1024,
};

static ProtobufCBinaryData copy_bytes(struct arena *arena, ProtobufCBinaryData bytes)
{
    char *copy = arena_copy_str(arena, str_from_bytes(bytes.data, bytes.len));

    return (ProtobufCBinaryData){bytes.len, (uint8_t *)copy};
}

static Pb__Difference *copy(struct arena *arena, const Pb__Difference *difference)
{
    Pb__Difference *copied = arena_alloc(arena, sizeof(*copied));

    *copied = *difference;
    copied->row = copy_bytes(arena, difference->row);
    copied->family = copy_bytes(arena, difference->family);
    copied->qualifier = copy_bytes(arena, difference->qualifier);
    copied->source_value = copy_bytes(arena, difference->source_value);
    copied->destination_value = copy_bytes(arena, difference->destination_value);
    return copied;
}

void difference_log_add(struct difference_log *log, Pb__Difference *const *differences,
                        size_t count, int64_t ncounted)
{
    if (!log->arena)
        log->arena = arena_create(0);
    for (size_t i = 0; i < count && ncounted + (int64_t)i < DIFFERENCE_LOG_MAX_NUMBER; i++) {
        if (log->nitems == log->max_items) {
            log->max_items = log->max_items * 2 + 16;
            log->items = mem_realloc_array(log->items, log->max_items, sizeof(Pb__Difference *));
        }
        Pb__Difference *added = copy(log->arena, differences[i]);
        added->number = ncounted + (int64_t)i + 1;
        log->items[log->nitems++] = added;
    }
}

struct status difference_log_store(const struct difference_log *log, struct job_context *context)
{
    struct status st = status_ok();

    for (size_t first = 0; first < log->nitems && st.code == STATUS_OK;) {
        size_t count = 0, nbytes = 0;

        /* One alone has less than what a call takes: a row, a column and the beginnings of values. */
        for (; first + count < log->nitems && count < MAX_COUNT; count++) {
            nbytes += protobuf_c_message_get_packed_size(&log->items[first + count]->base);
            if (nbytes > MAX_BYTES)
                break;
        }
        st = job_context_store_differences(context, &log->items[first], count);
        first += count;
    }
    return st;
}

void difference_log_deinit(struct difference_log *log)
{
    mem_free(log->items);
    arena_destroy(log->arena);
    *log = (struct difference_log){0};
}
