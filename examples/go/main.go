// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

// example ADDRESS FOLDER DATABASE imports FOLDER/people.csv into the database, which is a
// postgresql:// URL, follows the import, aborts another one and shows what an error tells.
//
// docs/clients.md says more. Stubs are made by examples/build.sh.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	pb "sluice-example/gen/sluice/v1"
)

const deadline = 10 * time.Second // of each call but a watch: none may wait for ever

// showError prints the code and the text of an error, and the details that it brings.
func showError(err error) {
	st := status.Convert(err)
	fmt.Printf("refused: %v: %s\n", st.Code(), st.Message())
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			fmt.Printf("  reason %s %v\n", d.Reason, d.Metadata)
		case *errdetails.BadRequest:
			for _, v := range d.FieldViolations {
				fmt.Printf("  field %s: %s\n", v.Field, v.Description)
			}
		}
	}
}

func createSource(client pb.DataSourceServiceClient, name string, kind pb.DataSourceType, key, value string) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	_, err := client.CreateDataSource(ctx, &pb.CreateDataSourceRequest{DataSource: &pb.DataSource{
		Name: name, Type: kind, ParametersJson: fmt.Sprintf(`{"%s": %q}`, key, value)}})
	if err != nil && status.Code(err) != codes.AlreadyExists { // an earlier run has made it
		log.Fatal(err)
	}
}

// importPeople is a task that imports people.csv: two columns, the first of which is the key.
func importPeople(destination string, instances int32) *pb.Task {
	return &pb.Task{Source: "example-files", Destination: destination, Spec: &pb.Task_Bulkload{Bulkload: &pb.BulkloadSpec{
		ReaderConfigJson: `{"filePath": "people.csv", "column": ["id", "name"]}`,
		WriterConfigJson: `{"namespace": "public", "lindormTable": "people_go", "columns": ["ROW||String", "f:name||String"]}`,
		DriverSpec:       pb.DriverSpec_DRIVER_SPEC_SMALL, Instances: instances, FileType: pb.FileType_FILE_TYPE_CSV}}}
}

// createTask tries again with the same request_id, so that no second task is made whatever became of the first try.
func createTask(client pb.TaskServiceClient, task *pb.Task) (made *pb.Task, err error) {
	request := &pb.CreateTaskRequest{Task: task, RequestId: uuid.NewString()}
	for _, delay := range []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second} {
		time.Sleep(delay)
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		made, err = client.CreateTask(ctx, request)
		cancel()
		switch status.Code(err) {
		case codes.Unavailable, codes.Unknown, codes.DeadlineExceeded:
		default:
			return made, err
		}
	}
	return nil, err
}

// watch prints what becomes of a task until it ends, and gives its last state.
func watch(client pb.TaskServiceClient, id string) pb.TaskState {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for cursor := ""; ; time.Sleep(500 * time.Millisecond) {
		stream, err := client.WatchTask(ctx, &pb.WatchTaskRequest{Id: id, Cursor: cursor})
		for err == nil {
			var change *pb.TaskChange
			if change, err = stream.Recv(); err != nil {
				break
			}
			if change.Cursor != "" {
				cursor = change.Cursor
			}
			if task := change.Task; task != nil {
				fmt.Printf("%s %v, %d rows\n", id, task.State, task.GetProgress().GetRowsWritten())
				if task.State >= pb.TaskState_TASK_STATE_SUCCEEDED {
					return task.State
				}
			}
		}
		if status.Code(err) != codes.Unavailable { // the server was started anew, say; go on after the last change
			log.Fatal(err)
		}
	}
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: example ADDRESS FOLDER DATABASE")
	}
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second})) // notices a server that is gone
	if err != nil {
		log.Fatal(err)
	}
	sources, tasks := pb.NewDataSourceServiceClient(connection), pb.NewTaskServiceClient(connection)
	createSource(sources, "example-files", pb.DataSourceType_DATA_SOURCE_TYPE_FILE, "root", os.Args[2])
	createSource(sources, "example-database", pb.DataSourceType_DATA_SOURCE_TYPE_POSTGRES, "url", os.Args[3])
	createSource(sources, "example-nowhere", pb.DataSourceType_DATA_SOURCE_TYPE_POSTGRES, "url", "postgresql://127.0.0.1:1/x")

	task, err := createTask(tasks, importPeople("example-database", 1))
	if err != nil {
		log.Fatal(err)
	}
	state := watch(tasks, task.Id)

	hopeless, err := createTask(tasks, importPeople("example-nowhere", 1)) // tried until it is aborted
	if err != nil {
		log.Fatal(err)
	}
	killed, err := tasks.AbortTask(context.Background(), &pb.AbortTaskRequest{Id: hopeless.Id})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(killed.Id, killed.State)

	if _, err = createTask(tasks, importPeople("example-database", -1)); err != nil {
		showError(err)
	}
	if state != pb.TaskState_TASK_STATE_SUCCEEDED {
		os.Exit(1)
	}
}
