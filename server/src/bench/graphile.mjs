// node drain.mjs DATABASE_URL JOBS: prints no-op jobs per second of graphile-worker at its default settings
import { Logger, run, runMigrations } from "graphile-worker";
import pg from "pg";

const [url, count] = [new URL(process.argv[2]), Number(process.argv[3])];
const concurrency = 24;
const pgPool = new pg.Pool({
  host: url.searchParams.get("host"),
  user: url.searchParams.get("user"),
  database: url.pathname.slice(1),
  max: concurrency + 4,
});
pgPool.on("error", () => {});
const logger = new Logger(() => () => {});
await runMigrations({ pgPool, logger });
await pgPool.query(
  `select graphile_worker.add_jobs(array(select json_populate_record(null::graphile_worker.job_spec, '{"identifier":"noop"}') from generate_series(1, $1)))`,
  [count],
);
await pgPool.query("vacuum analyze");

const began = process.hrtime.bigint();
let done = 0;
const runner = await run({ pgPool, logger, concurrency, noHandleSignals: true, taskList: { noop: async () => {} } });
await new Promise((resolve) => runner.events.on("job:complete", () => ++done === count && resolve()));
// it says complete before it has deleted the job
const left = async () => (await pgPool.query("select count(*)::int as n from graphile_worker.jobs")).rows[0].n;
while ((await left()) !== 0) await new Promise((resolve) => setTimeout(resolve, 1));
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
await runner.stop();
await pgPool.end();
console.log((count / seconds).toFixed(1));
