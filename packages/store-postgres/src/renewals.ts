import type { Grant } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { toComparedText } from "./key-text.ts";
import type { RenewResult, SuspendInput } from "./port-types.ts";

/** One call of `renew`. */
export interface RenewCall {
  readonly grant: Grant;
  readonly input: { readonly leaseMs: number; readonly now: number; readonly message?: string };
}

// A renewal that is lost with the server's power makes its lease end a little early; that needs no wait for the disk.
const RENEW = {
  name: "renew_attempts",
  isLong: true as const,
  text: `
with quick as materialized (select set_config('synchronous_commit', 'off', true))
update stackyard.live l
   set lease_until = g.now + g.lease, progress_message = coalesce(g.message, l.progress_message),
       due_at = least(l.due_at, g.now + g.lease)
  from json_to_recordset($1) as g(n int, id text, token bigint, lease bigint, message text, now bigint), quick
 where l.attempt_id = any($2) and l.attempt_id = g.id and l.token = g.token and l.status = 'running'
returning g.n, l.cancelling`,
};

interface RenewRow {
  readonly n: number;
  readonly cancelling: "requested" | "timed-out" | null;
}

/** Renews the leases of different attempts. */
export async function renewAll(database: Database, calls: readonly RenewCall[]): Promise<readonly RenewResult[]> {
  const renewals = calls.map(({ grant, input: { leaseMs, message, now } }, index) => ({
    n: index,
    id: toComparedText(grant.attemptId),
    token: grant.token,
    lease: leaseMs,
    message: message === undefined ? null : JSON.stringify(message),
    now,
  }));
  const ids = renewals.map(({ id }) => id);
  const rows = await database.rows<RenewRow>(RENEW, JSON.stringify(renewals), ids);
  const renewed = new Map(rows.map(({ n, cancelling }) => [n, cancelling]));
  return calls.map((_, index) => {
    const cancelling = renewed.get(index);
    if (cancelling === undefined) return { kind: "lost" };
    return { kind: "renewed", ...(cancelling === null ? {} : { cancelling }) };
  });
}

const SUSPEND = {
  name: "suspend_attempt",
  isLong: true as const,
  text: `
update stackyard.live l
   set status = 'suspended', lease_until = null, progress = $4,
       progress_message = coalesce($5, l.progress_message),
       poll_due_at = case when l.cancelling is not null and not l.cancel_told then $6::bigint else $3::bigint end,
       due_at = least(l.due_at,
                      case when l.cancelling is not null and not l.cancel_told then $6::bigint else $3::bigint end)
 where l.attempt_id = $1 and l.token = $2 and l.status = 'running'
returning l.attempt_no`,
};

/** Gives the lease back until the poll is due: at once when a cancel was asked for that the owner was not granted with. */
export async function suspend(
  database: Database,
  grant: Grant,
  { progress, dueAt, message, now }: SuspendInput,
): Promise<"suspended" | "lost"> {
  const row = await database.row(
    SUSPEND,
    toComparedText(grant.attemptId),
    grant.token,
    dueAt,
    progress === undefined ? null : JSON.stringify(progress),
    message === undefined ? null : JSON.stringify(message),
    now,
  );
  return row === undefined ? "lost" : "suspended";
}
