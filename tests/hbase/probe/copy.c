/*
 * tests/hbase/probe/copy.c - copy TABLE PARAMETERS TABLE [OPTIONS [THREADS [IN_FLIGHT]]]: writes what a scan of the first table gives into the second
 * one of another cluster ("-": nowhere), the ranges of the first one's regions side by side. Tells how much, and what it took.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/thread.h"
#include "connectors/hbase/hbase_source.h"
#include "hbase/writer.h"
#include "tests/hbase/probe/probe.h"

enum { MAX_THREADS = 64 };

struct copy {
    struct hbase_table *source;
    struct hbase_table *target;
    struct hbase_scan_options options;
    struct hbase_writer_options writing;
    const struct hbase_region *regions;
    size_t nregions;
    atomic_size_t next; /* of regions */
    atomic_ullong nrows;
    atomic_ullong ncells;
    atomic_ullong nbytes;
};

struct copier {
    struct copy *copy;
    pthread_t thread;
    struct status status;
};

static struct status move_pages(struct copy *copy, struct hbase_scanner *scanner,
                                struct hbase_writer *writer)
{
    struct hbase_page page;
    struct status st;

    do {
        st = hbase_scanner_next(scanner, &page);
        if (st.code != STATUS_OK)
            return st;
        if (copy->target)
            st = hbase_writer_put(writer, page.cells, page.ncells);
        (void)atomic_fetch_add(&copy->nrows, page.nrows);
        (void)atomic_fetch_add(&copy->ncells, page.ncells);
        (void)atomic_fetch_add(&copy->nbytes, page.nbytes);
    } while (st.code == STATUS_OK && !page.is_end);
    return st;
}

static struct status copy_region(struct copy *copy, const struct hbase_region *region)
{
    struct hbase_scan_options options = copy->options;

    options.start_row = region->start_key;
    options.stop_row = region->end_key;
    struct hbase_scanner *scanner = hbase_scanner_create(copy->source, &options);
    struct hbase_writer *writer =
        copy->target ? hbase_writer_create(copy->target, &copy->writing) : NULL;
    struct status st = move_pages(copy, scanner, writer);
    if (st.code == STATUS_OK && writer)
        st = hbase_writer_flush(writer);
    hbase_writer_destroy(writer);
    hbase_scanner_destroy(scanner);
    return st;
}

static void *run(void *arg)
{
    struct copier *copier = arg;
    struct copy *copy = copier->copy;
    size_t i;

    copier->status = status_ok();
    while (copier->status.code == STATUS_OK &&
           (i = atomic_fetch_add(&copy->next, 1)) < copy->nregions)
        copier->status = copy_region(copy, &copy->regions[i]);
    return NULL;
}

static struct status run_all(struct copy *copy, int64_t nthreads)
{
    struct copier copiers[MAX_THREADS];
    struct status st = status_ok();
    int64_t n = 0;

    for (; n < nthreads && n < MAX_THREADS && st.code == STATUS_OK; n++) {
        copiers[n].copy = copy;
        st = thread_start("copier", run, &copiers[n], &copiers[n].thread);
    }
    for (int64_t i = 0; i < n; i++) {
        (void)pthread_join(copiers[i].thread, NULL);
        if (st.code == STATUS_OK)
            st = copiers[i].status;
    }
    return st;
}

static double get_cpu_s(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void tell(struct probe *probe, struct copy *copy, int64_t start_ms)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    json_out_key(probe->out, "rows");
    json_out_uint(probe->out, atomic_load(&copy->nrows));
    json_out_key(probe->out, "cells");
    json_out_uint(probe->out, atomic_load(&copy->ncells));
    json_out_key(probe->out, "bytes");
    json_out_uint(probe->out, atomic_load(&copy->nbytes));
    json_out_key(probe->out, "seconds");
    json_out_real(probe->out, (double)(clock_get_monotonic_ms() - start_ms) / 1e3);
    json_out_key(probe->out, "cpu_seconds");
    json_out_real(probe->out, get_cpu_s());
    json_out_key(probe->out, "memory_kib");
    json_out_int(probe->out, usage.ru_maxrss);
}

static struct status copy_table(struct probe *probe, struct copy *copy, int64_t nthreads)
{
    int64_t start_ms = clock_get_monotonic_ms();
    struct status st =
        hbase_table_list_regions(copy->source, probe->arena, &copy->regions, &copy->nregions);

    if (st.code == STATUS_OK)
        st = run_all(copy, nthreads);
    if (st.code == STATUS_OK)
        tell(probe, copy, start_ms);
    return st;
}

struct status probe_copy(struct probe *probe)
{
    static const struct stop never;
    const struct hbase_table_name names[] = {probe_get_table(probe, 0), probe_get_table(probe, 2)};
    struct hbase_cluster *target = NULL;
    struct copy copy = {0};
    struct json *json = NULL;
    int64_t nthreads, nflights;
    struct status st = probe_get_number(probe, 4, 2, &nthreads);

    if (st.code == STATUS_OK)
        st = probe_get_number(probe, 5, 0, &nflights);
    if (st.code == STATUS_OK)
        st = json_read("OPTIONS", str_from(probe->nargs > 3 ? probe->args[3] : "{}"), &json);
    if (st.code == STATUS_OK)
        st = probe_read_scan_options(probe, json, &copy.options);
    if (st.code == STATUS_OK)
        st = hbase_source_open(probe->args[1], "target", &never, NULL, &target);
    if (st.code == STATUS_OK) {
        copy.writing.max_in_flight = (unsigned)nflights;
        copy.source = hbase_table_create(probe->cluster, &names[0]);
        if (strcmp(probe->args[2], "-") != 0)
            copy.target = hbase_table_create(target, &names[1]);
        st = copy_table(probe, &copy, nthreads);
        hbase_table_destroy(copy.source);
        hbase_table_destroy(copy.target);
    }
    hbase_cluster_destroy(target);
    json_destroy(json);
    return st;
}
