// node graphile.mjs DATABASE_URL JOBS default|fast: prints no-op jobs per second of graphile-worker, at its default settings
// or at those of its own performance test (no history, up to 500 locked jobs that a dead process leaves locked)
import { Logger, run, runMigrations } from "graphile-worker";
import pg from "pg";

const [url, count] = [new URL(process.argv[2]), Number(process.argv[3])];
const concurrency = 24;
const fast = { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } };
const preset = process.argv[4] === "fast" ? fast : undefined;
const pgPool = new pg.Pool({
  host: url.searchParams.get("host"),
  user: url.searchParams.get("user"),
  database: url.pathname.slice(1),
  max: concurrency + 4,
});
pgPool.on("error", () => {});
pgPool.on("connect", (client) => client.on("error", () => {}));
const logger = new Logger(() => () => {});
await runMigrations({ pgPool, logger });
await pgPool.query(
  `select graphile_worker.add_jobs(array(select json_populate_record(null::graphile_worker.job_spec, '{"identifier":"noop"}') from generate_series(1, $1)))`,
  [count],
);
await pgPool.query("vacuum analyze");

const began = process.hrtime.bigint();
let done = 0;
const runner = await run({ preset, pgPool, logger, concurrency, noHandleSignals: true, taskList: { noop: async () => {} } });
await new Promise((resolve) => runner.events.on("job:complete", () => ++done === count && resolve()));
// it says complete before it has deleted the job
const left = async () => (await pgPool.query("select count(*)::int as n from graphile_worker.jobs")).rows[0].n;
while ((await left()) !== 0) await new Promise((resolve) => setTimeout(resolve, 1));
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
await runner.stop();
await pgPool.end();
console.log((count / seconds).toFixed(1));
