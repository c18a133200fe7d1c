// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0
/*
 * tests/bench/peers/node/server.js DATABASE_URL PROTO_FOLDER steps|one - CreateTask and GetTask as one writes them in
 * Node.js: grpc-js and a pool of 16 connections, prepared statements, a transaction each. "steps": a statement for each
 * table; "one": each call is one statement that was tuned by hand. Prints its port.
 */
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const grpc = require('@grpc/grpc-js')
const protoLoader = require('@grpc/proto-loader')
const pg = require('pg')

const [url, protos, way] = process.argv.slice(2)
const contract = protoLoader.loadSync(['sluice/v1/task_service.proto'],
  { includeDirs: [protos], keepCase: true, longs: Number, enums: String })
const service = grpc.loadPackageDefinition(contract).sluice.v1.TaskService.service
const pool = new pg.Pool({ connectionString: url, max: 16 })
const texts = Object.fromEntries(
  ['create', 'get', 'steps/insert_task', 'steps/insert_jobs', 'steps/insert_event', 'steps/select_task',
    'steps/select_jobs'].map(
    name => [name, fs.readFileSync(path.join(__dirname, '..', name + '.sql'), 'utf8')]))

const run = async (client, name, values) =>
  (await client.query({ name, text: texts[name], values })).rows

const toTimestamp = date => date && {
  seconds: Math.floor(date.getTime() / 1000),
  nanos: date.getTime() % 1000 * 1000000
}

const toTask = row => ({
  id: row.id,
  kind: 'TASK_KIND_' + row.kind,
  source: row.source,
  destination: row.destination,
  state: 'TASK_STATE_' + row.state,
  stage: 'TASK_STAGE_' + row.stage,
  message: row.message,
  etag: String(row.version),
  create_time: toTimestamp(row.create_time),
  update_time: toTimestamp(row.update_time),
  start_time: toTimestamp(row.start_time),
  end_time: toTimestamp(row.end_time),
  display_name: row.display_name
})

const toJob = row => ({
  id: row.job_id,
  role: 'JOB_ROLE_' + row.role,
  state: 'JOB_STATE_' + row.job_state,
  table: row.table_name,
  attempt: row.attempt,
  message: row.job_message,
  worker_id: row.worker_id,
  start_time: toTimestamp(row.job_start_time),
  end_time: toTimestamp(row.job_end_time)
})

/* What is stored for a create, by the way that was chosen: the task's row. */
const insert = {
  one: async values => (await run(pool, 'create', values))[0],
  steps: async ([digits, ...values]) => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      const [task] = await run(client, 'steps/insert_task', [digits, ...values])
      await run(client, 'steps/insert_jobs', [task.id, digits])
      await run(client, 'steps/insert_event', [task.id])
      await client.query('COMMIT')
      return task
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  }
}

/* A task's row, and those of its jobs. */
const select = {
  one: async id => {
    const rows = await run(pool, 'get', [id])
    return [rows[0], rows]
  },
  steps: async id => {
    const [task] = await run(pool, 'steps/select_task', [id])
    return [task, task && await run(pool, 'steps/select_jobs', [id])]
  }
}

async function createTask (request) {
  const { source, destination, bulkload } = request.task
  const digits = crypto.randomBytes(16).toString('hex')
  const row = await insert[way]([digits, source, destination, Buffer.from(JSON.stringify(bulkload))])
  return {
    ...toTask(row),
    bulkload,
    jobs: [{ id: 'schema-' + digits, role: 'JOB_ROLE_SCHEMA', state: 'JOB_STATE_READY' },
      { id: 'fulldata-' + digits, role: 'JOB_ROLE_FULL', state: 'JOB_STATE_WAITING' }]
  }
}

async function getTask (request) {
  const [row, jobs] = await select[way](request.id)
  if (!row) {
    throw Object.assign(new Error('there is no such task'), { code: grpc.status.NOT_FOUND })
  }
  return { ...toTask(row), bulkload: JSON.parse(row.spec), jobs: jobs.map(toJob) }
}

const unary = method => (call, done) => method(call.request).then(reply => done(null, reply), done)
const server = new grpc.Server()
server.addService(service, { CreateTask: unary(createTask), GetTask: unary(getTask) })
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  console.log(port)
})
