// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.io.InputStream;

/** Ends this process when whoever started it has gone: then its standard input ends. */
final class Lifeline {
    private Lifeline() {}

    /** Watches in a thread of its own. Nothing is tidied up: it is as if the machine lost power. */
    static void hold(InputStream input) {
        Thread thread = new Thread(() -> {
            try {
                while (input.read() != -1) {
                    // What is written there says nothing.
                }
            } catch (IOException e) {
                // It is gone, too.
            }
            Runtime.getRuntime().halt(0);
        }, "lifeline");
        thread.setDaemon(true);
        thread.start();
    }
}
