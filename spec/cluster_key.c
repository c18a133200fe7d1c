#include "spec/cluster_key.h"

#include "base/number.h"

enum {
    ZOOKEEPER_PORT = 2181,
    MASTER_PORT = 16000,
    LINDORM_PORT = 30020,
    MAX_PORT = 65535,
};

static const char zookeeper_scheme[] = "hbase+zk://";
static const char rpc_scheme[] = "hbase+rpc://";

/* Takes what is behind the last ':' off the end of *text; {NULL, 0}: there is none. */
static struct str take_last(struct str *text)
{
    size_t at = text->len;

    while (at > 0 && text->data[at - 1] != ':')
        at--;
    if (at == 0)
        return (struct str){0};
    struct str last = str_skip(*text, at);
    text->len = at - 1;
    return last;
}

static bool is_parent(struct str text)
{
    return text.len > 1 && text.data[0] == '/' && text.data[text.len - 1] != '/' &&
           str_find_byte(text, '?') == text.len;
}

static struct status finish(const struct cluster_key *key, struct cluster_key *ret)
{
    struct status st = host_list_validate(key->hosts, key->default_port);

    if (st.code == STATUS_OK && key->kind == CLUSTER_KEY_ZOOKEEPER && !is_parent(key->parent))
        st = status_error(STATUS_INVALID_ARGUMENT,
                          "has a node of ZooKeeper that is not like /hbase");
    if (st.code == STATUS_OK)
        *ret = *key;
    return st;
}

static struct status read_zookeeper_uri(struct str rest, struct cluster_key *ret)
{
    struct cluster_key key = {.kind = CLUSTER_KEY_ZOOKEEPER, .default_port = ZOOKEEPER_PORT};

    key.hosts = str_from_bytes(rest.data, str_find_byte(rest, '/'));
    key.parent = str_skip(rest, key.hosts.len);
    if (key.parent.len <= 1)
        key.parent = str_from("/hbase");
    return finish(&key, ret);
}

static struct status read_plain(struct str text, struct cluster_key *ret)
{
    struct cluster_key key = {.kind = CLUSTER_KEY_ZOOKEEPER};
    int64_t port = 0;

    key.parent = take_last(&text);
    struct str port_text = take_last(&text);
    key.hosts = text;
    if (!port_text.data || number_read("port", port_text, 1, MAX_PORT, &port).code != STATUS_OK)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "is not like zk1,zk2:2181:/hbase, hbase+zk://zk1:2181/hbase or "
                            "hbase+rpc://master:16000");
    key.default_port = (int)port;
    return finish(&key, ret);
}

struct status cluster_key_read(struct str text, struct cluster_key *ret)
{
    if (str_has_prefix(text, zookeeper_scheme))
        return read_zookeeper_uri(str_skip(text, strlen(zookeeper_scheme)), ret);
    if (str_has_prefix(text, rpc_scheme)) {
        struct cluster_key key = {.kind = CLUSTER_KEY_RPC, .default_port = MASTER_PORT};
        key.hosts = str_skip(text, strlen(rpc_scheme));
        return finish(&key, ret);
    }
    return read_plain(text, ret);
}

struct status lindorm_key_read(struct str text, struct lindorm_key *ret)
{
    struct lindorm_key key = {0};
    struct str rest = text;

    (void)str_cut(&rest, ':');
    (void)str_cut(&rest, ':');
    if (rest.data) {
        text.len = (size_t)(rest.data - text.data) - 1;
        key.username = str_cut(&rest, ':');
        key.password = rest;
        if (key.username.len == 0 || key.password.len == 0)
            return status_error(STATUS_INVALID_ARGUMENT,
                                "is not like host:30020 or host:30020:user:password");
    }
    struct status st = host_port_read(text, LINDORM_PORT, &key.server);
    if (st.code == STATUS_OK)
        *ret = key;
    return st;
}
