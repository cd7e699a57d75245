import pg from "pg";

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
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<DatabaseFigures>(SQL);
    const [figures] = rows;
    if (figures === undefined) throw new Error("The database has no statistics of itself.");
    return figures;
  } finally {
    await client.end();
  }
}

/** What was done between two readings. */
export function subtractFigures(after: DatabaseFigures, before: DatabaseFigures): DatabaseFigures {
  return {
    commits: after.commits - before.commits,
    rowsWritten: after.rowsWritten - before.rowsWritten,
    walBytes: after.walBytes - before.walBytes,
  };
}
