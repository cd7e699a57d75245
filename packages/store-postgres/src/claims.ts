import { type ClaimInput, type ClaimResult, readAttemptSecrets } from "@stackyard/core/engine";
import type { Database } from "./database.ts";
import { fromKeyText, toComparedText, toKeyText, toLongText } from "./key-text.ts";
import type { Stack } from "./port-types.ts";

interface ClaimRow {
  readonly kind: ClaimResult["kind"];
  readonly token: number;
  readonly deadline_at: number;
  readonly progress: string | null;
  readonly cancelling: "requested" | "timed-out" | null;
  readonly held_by: string;
  readonly secrets: string | null;
  readonly data: string | null;
}

const CLAIM = {
  name: "claim_attempts",
  isLong: true as const,
  text: `select kind, token, deadline_at, progress, cancelling, held_by, secrets, data
  from stackyard.claim_attempts($1, $2) order by n`,
};

/** Claims of different attempts that need no key. */
export async function claimAll(database: Database, inputs: readonly ClaimInput[]): Promise<readonly ClaimResult[]> {
  const claims = inputs.map(({ attemptId, owner, leaseMs, timeoutMs, now }, index) => ({
    n: index,
    id: toComparedText(attemptId),
    owner: toKeyText(owner),
    lease: leaseMs,
    timeout: timeoutMs ?? null,
    now,
  }));
  const ids = claims.map(({ id }) => id);
  const rows = await database.rows<ClaimRow>(CLAIM, JSON.stringify(claims), ids);
  return inputs.map((input, index) => toResult(input, rows[index]));
}

interface KeyedRow extends ClaimRow {
  readonly waits_for: string | null;
  readonly holder: string | null;
  readonly place: number | null;
}

const CLAIM_KEYED = {
  name: "claim_keyed",
  isLong: true as const,
  text: `select kind, token, deadline_at, progress, cancelling, held_by, waits_for, holder, place, secrets, data
  from stackyard.claim_keyed($1, $2, $3, $4, $5, $6, $7)`,
};

/** A claim that takes exclusive keys, in sorted order. */
export async function claimKeyed(database: Database, input: ClaimInput): Promise<ClaimResult> {
  const { attemptId, owner, leaseMs, timeoutMs, exclusiveKeys, now } = input;
  const keys = [...new Set(exclusiveKeys)].sort();
  const row = await database.row<KeyedRow>(
    CLAIM_KEYED,
    toComparedText(attemptId),
    toKeyText(owner),
    leaseMs,
    timeoutMs ?? null,
    keys.map(toComparedText),
    keys.map(toLongText),
    now,
  );
  if (row?.kind !== "queued") return toResult(input, row);
  const { waits_for, holder, place } = row;
  const key = keys.find((own) => toComparedText(own) === waits_for) ?? "";
  return { kind: "queued", key, holder: fromKeyText(holder ?? ""), place: place ?? 1 };
}

function toResult({ attemptId, owner }: ClaimInput, row: ClaimRow | undefined): ClaimResult {
  if (row?.kind === "held") return { kind: "held", by: fromKeyText(row.held_by) };
  if (row?.kind !== "granted") return { kind: "gone" };
  return {
    kind: "granted",
    grant: { attemptId, owner, token: row.token },
    deadlineAt: row.deadline_at,
    again: row.token > 1,
    ...(row.progress === null ? {} : { progress: JSON.parse(row.progress) as unknown }),
    ...(row.cancelling === null ? {} : { cancelling: row.cancelling }),
    ...(row.secrets === null ? {} : { secrets: readValues(attemptId, row.secrets, row.data) }),
  };
}

/** None of a stack that was removed. */
function readValues(attemptId: string, refs: string, data: string | null): ReturnType<typeof readAttemptSecrets> {
  const stack = data === null ? undefined : (JSON.parse(data) as Stack);
  return readAttemptSecrets(stack, attemptId, JSON.parse(refs) as string[]);
}
