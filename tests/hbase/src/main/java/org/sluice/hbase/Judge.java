// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hbase.thirdparty.com.google.gson.Gson;
import org.apache.hbase.thirdparty.com.google.gson.GsonBuilder;
import org.apache.hbase.thirdparty.com.google.gson.JsonObject;

/**
 * Asks clusters what is in them, with HBase's own client. Reads a request a line, a JSON object whose member
 * {@code do} names a command, and answers {@code {"result": ...}} or {@code {"error": "..."}}, in order.
 * {@code start} runs the command {@code of} in the background and gives its number; {@code progress} says how far it
 * is, {@code wait} gives its result.
 * Bytes are strings of characters up to U+00FF.
 */
public final class Judge {
    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().serializeNulls().create();

    private final Clusters clusters = new Clusters();
    private final ExecutorService background = Executors.newCachedThreadPool();
    private final List<Job> jobs = new ArrayList<>();
    private final Map<String, Command> commands = new LinkedHashMap<>();

    /** A command in the background. */
    private record Job(AtomicLong progress, Future<Object> result) {}

    private Judge() {
        commands.put("create", Tables::create);
        commands.put("drop", Tables::drop);
        commands.put("list", Tables::list);
        commands.put("describe", Tables::describe);
        commands.put("modify", Tables::modify);
        commands.put("enable", Tables::enable);
        commands.put("disable", Tables::disable);
        commands.put("namespace", Tables::namespace);
        commands.put("regions", Regions::list);
        commands.put("split", Regions::split);
        commands.put("merge", Regions::merge);
        commands.put("move", Regions::move);
        commands.put("flush", Regions::flush);
        commands.put("compact", Regions::compact);
        commands.put("balancer", Regions::balancer);
        commands.put("write", Cells::write);
        commands.put("scan", Cells::scan);
        commands.put("count", Cells::count);
        commands.put("fill", Fill::run);
        commands.put("load", Load::run);
        commands.put("compare", Compare::run);
        commands.put("inject", Inject::run);
        commands.put("status", Status::run);
        commands.put("peers", Peers::list);
        commands.put("add_peer", Peers::add);
        commands.put("update_peer", Peers::update);
        commands.put("remove_peer", Peers::remove);
        commands.put("enable_peer", Peers::enable);
        commands.put("disable_peer", Peers::disable);
        commands.put("grant", Permissions::grant);
        commands.put("revoke", Permissions::revoke);
        commands.put("copytable", CopyTables::run);
        commands.put("hfile", Files::read);
        commands.put("start", this::start);
        commands.put("progress", this::progress);
        commands.put("wait", this::await);
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        System.setOut(System.err); // what a library prints is no answer
        Judge judge = new Judge();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.print(GSON.toJson(judge.answer(line)) + "\n");
            out.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private Map<String, Object> answer(String line) {
        Map<String, Object> answer = new LinkedHashMap<>();
        try {
            answer.put("result", run(GSON.fromJson(line, JsonObject.class), new AtomicLong()));
        } catch (Throwable e) {
            e.printStackTrace();
            answer.put("error", e.toString());
        }
        return answer;
    }

    private Object run(JsonObject object, AtomicLong progress) throws Exception {
        String name = object.get("do").getAsString();
        Command command = commands.get(name);
        if (command == null) {
            throw new IllegalArgumentException("there is no command '" + name + "'");
        }
        return command.run(new Request(object, clusters, progress));
    }

    private Object start(Request request) {
        JsonObject of = request.object("of");
        AtomicLong progress = new AtomicLong();
        jobs.add(new Job(progress, background.submit(() -> run(of, progress))));
        return jobs.size() - 1;
    }

    private Object progress(Request request) {
        return jobs.get(request.integer("job")).progress().get();
    }

    private Object await(Request request) throws Exception {
        try {
            return jobs.get(request.integer("job")).result().get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }
}
