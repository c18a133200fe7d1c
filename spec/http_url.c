#include "spec/http_url.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

struct status http_url_read(struct str text, struct http_url *ret)
{
    struct http_url url = {.is_tls = str_has_prefix(text, "https://")};

    if (!url.is_tls && !str_has_prefix(text, "http://"))
        return status_error(STATUS_INVALID_ARGUMENT, "does not begin with http:// or https://");
    struct str rest = str_skip(text, str_find(text, "//") + 2);
    if (str_find_byte(rest, '@') < rest.len)
        return status_error(STATUS_INVALID_ARGUMENT, "has a user or password, which is not sent");
    if (rest.len > 0 && rest.data[rest.len - 1] == '/')
        rest.len--;
    struct status st = host_port_read(rest, url.is_tls ? HTTPS_PORT : HTTP_PORT, &url.server);
    if (st.code == STATUS_OK)
        *ret = url;
    return st;
}

struct status http_urls_take(struct str *rest, struct http_url *ret)
{
    return http_url_read(str_cut(rest, ','), ret);
}
