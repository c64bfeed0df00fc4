// Starts the demo on a data directory of its own, waits until it serves, and stops it after the last test.
// TIEOUT_BIN names the program, TIEOUT_ARGS replaces the size of the demo.
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = resolve(import.meta.dirname, '..');
const PATIENCE = 180_000; // a debug build makes its first cluster and its company
const STOP_PATIENCE = 30_000;
const LOG_TAIL = 4000;
const DEFAULT_ARGS = '--documents 400';

function freePort() {
  return new Promise((done, fail) => {
    const probe = createServer().once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

async function untilItServes(server, file) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    if (server.exitCode !== null || server.signalCode !== null) throw new Error(`it ended with ${server.exitCode ?? server.signalCode}`);
    if (existsSync(file)) {
      const { url } = JSON.parse(readFileSync(file, 'utf8'));
      const answer = await fetch(`${url}/readyz`).catch(() => null);
      if (answer?.ok) return;
    }
    await sleep(100);
  }
  throw new Error(`it was not ready after ${PATIENCE / 1000} s`);
}

export default async function start() {
  const program = resolve(ROOT, process.env.TIEOUT_BIN ?? 'target/debug/tieout');
  const data = mkdtempSync(join(tmpdir(), 'tieout-end2end-'));
  const log = join(tmpdir(), `tieout-end2end-${process.pid}.log`);
  const args = ['demo', '--data-dir', data, '--port', String(await freePort()), ...(process.env.TIEOUT_ARGS ?? DEFAULT_ARGS).split(' ')];
  // the demo brings its own cluster, whatever database the other tests use
  const { DATABASE_URL: _, ...environment } = process.env;
  const server = spawn(program, args, { cwd: ROOT, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = createWriteStream(log);
  server.stdout.pipe(output, { end: false });
  server.stderr.pipe(output, { end: false });
  const ended = new Promise((done) => server.once('exit', done).once('error', done));
  const failedToRun = new Promise((_, fail) => server.once('error', fail));
  const stop = async () => {
    server.kill('SIGTERM');
    await Promise.race([ended, sleep(STOP_PATIENCE, undefined, { ref: false })]);
    server.kill('SIGKILL'); // does nothing to one that has ended
    rmSync(data, { recursive: true, force: true });
    rmSync(log, { force: true });
  };
  const file = join(data, 'demo.json');
  try {
    await Promise.race([untilItServes(server, file), failedToRun]);
  } catch (error) {
    const said = readFileSync(log, { encoding: 'utf8', flag: 'a+' }).slice(-LOG_TAIL);
    await stop();
    throw new Error(`the server at ${program}: ${error.message}\n${said}`);
  }
  process.env.TIEOUT_DEMO = readFileSync(file, 'utf8'); // the tests' processes inherit it
  return stop;
}
