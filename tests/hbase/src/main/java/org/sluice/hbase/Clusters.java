// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.client.Connection;
import org.apache.hadoop.hbase.client.ConnectionFactory;
import org.apache.hadoop.hbase.security.User;
import org.apache.hadoop.security.UserGroupInformation;

/** A connection to each cluster, by its key {@code quorum:port:/parent}, and user that was asked for. */
final class Clusters {
    private final Map<String, Connection> connections = new HashMap<>();

    static Configuration configuration(String key) throws IOException {
        Configuration conf = HBaseConfiguration.createClusterConf(HBaseConfiguration.create(), key);
        // A region may be away for as long as its server is restarted; a judge must not hang for ever, though.
        conf.setInt(HConstants.HBASE_CLIENT_OPERATION_TIMEOUT, 180_000);
        conf.setInt(HConstants.HBASE_CLIENT_META_OPERATION_TIMEOUT, 180_000);
        conf.setInt(HConstants.HBASE_CLIENT_RETRIES_NUMBER, 60);
        conf.setInt(HConstants.HBASE_RPC_TIMEOUT_KEY, 60_000);
        return conf;
    }

    /** The user may be null: ourselves. */
    synchronized Connection connection(String key, String user) throws IOException {
        String name = key + " " + user;
        Connection connection = connections.get(name);
        if (connection == null) {
            Configuration conf = configuration(key);
            connection = user == null ? ConnectionFactory.createConnection(conf)
                : ConnectionFactory.createConnection(conf, User.create(UserGroupInformation.createRemoteUser(user)));
            connections.put(name, connection);
        }
        return connection;
    }
}
