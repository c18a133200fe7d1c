#include "cli/connection.h"

#include "base/tls_files.h"
#include "cli/command.h"
#include "rpc/client.h"

struct status connection_open(const struct cli_settings *settings, struct connection *ret)
{
    struct connection connection = {0};
    struct tls_files *tls = NULL;
    struct status st = rpc_loop_create(1, &connection.loop);

    if (st.code == STATUS_OK)
        st = tls_files_open(TLS_CLIENT, &settings->tls, &tls);
    if (st.code != STATUS_OK) {
        connection_close(&connection);
        return st;
    }
    connection.channel =
        rpc_channel_open(&(struct rpc_channel_options){.target = settings->gateway,
                                                       .tls = tls,
                                                       .token = settings->gateway_token,
                                                       .loop = connection.loop,
                                                       .user_agent = "sluice"});
    *ret = connection;
    return st;
}

void connection_close(struct connection *connection)
{
    rpc_channel_close(connection->channel);
    rpc_loop_destroy(connection->loop);
}
