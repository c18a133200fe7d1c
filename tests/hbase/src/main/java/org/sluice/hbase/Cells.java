// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.hbase.Cell;
import org.apache.hadoop.hbase.CellBuilderFactory;
import org.apache.hadoop.hbase.CellBuilderType;
import org.apache.hadoop.hbase.CellUtil;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.client.Delete;
import org.apache.hadoop.hbase.client.Mutation;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Table;

/** Cells, each {@code {"row", "family", "qualifier", "timestamp", "type", "value"}}. */
final class Cells {
    private Cells() {}

    /** In order; a cell without a timestamp gets the server's time, one without a type is a Put. */
    static Object write(Request request) throws Exception {
        List<Mutation> mutations = new ArrayList<>();
        for (Request cell : request.requests("cells")) {
            mutations.add(mutation(cell));
        }
        try (Table table = request.connection().getTable(request.table())) {
            table.batch(mutations, new Object[mutations.size()]);
        }
        return mutations.size();
    }

    private static Mutation mutation(Request cell) throws IOException {
        byte[] row = cell.bytes("row");
        Cell.Type type = Cell.Type.valueOf(cell.string("type", "Put"));
        Cell made = CellBuilderFactory.create(CellBuilderType.DEEP_COPY)
            .setRow(row)
            .setFamily(cell.bytes("family"))
            .setQualifier(cell.bytes("qualifier", HConstants.EMPTY_BYTE_ARRAY))
            .setTimestamp(cell.number("timestamp", HConstants.LATEST_TIMESTAMP))
            .setType(type)
            .setValue(cell.bytes("value", HConstants.EMPTY_BYTE_ARRAY))
            .build();
        return type == Cell.Type.Put ? new Put(row).add(made) : new Delete(row).add(made);
    }

    /** Up to {@code limit} cells of the range, with values. */
    static Object scan(Request request) throws IOException {
        int limit = request.integer("limit", 10_000);
        List<Map<String, Object>> found = new ArrayList<>();
        try (CellReader reader = new CellReader(request, new Range(request), true)) {
            for (Cell cell = reader.next(); cell != null && found.size() < limit; cell = reader.next()) {
                Map<String, Object> entry = key(cell);
                entry.put("value", Request.text(CellUtil.cloneValue(cell)));
                found.add(entry);
            }
        }
        return found;
    }

    /** All of a cell but its value. */
    static Map<String, Object> key(Cell cell) {
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("row", Request.text(cell.getRowArray(), cell.getRowOffset(), cell.getRowLength()));
        found.put("family", Request.text(cell.getFamilyArray(), cell.getFamilyOffset(), cell.getFamilyLength()));
        found.put("qualifier",
            Request.text(cell.getQualifierArray(), cell.getQualifierOffset(), cell.getQualifierLength()));
        found.put("timestamp", cell.getTimestamp());
        found.put("type", cell.getType().name());
        return found;
    }

    /** Rows and cells of the range. */
    static Object count(Request request) throws Exception {
        AtomicLong rows = new AtomicLong();
        AtomicLong cells = new AtomicLong();
        Parallel.run(request, new Range(request).cut(request), range -> {
            try (CellReader reader = new CellReader(request, range, false)) {
                while (reader.next() != null) {
                    cells.incrementAndGet();
                }
                rows.addAndGet(reader.rows());
            }
        });
        return Map.of("rows", rows.get(), "cells", cells.get());
    }
}
