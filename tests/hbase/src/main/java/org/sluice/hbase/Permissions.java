// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.security.access.Permission;
import org.apache.hadoop.hbase.security.access.UserPermission;

/** What users may do where access is controlled: {@code actions} of the letters RWXCA, in a table or, without, in all. */
final class Permissions {
    private Permissions() {}

    static Object grant(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            admin.grant(permission(request, request.string("actions")), false);
        }
        return true;
    }

    /** Revokes all that the user was granted there. */
    static Object revoke(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            admin.revoke(permission(request, "RWXCA"));
        }
        return true;
    }

    private static UserPermission permission(Request request, String letters) {
        Permission.Action[] actions = letters.chars()
            .mapToObj(letter -> Permission.Action.valueOf(switch (letter) {
                case 'R' -> "READ";
                case 'W' -> "WRITE";
                case 'X' -> "EXEC";
                case 'C' -> "CREATE";
                case 'A' -> "ADMIN";
                default -> throw new IllegalArgumentException(letters);
            }))
            .toArray(Permission.Action[]::new);
        Permission permission = request.has("table")
            ? Permission.newBuilder(request.table()).withActions(actions).build()
            : Permission.newBuilder().withActions(actions).build();
        return new UserPermission(request.string("user"), permission);
    }
}
