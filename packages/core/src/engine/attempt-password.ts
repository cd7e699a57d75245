import { createHmac } from "node:crypto";
import type { Records } from "../ports/records.ts";
import { loadSharedKey } from "./shared-key.ts";

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
  const key = await loadSharedKey(records, KEY, now);
  const proof = createHmac("sha256", key).update(`${attemptId}\0${token}`).digest("base64url");
  return `${token}.${proof}`;
}
