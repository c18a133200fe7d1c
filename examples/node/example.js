#!/usr/bin/env node
// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0
/*
 * examples/node/example.js ADDRESS FOLDER DATABASE - imports FOLDER/people.csv into the database, which
 * is a postgresql:// URL, follows the import, aborts another one and shows what an error tells.
 *
 * docs/clients.md says more. The contract is read when the program starts, so there are no stubs.
 */
'use strict'

const crypto = require('node:crypto')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const grpc = require('@grpc/grpc-js')
const protoLoader = require('@grpc/proto-loader')

const DEADLINE_MS = 10000 // of each call but a watch: none may wait for ever
const ENDED = ['TASK_STATE_SUCCEEDED', 'TASK_STATE_FAILED', 'TASK_STATE_KILLED']
const MAY_PASS = [grpc.status.UNAVAILABLE, grpc.status.UNKNOWN, grpc.status.DEADLINE_EXCEEDED]
const OPTIONS = {
  'grpc.keepalive_time_ms': 20000, // notices a server that is gone without a word
  'grpc.default_compression_algorithm': 2 // gzip
}

const contract = protoLoader.loadSync(
  ['sluice/v1/data_source_service.proto', 'sluice/v1/task_service.proto',
    'google/rpc/status.proto', 'google/rpc/error_details.proto'],
  { includeDirs: [path.join(__dirname, '../../proto')], keepCase: true, longs: String, enums: String, defaults: true })
const sluice = grpc.loadPackageDefinition(contract).sluice.v1

/** Calls a method that has one reply. */
function call (client, method, request) {
  return new Promise((resolve, reject) => client[method](request, { deadline: Date.now() + DEADLINE_MS },
    (error, reply) => error ? reject(error) : resolve(reply)))
}

/** Prints the code and the text of an error, and the details that it brings. */
function showError (error) {
  console.log(`refused: ${grpc.status[error.code]}: ${error.details}`)
  for (const packed of error.metadata.get('grpc-status-details-bin')) {
    for (const detail of contract['google.rpc.Status'].deserialize(packed).details) {
      const type = detail.type_url.split('/')[1]
      const value = contract[type].deserialize(detail.value)
      if (type === 'google.rpc.ErrorInfo') {
        console.log(`  reason ${value.reason}`, value.metadata)
      } else if (type === 'google.rpc.BadRequest') {
        value.field_violations.forEach(v => console.log(`  field ${v.field}: ${v.description}`))
      }
    }
  }
}

async function createSource (client, name, type, parameters) {
  const source = { name, type, parameters_json: JSON.stringify(parameters) }
  try {
    await call(client, 'CreateDataSource', { data_source: source })
  } catch (error) {
    if (error.code !== grpc.status.ALREADY_EXISTS) throw error // an earlier run has made it
  }
}

/** A task that imports people.csv: two columns, the first of which is the key. */
function importPeople (destination, instances = 1) {
  return {
    source: 'example-files',
    destination,
    bulkload: {
      reader_config_json: JSON.stringify({ filePath: 'people.csv', column: ['id', 'name'] }),
      writer_config_json: JSON.stringify({
        namespace: 'public', lindormTable: 'people_node', columns: ['ROW||String', 'f:name||String']
      }),
      driver_spec: 'DRIVER_SPEC_SMALL',
      instances,
      file_type: 'FILE_TYPE_CSV'
    }
  }
}

/** Tries again with the same request_id, so that no second task is made whatever became of the first try. */
async function createTask (client, task) {
  const request = { task, request_id: crypto.randomUUID() }
  for (const delayMs of [100, 500, 2000, 0]) {
    try {
      return await call(client, 'CreateTask', request)
    } catch (error) {
      if (delayMs === 0 || !MAY_PASS.includes(error.code)) throw error
      await sleep(delayMs)
    }
  }
}

/** Prints what becomes of a task until it ends, and gives its last state. */
async function watch (client, id) {
  for (let cursor = ''; ;) {
    try {
      for await (const change of client.WatchTask({ id, cursor })) {
        cursor = change.cursor || cursor
        if (!change.task) continue
        console.log(`${id} ${change.task.state}, ${change.task.progress?.rows_written ?? 0} rows`)
        if (ENDED.includes(change.task.state)) return change.task.state
      }
    } catch (error) {
      if (error.code !== grpc.status.UNAVAILABLE) throw error
      await sleep(500) // the server was started anew, say; go on after the last change
    }
  }
}

async function main (address, folder, database) {
  const plain = grpc.credentials.createInsecure()
  const sources = new sluice.DataSourceService(address, plain, OPTIONS)
  const tasks = new sluice.TaskService(address, plain, OPTIONS)
  await createSource(sources, 'example-files', 'DATA_SOURCE_TYPE_FILE', { root: folder })
  await createSource(sources, 'example-database', 'DATA_SOURCE_TYPE_POSTGRES', { url: database })
  await createSource(sources, 'example-nowhere', 'DATA_SOURCE_TYPE_POSTGRES', { url: 'postgresql://127.0.0.1:1/x' })

  const state = await watch(tasks, (await createTask(tasks, importPeople('example-database'))).id)

  const hopeless = await createTask(tasks, importPeople('example-nowhere')) // tried until it is aborted
  const killed = await call(tasks, 'AbortTask', { id: hopeless.id })
  console.log(`${killed.id} ${killed.state}`)

  await createTask(tasks, importPeople('example-database', -1)).catch(showError)
  process.exit(state === 'TASK_STATE_SUCCEEDED' ? 0 : 1)
}

if (process.argv.length !== 5) {
  console.error('usage: example ADDRESS FOLDER DATABASE')
  process.exit(1)
}
main(...process.argv.slice(2))
