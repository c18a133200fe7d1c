#include "http/head.h"

#include "base/compiler.h"

static const char *get_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } rows[] = {
        {200, "OK"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].status == status)
            return rows[i].reason;
    }
    return "Unknown";
}

/* h2o knows headers by their names in lower case, and sends them as they were. */
void http_head_add(h2o_req_t *req, const char *name, const char *value)
{
    h2o_iovec_t sent = h2o_strdup(&req->pool, name, SIZE_MAX);
    h2o_iovec_t lower = h2o_strdup(&req->pool, name, SIZE_MAX);
    h2o_iovec_t copy = h2o_strdup(&req->pool, value, SIZE_MAX);

    h2o_strtolower(lower.base, lower.len);
    h2o_add_header_by_str(&req->pool, &req->res.headers, lower.base, lower.len, 1, sent.base,
                          copy.base, copy.len);
}

void http_head_set(h2o_req_t *req, int status, const char *content_type, const char *cache_control,
                   size_t body_bytes)
{
    req->res.status = status;
    req->res.reason = get_reason(status);
    req->res.headers.size = 0;
    if (status == 204)
        return;
    /* Also of a GET that changes state. */
    http_head_add(req, "Cache-Control", cache_control ? cache_control : "no-store");
    if (status == 304)
        return;
    req->res.content_length = body_bytes;
    http_head_add(req, "Content-Type", content_type ? content_type : "application/json");
}
