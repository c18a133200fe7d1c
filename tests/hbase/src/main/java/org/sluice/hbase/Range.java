// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.client.RegionLocator;
import org.apache.hadoop.hbase.util.Bytes;

/** Rows from {@code start} on, before {@code stop}; the empty stop is the end of the table. */
record Range(byte[] start, byte[] stop) {
    /** The range that a request names, else the whole table. */
    Range(Request request) {
        this(request.bytes("start", HConstants.EMPTY_START_ROW), request.bytes("stop", HConstants.EMPTY_END_ROW));
    }

    /** Cuts it where a table that a request names has the start of a region. */
    List<Range> cut(Request... tables) throws IOException {
        TreeSet<byte[]> keys = new TreeSet<>(Bytes.BYTES_COMPARATOR);
        for (Request table : tables) {
            try (RegionLocator locator = table.connection().getRegionLocator(table.table())) {
                locator.clearRegionLocationCache();
                for (byte[] key : locator.getStartKeys()) {
                    if (Bytes.compareTo(key, start) > 0 && (stop.length == 0 || Bytes.compareTo(key, stop) < 0)) {
                        keys.add(key);
                    }
                }
            }
        }
        List<Range> found = new ArrayList<>();
        byte[] from = start;
        for (byte[] key : keys) {
            found.add(new Range(from, key));
            from = key;
        }
        found.add(new Range(from, stop));
        return found;
    }
}
