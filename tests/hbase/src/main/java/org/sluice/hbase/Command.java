// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

/** What a judge can be asked. The result is made of maps, lists, strings, numbers and booleans. */
interface Command {
    Object run(Request request) throws Exception;
}
