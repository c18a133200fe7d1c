// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import org.apache.hadoop.hbase.Cell;
import org.apache.hadoop.hbase.CellComparatorImpl;
import org.apache.hadoop.hbase.CellUtil;
import org.apache.hadoop.hbase.client.Result;
import org.apache.hadoop.hbase.client.ResultScanner;
import org.apache.hadoop.hbase.client.Scan;
import org.apache.hadoop.hbase.client.Table;

/**
 * The cells of a range of a table one by one. The request says what is seen of it: {@code see} is {@code visible},
 * {@code markers} (of deletes, nothing else) or {@code raw} (all that is stored: these two and what is hidden);
 * {@code versions} is how many (all), {@code columns} are of {@code family} and, if it is named, {@code qualifier},
 * and times are from {@code min_time} up to, without it, {@code max_time}.
 */
final class CellReader implements AutoCloseable {
    private final Table table;
    private final ResultScanner scanner;
    private final boolean seesPuts;
    private Cell[] cells = {};
    private int next;
    private Cell last;
    private long nrows;

    CellReader(Request request, Range range, boolean isCached) throws IOException {
        this(request, request, range, isCached);
    }

    /** The table is one request's, what is seen of it the other's. */
    CellReader(Request of, Request view, Range range, boolean isCached) throws IOException {
        String see = view.string("see");
        seesPuts = !see.equals("markers");
        Scan scan = new Scan()
            .withStartRow(range.start())
            .withStopRow(range.stop())
            .setRaw(!see.equals("visible"))
            .readVersions(view.integer("versions", Integer.MAX_VALUE))
            .setAllowPartialResults(true)
            .setCacheBlocks(isCached);
        if (view.has("min_time") || view.has("max_time")) {
            scan.setTimeRange(view.number("min_time", 0), view.number("max_time", Long.MAX_VALUE));
        }
        for (Request column : view.requests("columns")) {
            if (column.has("qualifier")) {
                scan.addColumn(column.bytes("family"), column.bytes("qualifier"));
            } else {
                scan.addFamily(column.bytes("family"));
            }
        }
        table = of.connection().getTable(of.table());
        scanner = table.getScanner(scan);
    }

    /**
     * The next cell, null after the last. Of cells that differ in nothing but when they came, and that a server
     * keeps until it compacts, this is the newest: it is the one that counts.
     */
    Cell next() throws IOException {
        for (;;) {
            while (next == cells.length) {
                Result result = scanner.next();
                if (result == null) {
                    return null;
                }
                cells = result.rawCells();
                next = 0;
            }
            Cell cell = cells[next++];
            if (!seesPuts && cell.getType() == Cell.Type.Put) {
                continue;
            }
            if (last != null && CellComparatorImpl.COMPARATOR.compare(last, cell, true) == 0) {
                continue;
            }
            if (last == null || !CellUtil.matchingRows(last, cell)) {
                nrows++;
            }
            last = cell;
            return cell;
        }
    }

    /** Rows seen so far. */
    long rows() {
        return nrows;
    }

    @Override
    public void close() throws IOException {
        scanner.close();
        table.close();
    }
}
