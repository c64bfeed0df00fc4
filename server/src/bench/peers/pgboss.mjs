// node pgboss.mjs DATABASE_URL JOBS: prints no-op jobs per second of pg-boss work() with batches of 1,000, four at a time, each
// fetched as soon as the last one came full (a batch succeeds or fails as one)
import pg from "pg";
import { PgBoss } from "pg-boss";

const [url, count] = [new URL(process.argv[2]), Number(process.argv[3])];
const place = { host: url.searchParams.get("host"), user: url.searchParams.get("user"), database: url.pathname.slice(1) };
const boss = new PgBoss({ ...place, max: 8, supervise: false, schedule: false });
boss.on("error", () => {});
await boss.start();
await boss.createQueue("noop");
const chunk = 5000;
for (let n = 0; n < count; n += chunk) {
  await boss.insert("noop", Array.from({ length: Math.min(chunk, count - n) }, () => ({ data: {} })));
}
const client = new pg.Client(place);
await client.connect();
await client.query("vacuum analyze");

const began = process.hrtime.bigint();
let done = 0;
const all = new Promise((resolve) => {
  const handler = async (jobs) => {
    done += jobs.length;
    if (done >= count) resolve();
  };
  boss.work("noop", { batchSize: 1000, localConcurrency: 4, burstWhenBatchFull: true }, handler);
});
await all;
// the last batches are handled, but not written yet
const left = async () => (await client.query("select count(*)::int as n from pgboss.job where state <> 'completed'")).rows[0].n;
while ((await left()) !== 0) await new Promise((resolve) => setTimeout(resolve, 1));
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
await boss.stop({ graceful: false });
await client.end();
console.log((count / seconds).toFixed(1));
