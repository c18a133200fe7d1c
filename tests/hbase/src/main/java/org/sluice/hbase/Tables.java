// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.hbase.NamespaceDescriptor;
import org.apache.hadoop.hbase.NamespaceExistException;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptor;
import org.apache.hadoop.hbase.client.ColumnFamilyDescriptorBuilder;
import org.apache.hadoop.hbase.client.TableDescriptor;
import org.apache.hadoop.hbase.client.TableDescriptorBuilder;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.util.RegionSplitter;

/** Tables and what they are made of. A family is {@code {"name": .., "attributes": {"VERSIONS": "3", ..}}}. */
final class Tables {
    private Tables() {}

    /** {@code splits} are keys; {@code regions} makes that many of the same size instead. */
    static Object create(Request request) throws IOException {
        TableDescriptorBuilder table = TableDescriptorBuilder.newBuilder(request.table());
        request.map("attributes").forEach(table::setValue);
        for (Request family : request.requests("families")) {
            table.setColumnFamily(family(ColumnFamilyDescriptorBuilder.newBuilder(family.bytes("name")), family));
        }
        byte[][] splits = request.byteses("splits").toArray(new byte[0][]);
        if (request.integer("regions", 1) > 1) {
            splits = new RegionSplitter.UniformSplit().split(request.integer("regions"));
        }
        try (Admin admin = request.admin()) {
            admin.createTable(table.build(), splits.length == 0 ? null : splits);
        }
        return true;
    }

    private static ColumnFamilyDescriptor family(ColumnFamilyDescriptorBuilder builder, Request family) {
        family.map("attributes").forEach(builder::setValue);
        return builder.build();
    }

    static Object drop(Request request) throws IOException {
        TableName table = request.table();
        try (Admin admin = request.admin()) {
            if (!admin.tableExists(table)) {
                return false;
            }
            if (admin.isTableEnabled(table)) {
                admin.disableTable(table);
            }
            admin.deleteTable(table);
        }
        return true;
    }

    static Object list(Request request) throws IOException {
        List<String> names = new ArrayList<>();
        try (Admin admin = request.admin()) {
            for (TableName table : admin.listTableNames()) {
                names.add(table.getNameAsString());
            }
        }
        Collections.sort(names);
        return names;
    }

    /** All attributes as HBase keeps them, those of families with their defaults. */
    static Object describe(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            TableDescriptor table = admin.getDescriptor(request.table());
            Map<String, Object> families = new TreeMap<>();
            for (ColumnFamilyDescriptor family : table.getColumnFamilies()) {
                families.put(Request.text(family.getName()), texts(family.getValues()));
            }
            return Map.of("families", families, "attributes", texts(table.getValues()),
                "enabled", admin.isTableEnabled(request.table()));
        }
    }

    private static Map<String, String> texts(Map<Bytes, Bytes> values) {
        Map<String, String> found = new TreeMap<>();
        values.forEach((name, value) -> found.put(new String(name.copyBytes(), StandardCharsets.UTF_8),
            new String(value.copyBytes(), StandardCharsets.UTF_8)));
        return found;
    }

    /** Adds or changes {@code families}, removes {@code remove_families}, sets {@code attributes}; waits for regions. */
    static Object modify(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            TableDescriptor old = admin.getDescriptor(request.table());
            TableDescriptorBuilder table = TableDescriptorBuilder.newBuilder(old);
            request.map("attributes").forEach(table::setValue);
            for (Request family : request.requests("families")) {
                byte[] name = family.bytes("name");
                if (old.hasColumnFamily(name)) {
                    table.modifyColumnFamily(
                        family(ColumnFamilyDescriptorBuilder.newBuilder(old.getColumnFamily(name)), family));
                } else {
                    table.setColumnFamily(family(ColumnFamilyDescriptorBuilder.newBuilder(name), family));
                }
            }
            request.byteses("remove_families").forEach(table::removeColumnFamily);
            admin.modifyTable(table.build());
        }
        return true;
    }

    static Object enable(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            admin.enableTable(request.table());
        }
        return true;
    }

    static Object disable(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            admin.disableTable(request.table());
        }
        return true;
    }

    static Object namespace(Request request) throws IOException {
        try (Admin admin = request.admin()) {
            admin.createNamespace(NamespaceDescriptor.create(request.string("namespace")).build());
            return true;
        } catch (NamespaceExistException e) {
            return false;
        }
    }
}
