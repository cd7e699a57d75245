import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "@stackyard/postgres-server";
import type { TestServer } from "./test-server.ts";

const PROGRAM = "/usr/sbin/pgbouncer";
// It does not run as root.
const user = process.getuid?.() === 0 ? "postgres" : undefined;

/** False where PgBouncer cannot be run: tests with it are skipped there. */
export const HAS_PGBOUNCER = existsSync(PROGRAM) && (user === undefined || canFind(user));

function canFind(name: string): boolean {
  try {
    execFileSync("id", [name], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Settings of PgBouncer besides its address, such as `pool_mode`; `pool_mode` is `session` by default. */
export type PoolerSettings = Readonly<Record<string, string | number>>;

/** A running PgBouncer, with its own defaults but for the given settings. */
export interface Pooler {
  /** The address of the server's database behind it. */
  readonly url: string;
  /** Runs a command of its console, such as `PAUSE`. */
  command(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Changes settings while it runs, as an operator does. */
  change(settings: PoolerSettings): Promise<void>;
  /** Ends it at once with all its connections; it can be started again. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPooler(server: TestServer, settings: PoolerSettings = {}): Promise<Pooler> {
  const folder = await mkdtemp(join(tmpdir(), "stackyard-pgbouncer-"));
  await chmod(folder, 0o755);
  const file = join(folder, "pgbouncer.ini");
  const port = await findFreePort();
  const url = server.url.replace(`:${server.port}`, `:${port}`);
  const write = (more: PoolerSettings) => writeFile(file, toIni(server, port, { ...settings, ...more }));
  let child: ChildProcess | undefined;
  const pooler: Pooler = {
    url,
    command: (text) => server.sql(text, url.replace(/[^/]+$/, "pgbouncer")),
    async change(more) {
      await write(more);
      child?.kill("SIGHUP");
    },
    async kill() {
      const ended = new Promise((resolve) => child?.once("exit", resolve));
      if (child?.kill("SIGKILL")) await ended;
      child = undefined;
    },
    async start() {
      child = spawn(PROGRAM, [...(user === undefined ? [] : ["-u", user]), file], { stdio: "ignore" });
      await waitFor(() => pooler.command("show version"));
    },
    async stop() {
      await pooler.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await write({});
  await pooler.start();
  return pooler;
}

function toIni(server: TestServer, port: number, settings: PoolerSettings): string {
  const { username, password } = new URL(server.url);
  const lines = Object.entries({ pool_mode: "session", ...settings }).map(([name, value]) => `${name} = ${value}\n`);
  return `[databases]
* = host=127.0.0.1 port=${server.port} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
admin_users = ${username}
${lines.join("")}`;
}

const TRIES = 100;

async function waitFor(ask: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await ask();
      return;
    } catch (error) {
      if (tries === TRIES) throw error;
      await sleep(100);
    }
  }
}
