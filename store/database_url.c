/*
 * libpq's own words about a connection string quote it, with the password; so they are not passed on. What it says
 * later names host and port, which are no secrets unless the string was read otherwise than it was meant: an '@' or
 * a '/' that stands in a password as it is ends that, and the rest passes for a host or a port.
 */
#include "store/database_url.h"

#include <string.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

/* A list of hosts; a name that begins with '@' is an abstract socket's. */
static bool is_host(const char *text)
{
    const char *sign = strchr(text, '@');

    while (sign && (sign == text || sign[-1] == ','))
        sign = strchr(sign + 1, '@');
    return !sign;
}

static bool is_port(const char *text)
{
    return strspn(text, "0123456789,") == strlen(text);
}

static bool is_misread(const PQconninfoOption *option)
{
    if (!option->val)
        return false;
    return (strcmp(option->keyword, "host") == 0 && !is_host(option->val)) ||
           (strcmp(option->keyword, "port") == 0 && !is_port(option->val));
}

struct status database_url_validate(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool is_right = options;

    for (const PQconninfoOption *option = options; is_right && option->keyword; option++)
        is_right = !is_misread(option);
    PQconninfoFree(options);
    if (!options)
        return status_error(STATUS_INVALID_ARGUMENT, "the database URL cannot be read");
    if (!is_right)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "the database URL names no host or no port where it should; write %%40 "
                            "for '@' and %%2F for '/' in a password");
    return status_ok();
}

/* name='value', as libpq reads it back: a backslash before quotes and backslashes (PostgreSQL 15 manual, 34.1.1.1). */
static void append_option(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s%s='", out->len > 0 ? " " : "", name);
    for (const char *c = value; *c; c++) {
        if (*c == '\'' || *c == '\\')
            buf_append_char(out, '\\');
        buf_append_char(out, *c);
    }
    buf_append_char(out, '\'');
}

static char *replace_password(const char *url, const char *password)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    struct buf out = {0};

    /* url was validated, so only memory can have run out. */
    for (const PQconninfoOption *option = options; option && option->keyword; option++) {
        if (option->val && strcmp(option->keyword, "password") != 0)
            append_option(&out, option->keyword, option->val);
    }
    PQconninfoFree(options);
    append_option(&out, "password", password);
    return buf_take(&out);
}

/* Without the line end that editors put there. The text is cut in place. */
static struct status check_password(char *text, const char *path)
{
    size_t len = strcspn(text, "\r\n");

    if (len == 0)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "database-password-file: %.100s begins with no password", path);
    if (text[len + strspn(text + len, "\r\n")] != '\0')
        return status_error(STATUS_INVALID_ARGUMENT,
                            "database-password-file: %.100s has more than one line", path);
    text[len] = '\0';
    return status_ok();
}

struct status database_url_make(const char *url, const char *path, char **ret)
{
    char *password = NULL;

    if (!path) {
        *ret = mem_copy_str(str_from(url));
        return status_ok();
    }
    struct status st = database_url_validate(url);
    if (st.code == STATUS_OK)
        st = file_read_text("database-password-file", path, DATABASE_URL_PASSWORD_MAX_BYTES,
                            &password);
    if (st.code != STATUS_OK)
        return st;
    st = check_password(password, path);
    if (st.code == STATUS_OK)
        *ret = replace_password(url, password);
    mem_free_secret(password);
    return st;
}
