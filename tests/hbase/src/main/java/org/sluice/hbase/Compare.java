// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.hbase.Cell;
import org.apache.hadoop.hbase.CellComparatorImpl;
import org.apache.hadoop.hbase.CellUtil;

/**
 * Two tables cell by cell: {@code left} and {@code right} name a cluster and a table each; the rest is as
 * {@link CellReader} says. {@code missing} is only on the left, {@code extra} only on the right, {@code changed} has
 * another value there. {@code differences} lists the first ones, by row.
 */
final class Compare {
    private static final int LIST_LENGTH = 1000;
    private static final int VALUE_LENGTH = 64;

    private final Request view;
    private final Request left;
    private final Request right;
    private final List<Map<String, Object>> differences = new ArrayList<>();
    private final Map<String, Long> counts = new LinkedHashMap<>();

    private Compare(Request request) {
        view = request;
        left = request.request("left");
        right = request.request("right");
        for (String name : List.of("left_rows", "right_rows", "left_cells", "right_cells", "missing", "extra",
            "changed")) {
            counts.put(name, 0L);
        }
    }

    static Object run(Request request) throws Exception {
        Compare compare = new Compare(request);
        Parallel.run(request, new Range(request).cut(compare.left, compare.right), compare::range);
        Map<String, Object> result = new LinkedHashMap<>(compare.counts);
        result.put("differences", compare.differences);
        return result;
    }

    private void range(Range range) throws IOException {
        try (CellReader ours = new CellReader(left, view, range, false);
            CellReader theirs = new CellReader(right, view, range, false)) {
            long nours = 0;
            long ntheirs = 0;
            Cell a = ours.next();
            Cell b = theirs.next();
            while (a != null || b != null) {
                int order = a == null ? 1 : b == null ? -1 : CellComparatorImpl.COMPARATOR.compare(a, b, true);
                if (order < 0) {
                    add("missing", a);
                } else if (order > 0) {
                    add("extra", b);
                } else if (!CellUtil.matchingValue(a, b)) {
                    addChanged(a, b);
                }
                if (order <= 0) {
                    nours++;
                    a = ours.next();
                }
                if (order >= 0) {
                    ntheirs++;
                    b = theirs.next();
                }
            }
            add(ours.rows(), theirs.rows(), nours, ntheirs);
        }
    }

    private synchronized void add(long leftRows, long rightRows, long leftCells, long rightCells) {
        counts.merge("left_rows", leftRows, Long::sum);
        counts.merge("right_rows", rightRows, Long::sum);
        counts.merge("left_cells", leftCells, Long::sum);
        counts.merge("right_cells", rightCells, Long::sum);
    }

    private synchronized Map<String, Object> add(String kind, Cell cell) {
        Map<String, Object> difference = new LinkedHashMap<>();
        difference.put("kind", kind);
        difference.putAll(Cells.key(cell));
        counts.merge(kind, 1L, Long::sum);
        if (differences.size() < LIST_LENGTH) {
            differences.add(difference);
        }
        return difference;
    }

    private synchronized void addChanged(Cell a, Cell b) {
        Map<String, Object> difference = add("changed", a);
        difference.put("left", beginning(a));
        difference.put("right", beginning(b));
    }

    private static String beginning(Cell cell) {
        return Request.text(cell.getValueArray(), cell.getValueOffset(),
            Math.min(cell.getValueLength(), VALUE_LENGTH));
    }
}
