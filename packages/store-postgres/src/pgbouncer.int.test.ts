import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aPut } from "@stackyard/core/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "./testing/test-server.ts";

const PROGRAM = "/usr/sbin/pgbouncer";
const isRoot = process.getuid?.() === 0;
// It does not run as root.
const user = isRoot ? "postgres" : undefined;
const hasUser = user === undefined || canFind(user);
const isThere = existsSync(PROGRAM) && hasUser;

function canFind(name: string): boolean {
  try {
    execFileSync("id", [name], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

let server: TestServer;
let pooler: ChildProcess | undefined;
let folder: string | undefined;

beforeAll(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  pooler?.kill("SIGKILL");
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});
afterAll(() => server.stop());

async function findPort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Starts PgBouncer with its own defaults but for the mode; returns the address of the database behind it. */
async function startPooler(mode: "session" | "transaction"): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), "stackyard-pgbouncer-"));
  const port = await findPort();
  const { username, password } = new URL(server.url);
  const settings = `[databases]
* = host=127.0.0.1 port=${server.port} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
`;
  await writeFile(join(folder, "pgbouncer.ini"), settings);
  await chmod(folder, 0o755);
  const args = [...(user === undefined ? [] : ["-u", user]), join(folder, "pgbouncer.ini")];
  pooler = spawn(PROGRAM, args, { stdio: "ignore" });
  const url = server.url.replace(`:${server.port}`, `:${port}`);
  await expect.poll(() => server.sql("select 1", url).then(() => "ok", String), { timeout: 10_000 }).toBe("ok");
  return url;
}

/** Changes the mode of the running pooler, as an operator does. */
async function setMode(mode: "session" | "transaction"): Promise<void> {
  const path = join(folder ?? "", "pgbouncer.ini");
  const settings = await readFile(path, "utf8");
  await writeFile(path, settings.replace(/^pool_mode = .*$/m, `pool_mode = ${mode}`));
  pooler?.kill("SIGHUP");
}

describe.skipIf(!isThere)("behind PgBouncer (skipped where /usr/sbin/pgbouncer is missing)", () => {
  it("works in the mode session, with its settings [pgbouncer#525, pgbouncer#381, node-postgres#2103]", async () => {
    const connection = await startPooler("session");

    const store = await server.open({ connection, statementTimeoutMs: 54_321 });

    expect(await store.commit([aPut({ id: "a" })])).toMatchObject([{ kind: "committed" }]);
    expect((await store.load(["a"]))[0]?.stack?.id).toBe("a");
    await store.close();
  });

  it("reports a mode that is changed while it works, until it is changed back [pgbouncer#875]", async () => {
    const connection = await startPooler("session");
    const store = await server.open({ connection });
    const stop = store.watch(() => undefined);
    const write = () => store.commit([aPut({ id: crypto.randomUUID() })]).then(() => "ok", String);

    await setMode("transaction");
    await expect.poll(write, { timeout: 40_000, interval: 500 }).toContain("pool_mode = session");
    await setMode("session");
    await expect.poll(write, { timeout: 40_000, interval: 500 }).toBe("ok");

    stop();
    await store.close();
  });

  it("is refused in the mode transaction, with what to do [pgbouncer#875, porsager/postgres#547]", async () => {
    const connection = await startPooler("transaction");

    await expect(server.open({ connection })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("pool_mode = session"),
    });
  });
});
