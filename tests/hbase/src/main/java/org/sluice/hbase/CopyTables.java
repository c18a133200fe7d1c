// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.mapreduce.CopyTable;
import org.apache.hadoop.util.ToolRunner;

/**
 * HBase's own copying program, as a MapReduce job in this process: from {@code table} of {@code cluster} to
 * {@code to_table} of {@code to}; {@code settings} are of its configuration, {@code options} of its command line.
 */
final class CopyTables {
    private CopyTables() {}

    static Object run(Request request) throws Exception {
        Configuration conf = Clusters.configuration(request.string("cluster"));
        conf.set("mapreduce.framework.name", "local");
        request.map("settings").forEach(conf::set);
        List<String> arguments = new ArrayList<>();
        arguments.add("--peer.adr=" + request.string("to"));
        arguments.add("--new.name=" + request.string("to_table", request.string("table")));
        arguments.addAll(request.strings("options"));
        arguments.add(request.string("table"));
        long started = System.nanoTime();
        int status = ToolRunner.run(conf, new CopyTable(), arguments.toArray(new String[0]));
        if (status != 0) {
            throw new IllegalStateException("CopyTable ended with " + status);
        }
        return Map.of("seconds", (System.nanoTime() - started) / 1e9);
    }
}
