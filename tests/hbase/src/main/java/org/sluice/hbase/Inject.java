// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.apache.hadoop.hbase.Cell;
import org.apache.hadoop.hbase.CellUtil;
import org.apache.hadoop.hbase.client.Delete;
import org.apache.hadoop.hbase.client.Get;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Result;
import org.apache.hadoop.hbase.client.ResultScanner;
import org.apache.hadoop.hbase.client.Scan;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.filter.FilterList;
import org.apache.hadoop.hbase.filter.FirstKeyOnlyFilter;
import org.apache.hadoop.hbase.filter.KeyOnlyFilter;
import org.apache.hadoop.hbase.util.Bytes;

/**
 * Changes {@code count} rows of a table, chosen by {@code seed}, each in one cell and in one of the ways that
 * {@code kinds} names, in turn. Gives what {@link Compare} finds when the unchanged table is on the left:
 * {@code visible} lists the differences of visible cells, {@code markers} those of delete markers.
 */
final class Inject {
    private static final List<String> KINDS = List.of("missing", "extra", "value", "timestamp", "marker");

    private final Table table;
    private final List<Map<String, Object>> markers = new ArrayList<>();
    private final List<Map<String, Object>> visible = new ArrayList<>();

    private Inject(Table table) {
        this.table = table;
    }

    static Object run(Request request) throws IOException {
        Random random = new Random(request.number("seed", 1));
        int count = request.integer("count", 10);
        List<String> kinds = request.has("kinds") ? request.strings("kinds") : KINDS;
        try (Table table = request.connection().getTable(request.table())) {
            Inject inject = new Inject(table);
            List<byte[]> rows = sample(table, count, random);
            for (int i = 0; i < count; i++) {
                inject.change(kinds.get(i % kinds.size()), rows.get(i), random);
            }
            return Map.of("visible", inject.visible, "markers", inject.markers);
        }
    }

    /** As many rows, each as likely as any other. */
    private static List<byte[]> sample(Table table, int count, Random random) throws IOException {
        List<byte[]> rows = new ArrayList<>();
        Scan scan = new Scan().setFilter(new FilterList(new FirstKeyOnlyFilter(), new KeyOnlyFilter()));
        int nseen = 0;
        try (ResultScanner scanner = table.getScanner(scan)) {
            for (Result result : scanner) {
                int place = nseen++ < count ? nseen - 1 : random.nextInt(nseen);
                if (place == rows.size()) {
                    rows.add(result.getRow());
                } else if (place < count) {
                    rows.set(place, result.getRow());
                }
            }
        }
        if (rows.size() < count) {
            throw new IllegalArgumentException("the table has " + rows.size() + " rows, not " + count);
        }
        Collections.shuffle(rows, random);
        return rows;
    }

    private void change(String kind, byte[] row, Random random) throws IOException {
        Cell[] cells = table.get(new Get(row).readAllVersions()).rawCells();
        Cell cell = cells[random.nextInt(cells.length)];
        switch (kind) {
            case "missing" -> remove(oldest(cells, cell));
            case "extra" -> add(cell, Bytes.toBytes("extra"), free(cell), CellUtil.cloneValue(cell));
            case "value" -> changeValue(cell);
            case "timestamp" -> {
                Cell old = oldest(cells, cell);
                long time = free(old);
                remove(old);
                add(old, CellUtil.cloneQualifier(old), time, CellUtil.cloneValue(old));
            }
            case "marker" -> mark(cell, 1);
            default -> throw new IllegalArgumentException("there is no kind '" + kind + "'");
        }
    }

    /** The oldest visible version of a cell's column: a marker that hides it and what is below shows no other. */
    private static Cell oldest(Cell[] cells, Cell cell) {
        Cell found = cell;
        for (Cell other : cells) {
            if (CellUtil.matchingColumn(cell, other) && other.getTimestamp() < found.getTimestamp()) {
                found = other;
            }
        }
        return found;
    }

    /** The first time after a visible cell's that nothing in the row has; so no marker hides what is put there. */
    private long free(Cell cell) throws IOException {
        TreeSet<Long> times = new TreeSet<>();
        Scan scan = new Scan().withStartRow(CellUtil.cloneRow(cell)).setLimit(1).setRaw(true).readAllVersions();
        try (ResultScanner scanner = table.getScanner(scan)) {
            for (Cell other : scanner.next().rawCells()) {
                times.add(other.getTimestamp());
            }
        }
        long time = cell.getTimestamp() + 1;
        while (times.contains(time)) {
            time++;
        }
        return time;
    }

    private void remove(Cell cell) throws IOException {
        mark(cell, cell.getTimestamp());
        visible.add(difference("missing", cell, CellUtil.cloneQualifier(cell), cell.getTimestamp(), "Put"));
    }

    private void mark(Cell cell, long time) throws IOException {
        byte[] qualifier = CellUtil.cloneQualifier(cell);
        table.delete(new Delete(CellUtil.cloneRow(cell)).addColumns(CellUtil.cloneFamily(cell), qualifier, time));
        markers.add(difference("extra", cell, qualifier, time, "DeleteColumn"));
    }

    private void add(Cell cell, byte[] qualifier, long time, byte[] value) throws IOException {
        table.put(new Put(CellUtil.cloneRow(cell)).addColumn(CellUtil.cloneFamily(cell), qualifier, time, value));
        visible.add(difference("extra", cell, qualifier, time, "Put"));
    }

    private void changeValue(Cell cell) throws IOException {
        byte[] qualifier = CellUtil.cloneQualifier(cell);
        byte[] value = Bytes.add(CellUtil.cloneValue(cell), new byte[] {'!'});
        table.put(new Put(CellUtil.cloneRow(cell))
            .addColumn(CellUtil.cloneFamily(cell), qualifier, cell.getTimestamp(), value));
        visible.add(difference("changed", cell, qualifier, cell.getTimestamp(), "Put"));
    }

    private static Map<String, Object> difference(String kind, Cell cell, byte[] qualifier, long time, String type) {
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("kind", kind);
        found.putAll(Cells.key(cell));
        found.put("qualifier", Request.text(qualifier));
        found.put("timestamp", time);
        found.put("type", type);
        return found;
    }
}
