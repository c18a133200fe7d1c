#include "worker/migration_sink.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "hbase/bulk_writer.h"
#include "hbase/writer.h"

enum {
    FLUSH_EVERY_MS = 1000,
    LOAD_EVERY_MS = 60 * 1000, /* files that are loaded too often are many small ones */
};

/* ---- The write path */

struct write_sink {
    struct migration_sink sink;
    struct hbase_writer *writer;
};

static struct status write_cells(struct migration_sink *sink, const struct hbase_cell *cells,
                                 size_t ncells)
{
    return hbase_writer_put(container_of(sink, struct write_sink, sink)->writer, cells, ncells);
}

static struct status flush_writes(struct migration_sink *sink)
{
    return hbase_writer_flush(container_of(sink, struct write_sink, sink)->writer);
}

static bool is_write_due(const struct migration_sink *sink, int64_t age_ms)
{
    (void)sink;
    return age_ms >= FLUSH_EVERY_MS;
}

static void destroy_writes(struct migration_sink *sink)
{
    struct write_sink *self = container_of(sink, struct write_sink, sink);

    hbase_writer_destroy(self->writer);
    mem_free(self);
}

struct migration_sink *migration_sink_create(struct hbase_table *table,
                                             const struct hbase_writer_options *options)
{
    struct write_sink *self = mem_alloc(sizeof(*self));

    self->sink = (struct migration_sink){write_cells, flush_writes, is_write_due, destroy_writes};
    self->writer = hbase_writer_create(table, options);
    return &self->sink;
}

/* ---- Files */

struct file_sink {
    struct migration_sink sink;
    struct hbase_bulk_writer *writer;
};

static struct status write_files(struct migration_sink *sink, const struct hbase_cell *cells,
                                 size_t ncells)
{
    return hbase_bulk_writer_put(container_of(sink, struct file_sink, sink)->writer, cells, ncells);
}

static struct status load_files(struct migration_sink *sink)
{
    return hbase_bulk_writer_flush(container_of(sink, struct file_sink, sink)->writer);
}

static bool is_load_due(const struct migration_sink *sink, int64_t age_ms)
{
    return age_ms >= LOAD_EVERY_MS ||
           hbase_bulk_writer_is_full(container_of(sink, struct file_sink, sink)->writer);
}

static void destroy_files(struct migration_sink *sink)
{
    struct file_sink *self = container_of(sink, struct file_sink, sink);

    hbase_bulk_writer_destroy(self->writer);
    mem_free(self);
}

struct migration_sink *migration_sink_create_files(struct hbase_table *table,
                                                   struct hbase_staging *staging)
{
    struct file_sink *self = mem_alloc(sizeof(*self));

    self->sink = (struct migration_sink){write_files, load_files, is_load_due, destroy_files};
    self->writer = hbase_bulk_writer_create(table, staging);
    return &self->sink;
}
