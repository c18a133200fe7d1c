#include "spec/host_list.h"

#include "base/number.h"

enum { MAX_PORT = 65535 };

static bool is_one_of(char c, const char *more)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(more, c));
}

static bool consists_of(struct str text, const char *more)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_one_of(text.data[i], more))
            return false;
    }
    return text.len > 0 && text.len <= HOST_MAX_BYTES;
}

bool host_is_valid(struct str text)
{
    return consists_of(text, ".-_");
}

static struct status read_port(struct str text, int *ret)
{
    int64_t port = 0;

    if (number_read("port", text, 1, MAX_PORT, &port).code != STATUS_OK)
        return status_error(STATUS_INVALID_ARGUMENT, "has a port that is not 1 to %d", MAX_PORT);
    *ret = (int)port;
    return status_ok();
}

/* Takes the host off *rest and leaves what is behind it. */
static struct status take_host(struct str *rest, struct str *ret)
{
    bool is_bracketed = rest->len > 0 && rest->data[0] == '[';
    struct str inside = is_bracketed ? str_skip(*rest, 1) : *rest;
    struct str host = {.data = inside.data, .len = str_find_byte(inside, is_bracketed ? ']' : ':')};
    bool is_closed = !is_bracketed || host.len < inside.len;

    if (!is_closed || !(is_bracketed ? consists_of(host, ".:") : host_is_valid(host)))
        return status_error(STATUS_INVALID_ARGUMENT, "has a host that is no name or address");
    *rest = str_skip(inside, host.len + (is_bracketed ? 1 : 0));
    *ret = host;
    return status_ok();
}

struct status host_port_read(struct str text, int default_port, struct host_port *ret)
{
    struct host_port found = {.port = default_port};
    struct status st = take_host(&text, &found.host);

    if (st.code != STATUS_OK)
        return st;
    if (text.len == 0 && default_port == 0)
        return status_error(STATUS_INVALID_ARGUMENT, "has a host without a port");
    if (text.len > 0 && text.data[0] != ':')
        return status_error(STATUS_INVALID_ARGUMENT, "has a host that is no name or address");
    if (text.len > 0)
        st = read_port(str_skip(text, 1), &found.port);
    if (st.code == STATUS_OK)
        *ret = found;
    return st;
}

struct status host_list_take(struct str *rest, int default_port, struct host_port *ret)
{
    return host_port_read(str_cut(rest, ','), default_port, ret);
}

struct status host_list_validate(struct str text, int default_port)
{
    struct host_port ignored;
    struct status st = status_ok();

    for (size_t n = 0; st.code == STATUS_OK && text.data; n++) {
        if (n == HOST_LIST_MAX_HOSTS)
            return status_error(STATUS_INVALID_ARGUMENT, "has more than %d hosts",
                                HOST_LIST_MAX_HOSTS);
        st = host_list_take(&text, default_port, &ignored);
    }
    return st;
}
