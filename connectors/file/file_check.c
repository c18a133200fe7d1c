#include "connectors/file/file_check.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/check.h"
#include "connectors/file/file_root.h"
#include "spec/data_source_spec.h"

enum { MAX_COUNTED = 10000, FOUND_BYTES = 64 };

static bool try_open(const struct check_options *options, const char *path)
{
    struct file_root *root = NULL;

    options->log->begin(options->log, "open", path);
    struct status st = file_root_open(path, &root);
    file_root_close(root);
    return check_end_step(options->log, st, "a folder");
}

static bool is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static struct status count_entries(const char *path, const struct stop *stop, unsigned *ret)
{
    DIR *folder = opendir(path);
    unsigned nentries = 0;

    if (!folder)
        return status_from_errno(errno, "cannot list folder '%s'", path);
    errno = 0;
    for (const struct dirent *entry; nentries <= MAX_COUNTED && !stop_is_requested(stop);) {
        entry = readdir(folder);
        if (!entry)
            break;
        nentries += is_entry(entry);
    }
    int error = errno;
    (void)closedir(folder);
    if (error != 0)
        return status_from_errno(error, "cannot list folder '%s'", path);
    *ret = nentries;
    return status_ok();
}

static void try_list(const struct check_options *options, const char *path)
{
    char found[FOUND_BYTES];
    unsigned nentries = 0;

    options->log->begin(options->log, "list", path);
    struct status st = count_entries(path, options->stop, &nentries);
    if (nentries > MAX_COUNTED)
        (void)snprintf(found, sizeof(found), "more than %d entries", MAX_COUNTED);
    else
        (void)snprintf(found, sizeof(found), "%u %s", nentries,
                       nentries == 1 ? "entry" : "entries");
    (void)check_end_step(options->log, st, found);
}

void file_check_run(const struct check_options *options)
{
    char *root = NULL;
    struct status st = data_source_read_parameter(options->parameters_json, "root", &root);

    if (st.code == STATUS_OK && !root)
        st = status_error(STATUS_INVALID_ARGUMENT, "the data source has no root");
    if (st.code != STATUS_OK) {
        options->log->begin(options->log, "read parameters", "");
        (void)check_end_step(options->log, st, "");
    } else if (try_open(options, root)) {
        try_list(options, root);
    }
    mem_free(root);
}
