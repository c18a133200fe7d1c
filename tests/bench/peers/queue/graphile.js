// graphile-worker runs jobs that do nothing.
//
//     node graphile.js URL prepare JOBS
//     node graphile.js URL run WORKERS SECONDS [LOCAL_QUEUE [COMPLETE_DELAY_MS]]
//
// Jobs are locked one by one and completed one by one; with LOCAL_QUEUE that many are locked at once, and with
// COMPLETE_DELAY_MS those that are done within it are completed together. Prints one line of JSON.
"use strict";
const { Logger, run, runMigrations } = require("graphile-worker");
const { Pool } = require("pg");

const quiet = new Logger(() => (level, message) => {
  if (level === "error") console.error(message);
});

async function prepare(connectionString, jobs) {
  const pool = new Pool({ connectionString });
  await runMigrations({ pgPool: pool, logger: quiet });
  await pool.query(
    "SELECT count(*) FROM graphile_worker.add_jobs(ARRAY(" +
      "SELECT json_populate_record(NULL::graphile_worker.job_spec, " +
      `'{"identifier": "noop", "payload": {}}') FROM generate_series(1, ${Number(jobs)})))`,
  );
  await pool.query("VACUUM ANALYZE");
  await pool.end();
}

async function work(connectionString, workers, seconds, localQueue, completeDelayMs) {
  let n = 0;
  let latest = 0;
  const concurrentJobs = Number(workers);
  const runner = await run({
    connectionString,
    logger: quiet,
    noHandleSignals: true,
    crontab: "",
    concurrency: concurrentJobs,
    maxPoolSize: concurrentJobs + 2,
    pollInterval: 100,
    preset: {
      worker: {
        ...(localQueue && { localQueue: { size: Number(localQueue) } }),
        ...(completeDelayMs && { completeJobBatchDelay: Number(completeDelayMs) }),
      },
    },
    taskList: { noop: async () => {} },
  });
  runner.events.on("job:complete", () => {
    n++;
    latest = Date.now();
  });
  await new Promise((resolve) => setTimeout(resolve, 1000)); // connections are made, code is warm
  const [before, start] = [n, Date.now()];
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  const end = Date.now();
  const result = { per_s: Math.round(((n - before) * 1000) / (end - start)), jobs: n - before };
  if (end - latest > 2000) throw new Error("there were too few jobs");
  await runner.stop();
  console.log(JSON.stringify(result));
}

const [url, verb, ...rest] = process.argv.slice(2);
(verb === "prepare" ? prepare : work)(url, ...rest).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
