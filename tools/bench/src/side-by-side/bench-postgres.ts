import { startPostgres } from "@stackyard/postgres-server";
import pg from "pg";

/** A Postgres server of our own, on loopback, with its data in a fresh folder on disk. */
export interface BenchPostgres {
  readonly pid: number;
  readonly version: string;
  /** Makes an empty database and gives its URL. */
  createDatabase(name: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  /**
   * Brings a database into its steady state: statistics gathered, dirty pages written. No plan is then based on a guess, and
   * no contender pays for the one before it.
   */
  settle(url: string): Promise<void>;
  stop(): Promise<void>;
}

// The starter is thrifty for tests; this is what Postgres itself begins with.
const SETTINGS = { shared_buffers: "128MB" };

/** Starts the server with Postgres's own settings, and those given. */
export async function startBenchPostgres(settings: Readonly<Record<string, string>> = {}): Promise<BenchPostgres> {
  const server = await startPostgres({ durable: true, settings: { ...SETTINGS, ...settings } });
  const admin = new pg.Pool({ connectionString: server.url, max: 1 });
  admin.on("error", () => undefined);
  const version = String((await admin.query("show server_version")).rows[0]?.server_version);
  return {
    pid: server.pid(),
    version,
    async createDatabase(name) {
      await admin.query(`create database "${name}"`);
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.href;
    },
    async dropDatabase(name) {
      await admin.query(`drop database if exists "${name}" with (force)`);
    },
    async settle(url) {
      await withClient(url, async (client) => {
        await client.query("vacuum (analyze)");
        await client.query("checkpoint");
      });
    },
    async stop() {
      await admin.end();
      await server.stop();
    },
  };
}

/** What a database has done so far, by its own account. */
export interface DatabaseFigures {
  readonly commits: number;
  /** Rows inserted, updated and deleted. */
  readonly rowsWritten: number;
  readonly walBytes: number;
}

const SQL = `
select xact_commit::float8 as "commits",
       (tup_inserted + tup_updated + tup_deleted)::float8 as "rowsWritten",
       pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as "walBytes"
  from pg_stat_database where datname = current_database()`;

/** Reads the figures. A session reports its share at the latest when it ends, so end those that count before. */
export async function readDatabaseFigures(url: string): Promise<DatabaseFigures> {
  const { rows } = await withClient(url, (client) => client.query<DatabaseFigures>(SQL));
  const [figures] = rows;
  if (figures === undefined) throw new Error("The database has no statistics of itself.");
  return figures;
}

/** Connects to a database for some work. */
export async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Returns the difference between two readings. */
export function subtractFigures(after: DatabaseFigures, before: DatabaseFigures): DatabaseFigures {
  return {
    commits: after.commits - before.commits,
    rowsWritten: after.rowsWritten - before.rowsWritten,
    walBytes: after.walBytes - before.walBytes,
  };
}
