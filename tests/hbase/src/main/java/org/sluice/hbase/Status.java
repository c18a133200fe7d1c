// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.hbase.ClusterMetrics;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.replication.ReplicationLoadSource;

/** What a cluster says of itself. */
final class Status {
    private Status() {}

    static Object run(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            ClusterMetrics metrics = admin.getClusterMetrics();
            Map<String, Object> servers = new TreeMap<>();
            metrics.getLiveServerMetrics().forEach((name, server) -> {
                List<Map<String, Object>> sources = new ArrayList<>();
                server.getReplicationLoadSourceList().forEach(source -> sources.add(source(source)));
                servers.put(name.toString(), Map.of("regions", server.getRegionMetrics().size(), "sources", sources));
            });
            return Map.of("version", metrics.getHBaseVersion(), "cluster_id", metrics.getClusterId(),
                "servers", servers, "in_transition", metrics.getRegionStatesInTransition().size(),
                "dead", metrics.getDeadServerNames().stream().map(ServerName::toString).toList());
        }
    }

    private static Map<String, Object> source(ReplicationLoadSource source) {
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("peer", source.getPeerID());
        found.put("queue", source.getQueueId());
        found.put("is_recovered", source.isRecovered());
        found.put("is_running", source.isRunning());
        found.put("queue_length", source.getSizeOfLogQueue());
        found.put("lag_ms", source.getReplicationLag());
        found.put("age_of_last_shipped_ms", source.getAgeOfLastShippedOp());
        found.put("time_of_last_shipped", source.getTimestampOfLastShippedOp());
        found.put("edits_read", source.getEditsRead());
        found.put("operations_shipped", source.getOPsShipped());
        return found;
    }
}
