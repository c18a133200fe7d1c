#include "base/token_file.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/file_watch.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

struct token_file {
    const char *path;
    pthread_mutex_t lock; /* for what follows */
    char token[TOKEN_FILE_MAX_BYTES];
    struct file_watch watch;
};

/* A token goes into a header, so it has visible characters of ASCII only (RFC 9110, section 5.5). */
static struct status check_token(const char *path, struct str token)
{
    if (token.len == 0)
        return status_error(STATUS_INVALID_ARGUMENT, "gateway-token-file: %.100s is empty", path);
    if (token.len >= TOKEN_FILE_MAX_BYTES)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "gateway-token-file: %.100s has a token of more than %d bytes", path,
                            TOKEN_FILE_MAX_BYTES - 1);
    for (size_t i = 0; i < token.len; i++)
        if (token.data[i] <= ' ' || token.data[i] >= 0x7f)
            return status_error(STATUS_INVALID_ARGUMENT,
                                "gateway-token-file: %.100s has more than a token", path);
    return status_ok();
}

static struct status read_token(const char *path, char ret[TOKEN_FILE_MAX_BYTES])
{
    char *text = NULL;
    struct status st =
        file_read_text("gateway-token-file", path, 2 * (size_t)TOKEN_FILE_MAX_BYTES, &text);

    if (st.code != STATUS_OK)
        return st;
    struct str token = str_trim(str_from(text));
    st = check_token(path, token);
    if (st.code == STATUS_OK)
        (void)snprintf(ret, TOKEN_FILE_MAX_BYTES, "%.*s", (int)token.len, token.data);
    mem_free_secret(text);
    return st;
}

struct status token_file_open(const char *path, struct token_file **ret)
{
    *ret = NULL;
    if (!path)
        return status_ok();
    struct token_file *file = mem_alloc(sizeof(*file));
    file->path = path;
    (void)pthread_mutex_init(&file->lock, NULL);
    file_watch_begin(&file->watch, &path, 1);
    struct status st = read_token(path, file->token);
    if (st.code != STATUS_OK) {
        token_file_close(file);
        return st;
    }
    *ret = file;
    return st;
}

void token_file_close(struct token_file *file)
{
    if (!file)
        return;
    (void)pthread_mutex_destroy(&file->lock);
    mem_wipe(file->token, sizeof(file->token));
    mem_free(file);
}

void token_file_get(struct token_file *file, char ret[TOKEN_FILE_MAX_BYTES])
{
    pthread_mutex_lock(&file->lock);
    if (file_watch_has_changed(&file->watch)) {
        struct status st = read_token(file->path, file->token);
        if (st.code == STATUS_OK)
            log_info("the token was read again", log_str("path", file->path));
        else
            log_error("the token was not read again", log_str("error", st.text));
    }
    memcpy(ret, file->token, sizeof(file->token));
    pthread_mutex_unlock(&file->lock);
}
