import type pg from "pg";

/** A server as it introduces itself. */
interface Introduction {
  /** Microseconds: no two servers have the same. */
  readonly startedAt: string;
  readonly isStandby: boolean;
}

/**
 * Returns true when new connections reach another primary than this one: a proxy or a name now leads there, and has
 * closed nothing. False when they reach a standby or nothing: a server that answers is not left for that.
 */
export async function leadsElsewhere(client: pg.ClientBase, connect: () => Promise<pg.Client>): Promise<boolean> {
  const other = await connect().catch(() => undefined);
  if (other === undefined) return false;
  try {
    const found = await introduce(other);
    return !found.isStandby && found.startedAt !== (await introduce(client)).startedAt;
  } catch {
    return false;
  } finally {
    await other.end().catch(() => undefined);
  }
}

async function introduce(client: pg.ClientBase): Promise<Introduction> {
  const text = `select extract(epoch from pg_postmaster_start_time())::text as "startedAt", pg_is_in_recovery() as "isStandby"`;
  const { rows } = await client.query<Introduction>(text);
  const [row] = rows;
  if (row === undefined) throw new Error("The server does not say when it was started.");
  return row;
}
