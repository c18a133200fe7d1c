#include "tests/unit/hbase/cluster_fixture.h"

static void answer(void *self, struct fake_call *call)
{
    struct cluster_fixture *f = self;

    if (!fake_meta_answer(&f->meta, call) && f->on_call)
        f->on_call(f->self, call);
}

struct hbase_cluster *cluster_fixture_make_client(const int *ports, size_t nports,
                                                  const char *znode, const struct stop *stop)
{
    struct hbase_endpoint endpoints[8];

    for (size_t i = 0; i < nports; i++)
        endpoints[i] = (struct hbase_endpoint){"127.0.0.1", ports[i]};
    struct hbase_cluster *cluster = hbase_cluster_create(&(struct hbase_cluster_options){
        .name = "src",
        .endpoints = endpoints,
        .nendpoints = nports,
        .znode = znode,
        .user = "sluice",
        .stop = stop,
    });
    hbase_cluster_set_patience(cluster, CLUSTER_FIXTURE_PATIENCE_MS);
    return cluster;
}

void cluster_fixture_open(struct cluster_fixture *f)
{
    fake_meta_init(&f->meta);
    f->server = fake_server_open(&(struct fake_server_options){.on_call = answer, .self = f});
    f->meta.port = fake_server_get_port(f->server);
    f->cluster = cluster_fixture_make_client(&f->meta.port, 1, NULL, &f->stop);
}

void cluster_fixture_close(struct cluster_fixture *f)
{
    hbase_cluster_destroy(f->cluster);
    fake_server_close(f->server);
    fake_meta_deinit(&f->meta);
}

void cluster_fixture_restart(struct cluster_fixture *f)
{
    fake_server_close(f->server);
    f->server = fake_server_open(
        &(struct fake_server_options){.on_call = answer, .self = f, .port = f->meta.port});
}

int cluster_fixture_find_dead_port(void)
{
    struct fake_server *server = fake_server_open(&(struct fake_server_options){0});
    int port = fake_server_get_port(server);

    fake_server_close(server);
    return port;
}
