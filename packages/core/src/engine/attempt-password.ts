import { createHmac, randomBytes } from "node:crypto";
import { StackyardError } from "../errors/stackyard-error.ts";
import type { Records } from "../ports/records.ts";

/** An attempt as one runner holds it. */
export interface AttemptHolder {
  readonly attemptId: string;
  /** The fencing token of its grant. */
  readonly token: number;
}

const KEY = "attempt-passwords/key";

/**
 * What an attempt shows to the yard's servers beside its id. Ids and tokens can be guessed and stand in logs, so the
 * token comes with a proof that only who has the store can make. Every runner and server of a yard gets the same.
 */
export async function toAttemptPassword(
  records: Pick<Records, "get" | "put">,
  { attemptId, token }: AttemptHolder,
  now: number,
): Promise<string> {
  const key = await ensureKey(records, now);
  const proof = createHmac("sha256", key).update(`${attemptId}\0${token}`).digest("base64url");
  return `${token}.${proof}`;
}

async function ensureKey(records: Pick<Records, "get" | "put">, now: number): Promise<string> {
  const found = await records.get(KEY, now);
  if (found !== undefined) return toKey(found.value);
  const value = { key: randomBytes(32).toString("base64url") };
  const put = await records.put({ key: KEY, value, expected: "absent", now });
  // Of two that make one at the same time the first counts.
  return toKey((put.kind === "written" ? put.record : put.current)?.value);
}

function toKey(value: unknown): string {
  const key = typeof value === "object" && value !== null && "key" in value ? value.key : undefined;
  if (typeof key === "string" && key.length >= 43) return key;
  throw new StackyardError("STORE_CORRUPT", `The record "${KEY}" holds no key. Remove it; a new one is made.`);
}
