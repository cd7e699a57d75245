import type { RenewResult, SettleInput, Stack, Store, SuspendInput } from "@stackyard/core";
import { readAttemptSecrets } from "@stackyard/core/attempt";
import type { ClaimInput, ClaimResult, Grant, QueuedEvent } from "@stackyard/core/engine";
import { parseSent, toAttemptId } from "./attempt-rows.ts";
import { findAttempt, findTaskMessage } from "./attempt-views.ts";
import type { Database } from "./database.ts";
import type { GroupedCalls } from "./grouped-calls.ts";
import { fromKeyText, toComparedText, toHome, toKeyText, toLongText, toPlace } from "./key-text.ts";
import type { Signals } from "./signals.ts";
import { toEventRow } from "./work-queue.ts";

type AttemptCalls = Pick<Store, "claim" | "renew" | "suspend" | "settle" | "findAttempt" | "findTaskMessage">;

/** Calls of workers that share statements while they wait. */
export interface AttemptGroups {
  readonly claims: GroupedCalls<ClaimInput, ClaimResult>;
  readonly renewals: GroupedCalls<RenewCall, RenewResult>;
  readonly settles: GroupedCalls<SettleCall, "settled" | "lost">;
}

/** Creates the part of the store that workers use. */
export function createAttemptStore(database: Database, groups: AttemptGroups, signals: Signals): AttemptCalls {
  return {
    async claim(input) {
      database.assertOpen();
      if (input.exclusiveKeys.length === 0) return groups.claims.call(input);
      return claimKeyed(database, input);
    },
    async renew(grant, input) {
      database.assertOpen();
      const answer = await groups.renewals.call({ grant, input });
      if (input.message !== undefined) signals.notify(["progress"]);
      return answer;
    },
    async suspend(grant, input) {
      const result = await suspend(database, grant, input);
      signals.notify(["task", "progress"]);
      return result;
    },
    async settle(grant, input) {
      database.assertOpen();
      return groups.settles.call({ grant, input });
    },
    findAttempt: (attemptId) => findAttempt(database, attemptId),
    findTaskMessage: (attemptId) => findTaskMessage(database, attemptId),
  };
}

interface ClaimRow {
  readonly kind: ClaimResult["kind"];
  readonly token: number;
  readonly again: boolean;
  readonly deadline_at: number;
  readonly progress: string | null;
  readonly cancelling: "requested" | "timed-out" | null;
  readonly held_by: string;
  readonly sent: string | null;
  readonly data: string | null;
}

const CLAIM = {
  name: "claim_attempts",
  isLong: true as const,
  text: `select kind, token, again, deadline_at, progress, cancelling, held_by, sent, data
  from stackyard.claim_attempts($1, $2) order by n`,
};

/** Claims of different attempts that need no key. */
export async function claimAll(database: Database, inputs: readonly ClaimInput[]): Promise<readonly ClaimResult[]> {
  const claims = inputs.map(toClaimRow);
  const homes = claims.map(({ home }) => home);
  const rows = await database.rows<ClaimRow>(CLAIM, JSON.stringify(claims), homes);
  return inputs.map((input, index) => toClaimResult(input, rows[index]));
}

function toClaimRow({ attemptId, owner, leaseMs, timeoutMs, now }: ClaimInput, index: number) {
  return {
    n: index,
    ...toPlace(attemptId),
    owner: toKeyText(owner),
    lease: leaseMs,
    timeout: timeoutMs ?? null,
    now,
  };
}

interface KeyedRow extends ClaimRow {
  readonly waits_for: string | null;
  readonly holder: string | null;
  readonly holder_sent: string | null;
  readonly place: number | null;
}

const CLAIM_KEYED = {
  name: "claim_keyed",
  isLong: true as const,
  text: `select kind, token, again, deadline_at, progress, cancelling, held_by, sent, data, waits_for, holder, holder_sent, place
  from stackyard.claim_keyed($1, $2, $3)`,
};

/** Claims an attempt with exclusive keys, in sorted order. */
async function claimKeyed(database: Database, input: ClaimInput): Promise<ClaimResult> {
  const keys = [...new Set(input.exclusiveKeys)].sort();
  const row = await database.row<KeyedRow>(
    CLAIM_KEYED,
    JSON.stringify(toClaimRow(input, 0)),
    keys.map(toComparedText),
    keys.map(toLongText),
  );
  if (row?.kind !== "queued") return toClaimResult(input, row);
  const { waits_for, holder, holder_sent: sent, place } = row;
  const key = keys.find((own) => toComparedText(own) === waits_for) ?? "";
  const name = sent === null ? fromKeyText(holder ?? "") : toAttemptId(holder ?? "", parseSent(sent));
  return { kind: "queued", key, holder: name, place: place ?? 1 };
}

function toClaimResult({ attemptId, owner }: ClaimInput, row: ClaimRow | undefined): ClaimResult {
  if (row?.kind === "held") return { kind: "held", by: fromKeyText(row.held_by) };
  if (row?.kind !== "granted") return { kind: "gone" };
  return {
    kind: "granted",
    grant: { attemptId, owner, token: row.token },
    deadlineAt: row.deadline_at,
    again: row.again,
    ...(row.progress === null ? {} : { progress: JSON.parse(row.progress) as unknown }),
    ...(row.cancelling === null ? {} : { cancelling: row.cancelling }),
    ...(row.sent === null ? {} : { secrets: readSecrets(attemptId, row.sent, row.data) }),
  };
}

/** Reads the values of an attempt's secrets; none from a removed stack. */
function readSecrets(attemptId: string, sent: string, data: string | null): Stack["metadata"] {
  const stack = data === null ? undefined : (JSON.parse(data) as Stack);
  return readAttemptSecrets(stack, attemptId, parseSent(sent).secrets ?? []);
}

/** One call of `renew`. */
export interface RenewCall {
  readonly grant: Grant;
  readonly input: { readonly leaseMs: number; readonly now: number; readonly message?: string };
}

// A renewal that is lost in a power failure makes its lease expire early, and the token then rejects writes of its
// owner. So the renewal does not wait for the disk.
const RENEW = {
  name: "renew_attempts",
  isLong: true as const,
  text: `
with quick as materialized (select set_config('synchronous_commit', 'off', true))
update stackyard.open_attempt o
   set lease_until = g.now + g.lease, progress_message = coalesce(g.message, o.progress_message),
       due_at = least(o.due_at, g.now + g.lease)
  from json_to_recordset($1) as g(n int, home text, id text, token bigint, lease bigint, message text, now bigint), quick
 where o.home = any($2) and o.home = g.home and o.attempt_id = g.id and o.token = g.token and o.status = 'running'
returning g.n, o.cancelling`,
};

interface RenewRow {
  readonly n: number;
  readonly cancelling: "requested" | "timed-out" | null;
}

/** Renews the leases of different attempts. */
export async function renewAll(database: Database, calls: readonly RenewCall[]): Promise<readonly RenewResult[]> {
  const renewals = calls.map(({ grant, input: { leaseMs, message, now } }, index) => ({
    n: index,
    ...toPlace(grant.attemptId),
    token: grant.token,
    lease: leaseMs,
    message: message === undefined ? null : JSON.stringify(message),
    now,
  }));
  const homes = renewals.map(({ home }) => home);
  const rows = await database.rows<RenewRow>(RENEW, JSON.stringify(renewals), homes);
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
update stackyard.open_attempt o
   set status = 'suspended', lease_until = null, progress = $5,
       progress_message = coalesce($6, o.progress_message),
       poll_due_at = case when o.cancelling is not null and not o.cancel_told then $7::bigint else $4::bigint end,
       due_at = least(o.due_at,
                      case when o.cancelling is not null and not o.cancel_told then $7::bigint else $4::bigint end)
 where o.home = $1 and o.attempt_id = $2 and o.token = $3 and o.status = 'running'
returning o.place`,
};

/** Releases the lease until the poll is due, or until now if a cancel was requested after the owner's grant. */
async function suspend(
  database: Database,
  { attemptId, token }: Grant,
  { progress, dueAt, message, now }: SuspendInput,
): Promise<"suspended" | "lost"> {
  const row = await database.row(
    SUSPEND,
    toHome(attemptId),
    toComparedText(attemptId),
    token,
    dueAt,
    progress === undefined ? null : JSON.stringify(progress),
    message === undefined ? null : JSON.stringify(message),
    now,
  );
  return row === undefined ? "lost" : "suspended";
}

/** One call of `settle`. */
export interface SettleCall {
  readonly grant: Grant;
  readonly input: SettleInput;
}

const SETTLE = {
  name: "settle_attempts",
  isLong: true as const,
  text: "select settled, passed from stackyard.settle_attempts($1, $2, $3)",
};

/**
 * Settles different attempts, each with its events. `passedKeys`: the message of one that waited for a key may be
 * there.
 */
export async function settleAll(
  database: Database,
  calls: readonly SettleCall[],
): Promise<{ readonly results: readonly ("settled" | "lost")[]; readonly passedKeys: boolean }> {
  const settles = calls.map(({ grant, input: { outcome, log, now } }, index) => ({
    n: index,
    ...toPlace(grant.attemptId),
    token: grant.token,
    outcome,
    // The output of a task may contain anything, U+0000 included: JSON text can carry that.
    log: log === undefined ? null : JSON.stringify(log),
    now,
  }));
  const homes = settles.map(({ home }) => home);
  const events = calls.flatMap(({ input }, index) => toEvents(input).map((event) => ({ n: index, ...event })));
  const row = await database.row<{ settled: readonly number[]; passed: boolean }>(
    SETTLE,
    JSON.stringify(settles),
    homes,
    JSON.stringify(events),
  );
  const settled = new Set(row?.settled);
  const results = calls.map((_, index) => (settled.has(index) ? ("settled" as const) : ("lost" as const)));
  return { results, passedKeys: row?.passed === true };
}

function toEvents({ event, followUps = [] }: SettleInput): readonly object[] {
  const later = followUps.map((followUp): [QueuedEvent, number] => [followUp.event, followUp.notBefore]);
  return [toEventRow(event), ...later.map(([followUp, notBefore]) => toEventRow(followUp, notBefore))];
}
