// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.hbase.HRegionLocation;
import org.apache.hadoop.hbase.RegionMetrics;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.CompactionState;
import org.apache.hadoop.hbase.client.RegionLocator;
import org.apache.hadoop.hbase.util.Bytes;

/** Regions and what is done to them; a region is named by its encoded name. */
final class Regions {
    private Regions() {}

    static Object list(Request request) throws IOException {
        List<Map<String, Object>> found = new ArrayList<>();
        for (HRegionLocation at : locations(request)) {
            found.add(Map.of("encoded", at.getRegion().getEncodedName(),
                "name", Request.text(at.getRegion().getRegionName()),
                "start", Request.text(at.getRegion().getStartKey()),
                "end", Request.text(at.getRegion().getEndKey()),
                "server", String.valueOf(at.getServerName())));
        }
        return found;
    }

    private static List<HRegionLocation> locations(Request request) throws IOException {
        try (RegionLocator locator = request.connection().getRegionLocator(request.table())) {
            locator.clearRegionLocationCache();
            return locator.getAllRegionLocations();
        }
    }

    /** At {@code at}, or in the middle. */
    static Object split(Request request) throws Exception {
        try (Admin admin = request.admin()) {
            admin.splitRegionAsync(Bytes.toBytes(request.string("region")), request.bytes("at", null)).get();
        }
        return true;
    }

    static Object merge(Request request) throws Exception {
        byte[][] names = request.strings("regions").stream().map(Bytes::toBytes).toArray(byte[][]::new);
        try (Admin admin = request.admin()) {
            admin.mergeRegionsAsync(names, false).get();
        }
        return true;
    }

    /** To {@code server}, or to one that HBase chooses. */
    static Object move(Request request) throws IOException {
        byte[] region = Bytes.toBytes(request.string("region"));
        try (Admin admin = request.admin()) {
            if (request.has("server")) {
                admin.move(region, ServerName.valueOf(request.string("server")));
            } else {
                admin.move(region);
            }
        }
        return true;
    }

    static Object flush(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            admin.flush(request.table());
        }
        return true;
    }

    /** A major compaction; returns when it is over. */
    static Object compact(Request request) throws Exception {
        TableName table = request.table();
        try (Admin admin = request.admin()) {
            admin.flush(table);
            long started = System.currentTimeMillis();
            admin.majorCompact(table);
            while (!isCompacted(admin, table, started)) {
                Thread.sleep(100);
            }
        }
        return true;
    }

    private static boolean isCompacted(Admin admin, TableName table, long since) throws IOException {
        for (ServerName server : admin.getRegionServers()) {
            for (RegionMetrics region : admin.getRegionMetrics(server, table)) {
                boolean isOld = region.getLastMajorCompactionTimestamp() < since;
                if (region.getStoreFileCount() > region.getStoreCount()
                    || region.getStoreFileCount() > 0 && isOld) {
                    return false;
                }
            }
        }
        return admin.getCompactionState(table) == CompactionState.NONE;
    }

    /** Switches balancing on or off; gives what it was. */
    static Object balancer(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            return admin.balancerSwitch(request.flag("on", true), true);
        }
    }
}
