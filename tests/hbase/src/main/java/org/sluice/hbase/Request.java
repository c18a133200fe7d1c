// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.Connection;
import org.apache.hbase.thirdparty.com.google.gson.JsonElement;
import org.apache.hbase.thirdparty.com.google.gson.JsonObject;

/** The members of one request. The readers without a default fail when there is no such member. */
final class Request {
    private final JsonObject object;
    private final Clusters clusters;
    private final AtomicLong progress;

    Request(JsonObject object, Clusters clusters, AtomicLong progress) {
        this.object = object;
        this.clusters = clusters;
        this.progress = progress;
    }

    /** How much is done; what of, the command says. */
    AtomicLong progress() {
        return progress;
    }

    static byte[] bytes(JsonElement element) {
        return element.getAsString().getBytes(StandardCharsets.ISO_8859_1);
    }

    static String text(byte[] bytes, int offset, int length) {
        return new String(bytes, offset, length, StandardCharsets.ISO_8859_1);
    }

    static String text(byte[] bytes) {
        return text(bytes, 0, bytes.length);
    }

    /** To the cluster that the member {@code cluster} names, as its user {@code as_user}, else as ourselves. */
    Connection connection() throws IOException {
        return clusters.connection(string("cluster"), string("as_user", null));
    }

    /** The caller closes it. */
    Admin admin() throws IOException {
        return connection().getAdmin();
    }

    TableName table() {
        return TableName.valueOf(string("table"));
    }

    boolean has(String name) {
        return object.has(name) && !object.get(name).isJsonNull();
    }

    private <T> T read(String name, Function<JsonElement, T> reader) {
        if (!has(name)) {
            throw new IllegalArgumentException("'" + name + "' is missing in " + object);
        }
        return reader.apply(object.get(name));
    }

    private <T> T read(String name, Function<JsonElement, T> reader, T absent) {
        return has(name) ? reader.apply(object.get(name)) : absent;
    }

    JsonObject object(String name) {
        return read(name, JsonElement::getAsJsonObject);
    }

    Request request(String name) {
        return new Request(object(name), clusters, progress);
    }

    String string(String name) {
        return read(name, JsonElement::getAsString);
    }

    String string(String name, String absent) {
        return read(name, JsonElement::getAsString, absent);
    }

    int integer(String name) {
        return read(name, JsonElement::getAsInt);
    }

    int integer(String name, int absent) {
        return read(name, JsonElement::getAsInt, absent);
    }

    long number(String name, long absent) {
        return read(name, JsonElement::getAsLong, absent);
    }

    double fraction(String name, double absent) {
        return read(name, JsonElement::getAsDouble, absent);
    }

    boolean flag(String name, boolean absent) {
        return read(name, JsonElement::getAsBoolean, absent);
    }

    byte[] bytes(String name) {
        return read(name, Request::bytes);
    }

    byte[] bytes(String name, byte[] absent) {
        return read(name, Request::bytes, absent);
    }

    List<byte[]> byteses(String name) {
        return list(name, Request::bytes);
    }

    List<String> strings(String name) {
        return list(name, JsonElement::getAsString);
    }

    List<Request> requests(String name) {
        return list(name, element -> new Request(element.getAsJsonObject(), clusters, progress));
    }

    /** An absent member is an empty list. */
    private <T> List<T> list(String name, Function<JsonElement, T> reader) {
        List<T> found = new ArrayList<>();
        if (has(name)) {
            object.getAsJsonArray(name).forEach(element -> found.add(reader.apply(element)));
        }
        return found;
    }

    /** An absent member is an empty map; null values stay. */
    Map<String, String> map(String name) {
        Map<String, String> found = new TreeMap<>();
        if (has(name)) {
            object(name).entrySet().forEach(entry ->
                found.put(entry.getKey(), entry.getValue().isJsonNull() ? null : entry.getValue().getAsString()));
        }
        return found;
    }
}
