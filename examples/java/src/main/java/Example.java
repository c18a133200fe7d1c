// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import io.grpc.Channel;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import sluice.v1.DataSourceOuterClass.DataSource;
import sluice.v1.DataSourceOuterClass.DataSourceType;
import sluice.v1.DataSourceServiceGrpc;
import sluice.v1.DataSourceServiceOuterClass.CreateDataSourceRequest;
import sluice.v1.TaskOuterClass.BulkloadSpec;
import sluice.v1.TaskOuterClass.DriverSpec;
import sluice.v1.TaskOuterClass.FileType;
import sluice.v1.TaskOuterClass.Task;
import sluice.v1.TaskOuterClass.TaskState;
import sluice.v1.TaskServiceGrpc;
import sluice.v1.TaskServiceOuterClass.AbortTaskRequest;
import sluice.v1.TaskServiceOuterClass.CreateTaskRequest;
import sluice.v1.TaskServiceOuterClass.WatchTaskRequest;

/**
 * example ADDRESS FOLDER DATABASE - imports FOLDER/people.csv into the database, which is a postgresql:// URL, follows
 * the import, aborts another one and shows what an error tells.
 *
 * <p>docs/clients.md says more. Stubs are made by examples/build.sh.
 */
public final class Example {
    private static final Set<TaskState> ENDED = EnumSet.of(
            TaskState.TASK_STATE_SUCCEEDED, TaskState.TASK_STATE_FAILED, TaskState.TASK_STATE_KILLED);
    private static final Set<Status.Code> MAY_PASS = EnumSet.of(
            Status.Code.UNAVAILABLE, Status.Code.UNKNOWN, Status.Code.DEADLINE_EXCEEDED);

    private final TaskServiceGrpc.TaskServiceBlockingStub tasks;
    private final DataSourceServiceGrpc.DataSourceServiceBlockingStub sources;

    private Example(Channel channel) {
        tasks = TaskServiceGrpc.newBlockingStub(channel).withCompression("gzip");
        sources = DataSourceServiceGrpc.newBlockingStub(channel).withCompression("gzip");
    }

    /** Each call but a watch has a deadline: none may wait for ever. */
    private TaskServiceGrpc.TaskServiceBlockingStub soon() {
        return tasks.withDeadlineAfter(10, TimeUnit.SECONDS);
    }

    /** Prints the code and the text of an error, and the details that it brings. */
    private static void showError(StatusRuntimeException error) throws Exception {
        System.out.printf("refused: %s: %s%n", error.getStatus().getCode(), error.getStatus().getDescription());
        for (var detail : StatusProto.fromThrowable(error).getDetailsList()) {
            if (detail.is(ErrorInfo.class)) {
                var info = detail.unpack(ErrorInfo.class);
                System.out.printf("  reason %s %s%n", info.getReason(), info.getMetadataMap());
            } else if (detail.is(BadRequest.class)) {
                for (var violation : detail.unpack(BadRequest.class).getFieldViolationsList())
                    System.out.printf("  field %s: %s%n", violation.getField(), violation.getDescription());
            }
        }
    }

    private void createSource(String name, DataSourceType type, String key, String value) {
        var source = DataSource.newBuilder().setName(name).setType(type)
                .setParametersJson("{\"%s\": \"%s\"}".formatted(key, value));
        try {
            sources.withDeadlineAfter(10, TimeUnit.SECONDS)
                    .createDataSource(CreateDataSourceRequest.newBuilder().setDataSource(source).build());
        } catch (StatusRuntimeException error) {
            if (error.getStatus().getCode() != Status.Code.ALREADY_EXISTS) throw error; // an earlier run has made it
        }
    }

    /** A task that imports people.csv: two columns, the first of which is the key. */
    private static Task importPeople(String destination, int instances) {
        return Task.newBuilder().setSource("example-files").setDestination(destination).setBulkload(
                BulkloadSpec.newBuilder()
                        .setReaderConfigJson("{\"filePath\": \"people.csv\", \"column\": [\"id\", \"name\"]}")
                        .setWriterConfigJson("{\"namespace\": \"public\", \"lindormTable\": \"people_java\","
                                + " \"columns\": [\"ROW||String\", \"f:name||String\"]}")
                        .setDriverSpec(DriverSpec.DRIVER_SPEC_SMALL).setInstances(instances)
                        .setFileType(FileType.FILE_TYPE_CSV)).build();
    }

    /** Tries again with the same request_id, so that no second task is made whatever became of the first try. */
    private Task createTask(Task task) throws InterruptedException {
        var request = CreateTaskRequest.newBuilder().setTask(task).setRequestId(UUID.randomUUID().toString()).build();
        for (int delayMs = 100; ; delayMs *= 5) {
            try {
                return soon().createTask(request);
            } catch (StatusRuntimeException error) {
                if (delayMs > 2500 || !MAY_PASS.contains(error.getStatus().getCode())) throw error;
                Thread.sleep(delayMs);
            }
        }
    }

    /** Prints what becomes of a task until it ends, and gives its last state. */
    private TaskState watch(String id) throws InterruptedException {
        for (var cursor = ""; ; Thread.sleep(500)) {
            try {
                var changes = tasks.watchTask(WatchTaskRequest.newBuilder().setId(id).setCursor(cursor).build());
                while (changes.hasNext()) {
                    var change = changes.next();
                    if (!change.getCursor().isEmpty()) cursor = change.getCursor();
                    if (!change.hasTask()) continue;
                    var task = change.getTask();
                    System.out.printf("%s %s, %d rows%n", id, task.getState(), task.getProgress().getRowsWritten());
                    if (ENDED.contains(task.getState())) return task.getState();
                }
            } catch (StatusRuntimeException error) { // the server was started anew, say; go on after the last change
                if (error.getStatus().getCode() != Status.Code.UNAVAILABLE) throw error;
            }
        }
    }

    private boolean run(String folder, String database) throws Exception {
        createSource("example-files", DataSourceType.DATA_SOURCE_TYPE_FILE, "root", folder);
        createSource("example-database", DataSourceType.DATA_SOURCE_TYPE_POSTGRES, "url", database);
        createSource("example-nowhere", DataSourceType.DATA_SOURCE_TYPE_POSTGRES, "url", "postgresql://127.0.0.1:1/x");

        var state = watch(createTask(importPeople("example-database", 1)).getId());

        var hopeless = createTask(importPeople("example-nowhere", 1)); // tried until it is aborted
        var killed = soon().abortTask(AbortTaskRequest.newBuilder().setId(hopeless.getId()).build());
        System.out.printf("%s %s%n", killed.getId(), killed.getState());

        try {
            createTask(importPeople("example-database", -1));
        } catch (StatusRuntimeException error) {
            showError(error);
        }
        return state == TaskState.TASK_STATE_SUCCEEDED;
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 3) {
            System.err.println("usage: example ADDRESS FOLDER DATABASE");
            System.exit(1);
        }
        var channel = Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create())
                .keepAliveTime(20, TimeUnit.SECONDS).build(); // notices a server that is gone without a word
        var isDone = new Example(channel).run(arguments[1], arguments[2]);
        channel.shutdownNow();
        System.exit(isDone ? 0 : 1);
    }
}
