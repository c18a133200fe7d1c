#include "base/secret_key_file.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/file_watch.h"
#include "base/log.h"
#include "base/mem.h"

const struct metric_family secret_keys_in_use = {
    .name = "sluice_secret_keys",
    .kind = METRIC_GAUGE,
    .help =
        "1 for each key of --secret-key-file that this gateway has, by its id; use is seal for the first one, open "
        "for all others.",
    .labels = {"key", "use"},
};

const struct metric_family secret_keys_are_current = {
    .name = "sluice_secret_keys_current",
    .kind = METRIC_GAUGE,
    .help =
        "1: the keys in use are those that --secret-key-file has now; 0: it cannot be used, and those from before are.",
};

struct secret_key_file {
    const char *path;
    struct metrics *metrics;
    struct file_watch watch;
    bool is_current;
    pthread_mutex_t lock; /* for what follows */
    struct secret_keys *keys;
};

static void show(const struct secret_key_file *file)
{
    metric_set(metrics_get_only(file->metrics, &secret_keys_are_current), file->is_current);
    metrics_clear(file->metrics, &secret_keys_in_use);
    for (size_t i = 0; i < secret_keys_get_count(file->keys); i++) {
        const char *const labels[] = {secret_keys_get_id(file->keys, i), i == 0 ? "seal" : "open"};
        metric_set(metrics_get(file->metrics, &secret_keys_in_use, labels), 1);
    }
}

static void replace(struct secret_key_file *file, struct secret_keys *keys)
{
    (void)pthread_mutex_lock(&file->lock);
    struct secret_keys *before = file->keys;
    file->keys = keys;
    (void)pthread_mutex_unlock(&file->lock);
    secret_keys_unref(before);
}

/* Only one thread does this, so nobody else changes what it looks at without the lock. */
static struct status load(struct secret_key_file *file)
{
    struct secret_keys *keys = NULL;
    struct status st = secret_keys_read_file(file->path, &keys);

    file->is_current = st.code == STATUS_OK;
    if (file->is_current)
        replace(file, keys);
    if (file->keys)
        show(file);
    return st;
}

struct status secret_key_file_open(const char *path, struct metrics *metrics,
                                   struct secret_key_file **ret)
{
    *ret = NULL;
    if (!path)
        return status_ok();
    struct secret_key_file *file = mem_alloc(sizeof(*file));
    file->path = path;
    file->metrics = metrics;
    (void)pthread_mutex_init(&file->lock, NULL);
    file_watch_begin(&file->watch, &path, 1);
    struct status st = load(file);
    if (st.code == STATUS_OK)
        *ret = file;
    else
        secret_key_file_close(file);
    return st;
}

void secret_key_file_close(struct secret_key_file *file)
{
    if (!file)
        return;
    secret_keys_unref(file->keys);
    (void)pthread_mutex_destroy(&file->lock);
    mem_free(file);
}

void secret_key_file_refresh(struct secret_key_file *file)
{
    bool is_other = file && file_watch_has_changed(&file->watch);

    if (!file || (!is_other && file->is_current))
        return;
    struct status st = load(file);
    if (st.code == STATUS_OK)
        log_info("new secret keys are used", log_str("key", secret_keys_get_id(file->keys, 0)),
                 log_int("keys", (int64_t)secret_keys_get_count(file->keys)));
    else if (is_other)
        log_error("new secret keys are not used", log_str("error", st.text));
}

struct secret_keys *secret_key_file_ref_keys(struct secret_key_file *file)
{
    if (!file)
        return NULL;
    (void)pthread_mutex_lock(&file->lock);
    struct secret_keys *keys = secret_keys_ref(file->keys);
    (void)pthread_mutex_unlock(&file->lock);
    return keys;
}
