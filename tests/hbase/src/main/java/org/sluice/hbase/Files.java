// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hbase.Cell;
import org.apache.hadoop.hbase.CellComparator;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.KeyValueUtil;
import org.apache.hadoop.hbase.io.hfile.CacheConfig;
import org.apache.hadoop.hbase.io.hfile.HFile;
import org.apache.hadoop.hbase.io.hfile.HFileScanner;

/** The files of a table, as HBase's own reader sees them. */
final class Files {
    private static final int FIND_EVERY = 50;

    private Files() {}

    /** path: a file, of which all is read in order, and some cells are looked for by the index; an exception says what is wrong. */
    static Object read(Request request) throws IOException {
        Configuration conf = HBaseConfiguration.create();
        Path path = new Path("file://" + request.string("path"));
        try (HFile.Reader reader = HFile.createReader(FileSystem.getLocal(conf), path, CacheConfig.DISABLED, true, conf)) {
            long cells = readAll(conf, reader);
            check(cells == reader.getEntries(), cells + " cells, not " + reader.getEntries());
            return Map.of("cells", cells, "blocks", reader.getTrailer().getDataIndexCount());
        }
    }

    private static long readAll(Configuration conf, HFile.Reader reader) throws IOException {
        HFileScanner scanner = reader.getScanner(conf, false, false);
        HFileScanner finder = reader.getScanner(conf, false, true);
        Cell before = null;
        long count = 0;
        for (boolean more = scanner.seekTo(); more; more = scanner.next()) {
            Cell cell = KeyValueUtil.copyToNewKeyValue(scanner.getCell());
            check(before == null || CellComparator.getInstance().compare(before, cell) < 0, "not in order: " + cell);
            check(count++ % FIND_EVERY != 0 || finder.seekTo(cell) == 0, "not found by the index: " + cell);
            before = cell;
        }
        check(before != null && CellComparator.getInstance().compare(before, reader.getLastKey().get()) == 0,
            "the last key is not the last one");
        return count;
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }
}
