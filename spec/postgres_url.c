#include "spec/postgres_url.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/number.h"

enum { DEFAULT_PORT = 5432, MAX_PORT = 65535 };

/* The pieces of a URL. */
struct parts {
    struct str user_info; /* "user:password"; {NULL, 0}: none */
    struct str servers;   /* "host:port,host2" */
    struct str query;     /* "key=value&key2=value2" */
};

static struct parts split(struct str url)
{
    struct parts parts = {0};
    struct str rest = str_skip(url, str_find(url, "//"));

    rest = str_skip(rest, rest.len >= 2 ? 2 : rest.len);
    /* A '?' may stand in a password, a '/' may not. */
    size_t end = str_find_byte(rest, '/');
    while (end > 0 && rest.data[end - 1] != '@')
        end--;
    if (end > 0) {
        parts.user_info = (struct str){.data = rest.data, .len = end - 1};
        rest = str_skip(rest, end);
    }
    end = 0;
    while (end < rest.len && rest.data[end] != '/' && rest.data[end] != '?')
        end++;
    parts.servers = (struct str){.data = rest.data, .len = end};
    parts.query = str_skip(rest, end);
    (void)str_cut(&parts.query, '?');
    return parts;
}

struct str postgres_url_find_password(struct str url)
{
    struct str rest = split(url).user_info;

    (void)str_cut(&rest, ':');
    return rest;
}

/*
 * Whether libpq finds user and password where split does: the only '@' stands before the host. Else a piece of a
 * password passes for a host or a port, which reads and errors show.
 */
static bool has_stray_at(struct str url)
{
    struct str rest = url;

    (void)str_cut(&rest, '@');
    return rest.data && (!split(url).user_info.data || str_find_byte(rest, '@') < rest.len);
}

/* Whether a key of the query is percent-encoded, which could hide that it is "password". */
static bool has_encoded_key(struct str query)
{
    while (query.len > 0) {
        struct str value = str_cut(&query, '&');
        struct str key = str_cut(&value, '=');
        if (str_find_byte(key, '%') < key.len)
            return true;
    }
    return false;
}

struct status postgres_url_validate(struct str url)
{
    const char *fault = NULL;

    if (!str_has_prefix(url, "postgresql://") && !str_has_prefix(url, "postgres://"))
        fault = "does not begin with postgresql://";
    else if (has_stray_at(url))
        fault =
            "has a '@' that does not end user and password; write %40 for '@' and %2F for '/' in "
            "them";
    /* A password among the query's keys would escape the masking. */
    else if (str_find(url, "password=") < url.len)
        fault = "has a password in its query; use the parameter password";
    else if (has_encoded_key(split(url).query))
        fault = "has a '%' in a key of its query";
    return fault ? status_error(STATUS_INVALID_ARGUMENT, "%s", fault) : status_ok();
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The text without percent-encoding, owned by the caller; what is no encoding stays as it is. */
static char *decode(struct str text)
{
    struct buf out = {0};

    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len ? hex_value(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.data[i + 2]) : -1;
        if (text.data[i] == '%' && low >= 0 && high + low > 0) {
            buf_append_char(&out, (char)(high * 16 + low));
            i += 2;
        } else {
            buf_append_char(&out, text.data[i]);
        }
    }
    return buf_take(&out);
}

/* The value of a key of the query; {NULL, 0}: it is not there. As in libpq, the last one counts. */
static struct str find_in_query(struct str query, const char *key)
{
    struct str found = {0};

    while (query.data) {
        struct str value = str_cut(&query, '&');
        if (str_is(str_cut(&value, '='), key))
            found = value;
    }
    return found;
}

/* Appends the host and the port of "host:port" to the lists; the host may be an address in brackets. */
static void add_server(struct str server, struct buf *hosts, struct buf *ports)
{
    bool is_bracketed = server.len > 0 && server.data[0] == '[';
    struct str rest = str_skip(server, is_bracketed ? 1 : 0);
    struct str host = {.data = rest.data, .len = str_find_byte(rest, is_bracketed ? ']' : ':')};

    rest = str_skip(rest, host.len);
    (void)str_cut(&rest, ':');
    buf_append_str(hosts, host);
    buf_append_char(hosts, ',');
    buf_append_str(ports, rest);
    buf_append_char(ports, ',');
}

static struct status add(struct str name, struct str port_text, struct postgres_hosts *ret)
{
    int64_t port = DEFAULT_PORT;

    if (name.len == 0)
        return status_ok();
    if (ret->count == POSTGRES_MAX_HOSTS)
        return status_error(STATUS_INVALID_ARGUMENT, "has more than %d hosts", POSTGRES_MAX_HOSTS);
    if (port_text.len > 0 && number_read("port", port_text, 1, MAX_PORT, &port).code != STATUS_OK)
        return status_error(STATUS_INVALID_ARGUMENT, "has a port that is not 1 to %d", MAX_PORT);
    ret->items[ret->count++] = (struct postgres_host){.name = decode(name), .port = (int)port};
    return status_ok();
}

/* One port is for all hosts; else each has its own. */
static struct status add_all(struct str hosts, struct str ports, struct postgres_hosts *ret)
{
    bool is_one_port = str_find_byte(ports, ',') == ports.len;
    struct status st = status_ok();

    while (st.code == STATUS_OK && hosts.len > 0)
        st = add(str_cut(&hosts, ','), is_one_port ? ports : str_cut(&ports, ','), ret);
    return st;
}

static struct str without_last_comma(const struct buf *list)
{
    struct str text = buf_get(list);

    return (struct str){.data = text.data, .len = text.len > 0 ? text.len - 1 : 0};
}

struct status postgres_hosts_read(struct str url, struct postgres_hosts *ret)
{
    struct parts parts = split(url);
    struct buf servers = {0}, server_ports = {0};

    while (parts.servers.len > 0)
        add_server(str_cut(&parts.servers, ','), &servers, &server_ports);
    /* The query goes before what stands at the front, and an address before a name. */
    struct str hosts = find_in_query(parts.query, "hostaddr");
    struct str ports = find_in_query(parts.query, "port");
    if (!hosts.data)
        hosts = find_in_query(parts.query, "host");
    struct status st = add_all(hosts.data ? hosts : without_last_comma(&servers),
                               ports.data ? ports : without_last_comma(&server_ports), ret);
    buf_deinit(&servers);
    buf_deinit(&server_ports);
    return st;
}

void postgres_hosts_deinit(struct postgres_hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        mem_free(hosts->items[i].name);
    *hosts = (struct postgres_hosts){0};
}
