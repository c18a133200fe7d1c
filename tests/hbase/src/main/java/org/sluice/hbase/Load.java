// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.apache.hadoop.hbase.client.Delete;
import org.apache.hadoop.hbase.client.Mutation;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Table;

/**
 * Writes {@code operations} puts and deletes of all types to random rows of the {@code rows} that {@link Fill} makes
 * of the same {@code seed}, {@code batch} at a time and no more than {@code rate} a second. Each has a time of its
 * own, from {@code first_time} (now) on, so that what is there at the end does not depend on the order of arrival.
 */
final class Load {
    private final Request request;
    private final long seed;
    private final int nrows;
    private final int batch;
    private final int rate;
    private final double deletes;
    private final long firstTime;
    private final List<byte[]> families;
    private final long started = System.nanoTime();

    private Load(Request request) throws IOException {
        this.request = request;
        seed = request.number("seed", 1);
        nrows = request.integer("rows", 1000);
        batch = request.integer("batch", 10);
        rate = request.integer("rate", Integer.MAX_VALUE);
        deletes = request.fraction("deletes", 0.3);
        firstTime = request.number("first_time", System.currentTimeMillis());
        families = Fill.families(request);
    }

    static Object run(Request request) throws Exception {
        Load load = new Load(request);
        int total = request.integer("operations", 1000);
        Parallel.run(request, Parallel.Numbers.cut(total, load.batch), load::part);
        return Map.of("operations", total, "seconds", (System.nanoTime() - load.started) / 1e9);
    }

    private void part(Parallel.Numbers part) throws Exception {
        long early = started + (long) (part.first() * 1e9 / rate) - System.nanoTime();
        if (early > 0) {
            Thread.sleep(early / 1_000_000);
        }
        List<Mutation> mutations = new ArrayList<>();
        for (int number = part.first(); number < part.end(); number++) {
            mutations.add(mutation(number));
        }
        try (Table table = request.connection().getTable(request.table())) {
            table.batch(mutations, new Object[mutations.size()]);
        }
        request.progress().addAndGet(part.end() - part.first());
    }

    private Mutation mutation(int number) {
        SplittableRandom random = new SplittableRandom(seed ^ (long) number << 24);
        int of = random.nextInt(nrows);
        byte[] row = Fill.row(seed, of);
        byte[] family = families.get(random.nextInt(families.size()));
        byte[] qualifier = Fill.qualifier(random.nextInt(3), of);
        if (random.nextDouble() < deletes) {
            return Fill.marker(new Delete(row), random.nextInt(4), family, qualifier, firstTime + number);
        }
        byte[] value = new byte[random.nextInt(64)];
        random.nextBytes(value);
        return new Put(row).addColumn(family, qualifier, firstTime + number, value);
    }
}
