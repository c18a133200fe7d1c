// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.replication.ReplicationPeerConfigUtil;
import org.apache.hadoop.hbase.replication.ReplicationPeerConfig;
import org.apache.hadoop.hbase.replication.ReplicationPeerConfigBuilder;
import org.apache.hadoop.hbase.replication.ReplicationPeerDescription;

/** Replication peers; {@code tables} is as in HBase's shell, {@code t1:f1,f2;ns:t2}, and null for all. */
final class Peers {
    private Peers() {}

    static Object list(Request request) throws IOException {
        Map<String, Object> found = new TreeMap<>();
        try (Admin admin = request.admin()) {
            for (ReplicationPeerDescription peer : admin.listReplicationPeers()) {
                found.put(peer.getPeerId(), describe(peer));
            }
        }
        return found;
    }

    private static Map<String, Object> describe(ReplicationPeerDescription peer) {
        ReplicationPeerConfig config = peer.getPeerConfig();
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("is_enabled", peer.isEnabled());
        found.put("key", config.getClusterKey());
        found.put("replicates_all", config.replicateAllUserTables());
        found.put("tables", tables(config));
        found.put("bandwidth", config.getBandwidth());
        found.put("is_serial", config.isSerial());
        found.put("configuration", config.getConfiguration());
        return found;
    }

    /** Families a table; none are all. */
    private static Map<String, List<String>> tables(ReplicationPeerConfig config) {
        Map<String, List<String>> found = new TreeMap<>();
        if (config.getTableCFsMap() != null) {
            config.getTableCFsMap().forEach((table, families) ->
                found.put(table.getNameAsString(), families == null ? List.of() : families));
        }
        return found;
    }

    static Object add(Request request) throws IOException {
        ReplicationPeerConfigBuilder config = ReplicationPeerConfig.newBuilder().setClusterKey(request.string("key"));
        try (Admin admin = request.admin()) {
            admin.addReplicationPeer(request.string("peer"), configure(config, request).build(),
                request.flag("enabled", true));
        }
        return true;
    }

    /** Tables that are named replace those that it had. */
    static Object update(Request request) throws IOException {
        String peer = request.string("peer");
        try (Admin admin = request.admin()) {
            ReplicationPeerConfigBuilder config =
                ReplicationPeerConfig.newBuilder(admin.getReplicationPeerConfig(peer));
            admin.updateReplicationPeerConfig(peer, configure(config, request).build());
        }
        return true;
    }

    private static ReplicationPeerConfigBuilder configure(ReplicationPeerConfigBuilder config, Request request) {
        if (request.has("tables")) {
            Map<TableName, List<String>> tables = new HashMap<>();
            ReplicationPeerConfigUtil.parseTableCFsFromConfig(request.string("tables")).forEach((table, families) ->
                tables.put(table, families == null ? new ArrayList<>() : families));
            config.setReplicateAllUserTables(false).setTableCFsMap(tables);
        }
        if (request.has("bandwidth")) {
            config.setBandwidth(request.number("bandwidth", 0));
        }
        request.map("configuration").forEach(config::putConfiguration);
        return config;
    }

    static Object remove(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            admin.removeReplicationPeer(request.string("peer"));
        }
        return true;
    }

    static Object enable(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            admin.enableReplicationPeer(request.string("peer"));
        }
        return true;
    }

    static Object disable(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            admin.disableReplicationPeer(request.string("peer"));
        }
        return true;
    }
}
