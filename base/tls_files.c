#include "base/tls_files.h"

#include <openssl/ssl.h>

#include "base/file_watch.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tls_context.h"

struct tls_files {
    enum tls_side side;
    struct tls_paths paths;
    struct file_watch watch;
    struct tls_texts texts;
    SSL_CTX *context;
};

static struct status load(struct tls_files *files)
{
    struct tls_texts texts = {0};
    SSL_CTX *context = NULL;
    struct status st = tls_texts_read(files->side, &files->paths, &texts);

    if (st.code == STATUS_OK)
        st = tls_context_create(files->side, &texts, &context);
    if (st.code != STATUS_OK) {
        tls_texts_deinit(&texts);
        return st;
    }
    tls_texts_deinit(&files->texts);
    SSL_CTX_free(files->context);
    files->texts = texts;
    files->context = context;
    return status_ok();
}

struct status tls_files_open(enum tls_side side, const struct tls_paths *paths,
                             struct tls_files **ret)
{
    if (!tls_is_on(side, paths)) {
        *ret = NULL;
        return status_ok();
    }
    struct tls_files *files = mem_alloc(sizeof(*files));
    files->side = side;
    files->paths = *paths;
    file_watch_begin(&files->watch, (const char *const[]){paths->cert, paths->key, paths->ca}, 3);
    struct status st = load(files);
    if (st.code == STATUS_OK)
        *ret = files;
    else
        tls_files_close(files);
    return st;
}

void tls_files_close(struct tls_files *files)
{
    if (!files)
        return;
    tls_texts_deinit(&files->texts);
    SSL_CTX_free(files->context);
    mem_free(files);
}

bool tls_files_refresh(struct tls_files *files)
{
    if (!file_watch_has_changed(&files->watch))
        return false;
    struct status st = load(files);
    if (st.code != STATUS_OK) {
        log_error("new certificates are not used", log_str("error", st.text));
        return false;
    }
    log_info("new certificates are used",
             log_str("file", files->paths.cert ? files->paths.cert : files->paths.ca));
    return true;
}

const struct tls_texts *tls_files_get_texts(const struct tls_files *files)
{
    return &files->texts;
}

SSL_CTX *tls_files_get_context(const struct tls_files *files)
{
    return files->context;
}
