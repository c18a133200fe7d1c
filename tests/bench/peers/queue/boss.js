// pg-boss runs jobs that do nothing.
//
//     node boss.js URL prepare JOBS
//     node boss.js URL run WORKERS SECONDS [BATCH]
//
// Each worker fetches BATCH jobs, 1 unless it is said, and completes each of them by itself. It asks again at once, by fetch and
// complete: the loop that pg-boss brings, work(), pauses for half a second at least. Prints one line of JSON.
"use strict";
const PgBoss = require("pg-boss");
const { Pool } = require("pg");

const QUEUE = "noop";

async function open(connectionString, workers) {
  const boss = new PgBoss({ connectionString, max: workers, supervise: false, schedule: false });
  boss.on("error", (error) => {
    throw error;
  });
  await boss.start();
  return boss;
}

async function prepare(connectionString, jobs) {
  const boss = await open(connectionString, 2);
  await boss.createQueue(QUEUE);
  for (let left = Number(jobs); left > 0; left -= 10000)
    await boss.insert(Array.from({ length: Math.min(left, 10000) }, () => ({ name: QUEUE, data: {} })));
  await boss.stop({ graceful: false, wait: true });
  const pool = new Pool({ connectionString });
  await pool.query("VACUUM ANALYZE");
  await pool.end();
}

async function work(connectionString, workers, seconds, batch) {
  const boss = await open(connectionString, Number(workers));
  let n = 0;
  let isOver = false;
  const worker = async () => {
    while (!isOver) {
      const jobs = await boss.fetch(QUEUE, { batchSize: Number(batch || 1) });
      if (jobs.length === 0) throw new Error("there were too few jobs");
      for (const job of jobs) {
        await boss.complete(QUEUE, job.id);
        n++;
      }
    }
  };
  const all = Promise.all(Array.from({ length: Number(workers) }, worker));
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 1000))]); // code is warm
  const [before, start] = [n, Date.now()];
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000))]);
  console.log(JSON.stringify({ per_s: Math.round(((n - before) * 1000) / (Date.now() - start)), jobs: n - before }));
  isOver = true;
  await all;
}

const [url, verb, ...rest] = process.argv.slice(2);
(verb === "prepare" ? prepare : work)(url, ...rest).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
