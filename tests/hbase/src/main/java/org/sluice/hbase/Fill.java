// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.BufferedMutator;
import org.apache.hadoop.hbase.client.BufferedMutatorParams;
import org.apache.hadoop.hbase.client.Delete;
import org.apache.hadoop.hbase.client.Mutation;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.util.Bytes;

/**
 * Writes {@code rows} rows that depend on nothing but {@code seed} and the row's number: keys with all bytes, all
 * families of the table, {@code columns} columns a family, empty qualifiers and values among them; every fourth row
 * has {@code versions} versions, the part {@code deletes} of the rows a delete marker of one of the four types; and
 * {@code big} of all rows have a value of 1 MiB.
 */
final class Fill {
    private static final int BIG_LENGTH = 1 << 20;
    private static final int BUFFER_LENGTH = 2 << 20;
    private static final int PART_ROWS = 10_000;
    private static final long FIRST_TIME = 1_600_000_000_000L;

    private final Request request;
    private final long seed;
    private final int nrows;
    private final int ncolumns;
    private final int nversions;
    private final int nbig;
    private final int valueLength;
    private final double deletes;
    private final List<byte[]> families;
    private final AtomicLong nputs = new AtomicLong();
    private final AtomicLong nmarkers = new AtomicLong();

    private Fill(Request request) throws IOException {
        this.request = request;
        seed = request.number("seed", 1);
        nrows = request.integer("rows", 1000);
        ncolumns = request.integer("columns", 2);
        nversions = request.integer("versions", 1);
        nbig = request.integer("big", 0);
        valueLength = request.integer("value_bytes", 16);
        deletes = request.fraction("deletes", 0);
        families = families(request);
    }

    /** The families of the request's table. */
    static List<byte[]> families(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            return new ArrayList<>(admin.getDescriptor(request.table()).getColumnFamilyNames());
        }
    }

    /** Spread evenly; bytes of 0x00 and 0xff occur everywhere, at the end, too. */
    static byte[] row(long seed, long number) {
        long mixed = new SplittableRandom(seed * 31 + number).nextLong();
        byte[] key = Bytes.add(Bytes.toBytes((int) mixed), Bytes.toBytes((int) number));
        return switch ((int) (number % 16)) {
            case 0 -> Bytes.add(key, new byte[] {0});
            case 1 -> Bytes.add(key, new byte[] {-1, -1});
            default -> key;
        };
    }

    /** The n-th qualifier; the first is empty in every tenth row. */
    static byte[] qualifier(int n, long number) {
        return n == 0 && number % 10 == 0 ? HConstants.EMPTY_BYTE_ARRAY : Bytes.toBytes("q" + n);
    }

    static Object run(Request request) throws Exception {
        Fill fill = new Fill(request);
        long started = System.nanoTime();
        Parallel.run(request, Parallel.Numbers.cut(fill.nrows, PART_ROWS), fill::part);
        return Map.of("rows", fill.nrows, "puts", fill.nputs.get(), "markers", fill.nmarkers.get(),
            "seconds", (System.nanoTime() - started) / 1e9);
    }

    private void part(Parallel.Numbers part) throws IOException {
        TableName table = request.table();
        BufferedMutatorParams params = new BufferedMutatorParams(table).writeBufferSize(BUFFER_LENGTH);
        try (BufferedMutator mutator = request.connection().getBufferedMutator(params)) {
            for (int number = part.first(); number < part.end(); number++) {
                for (Mutation mutation : mutations(number)) {
                    mutator.mutate(mutation);
                }
                request.progress().incrementAndGet();
            }
        }
    }

    private List<Mutation> mutations(int number) throws IOException {
        SplittableRandom random = new SplittableRandom(seed ^ (long) number << 20);
        byte[] row = row(seed, number);
        long time = FIRST_TIME + number % 100_000 * 10L;
        Put put = new Put(row);
        int n = number % 4 == 0 ? nversions : 1;
        for (byte[] family : families) {
            for (int column = 0; column < ncolumns; column++) {
                for (int version = 0; version < n; version++) {
                    put.addColumn(family, qualifier(column, number), time - version, value(random, valueLength));
                }
            }
        }
        if (isBig(number)) {
            put.addColumn(families.get(0), Bytes.toBytes("big"), time, value(random, BIG_LENGTH));
        }
        nputs.addAndGet(put.size());
        if (random.nextDouble() >= deletes) {
            return List.of(put);
        }
        nmarkers.incrementAndGet();
        return List.of(put, marker(row, number, time, random));
    }

    private boolean isBig(int number) {
        return nbig > 0 && number % Math.max(1, nrows / nbig) == 0 && number / Math.max(1, nrows / nbig) < nbig;
    }

    /** Every thirtieth value is empty, the others about as long as asked for. */
    private static byte[] value(SplittableRandom random, int length) {
        if (random.nextInt(30) == 0 && length < BIG_LENGTH) {
            return HConstants.EMPTY_BYTE_ARRAY;
        }
        byte[] value = new byte[length];
        random.nextBytes(value);
        return value;
    }

    private Delete marker(byte[] row, int number, long time, SplittableRandom random) throws IOException {
        byte[] family = families.get(random.nextInt(families.size()));
        return marker(new Delete(row), random.nextInt(4), family, qualifier(0, number), time - random.nextInt(3));
    }

    /** Adds a marker of one of the four types. */
    static Delete marker(Delete delete, int type, byte[] family, byte[] qualifier, long time) {
        return switch (type) {
            case 0 -> delete.addColumn(family, qualifier, time);
            case 1 -> delete.addColumns(family, qualifier, time);
            case 2 -> delete.addFamily(family, time);
            default -> delete.addFamilyVersion(family, time);
        };
    }
}
