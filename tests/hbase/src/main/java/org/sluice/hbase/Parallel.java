// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Work in parts. */
final class Parallel {
    /** What is done with one part. */
    interface Work<T> {
        void run(T part) throws Exception;
    }

    /** Numbers from {@code first} on, before {@code end}. */
    record Numbers(int first, int end) {
        /** All numbers before {@code total}, {@code length} a part. */
        static List<Numbers> cut(int total, int length) {
            List<Numbers> parts = new ArrayList<>();
            for (int first = 0; first < total; first += length) {
                parts.add(new Numbers(first, Math.min(total, first + length)));
            }
            return parts;
        }
    }

    private Parallel() {}

    /** In as many threads as the member {@code threads} of the request says; fails as the first that failed. */
    static <T> void run(Request request, List<T> parts, Work<T> work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(request.integer("threads", 4));
        try {
            List<Future<?>> all = new ArrayList<>();
            for (T part : parts) {
                all.add(threads.submit(() -> {
                    work.run(part);
                    return null;
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        } finally {
            threads.shutdownNow();
        }
    }
}
