import { createHmac, randomBytes } from "node:crypto";
import { StackyardError } from "../../errors/stackyard-error.ts";
import { isMap } from "../../machine/json.ts";
import type { Records } from "../../ports/records.ts";

/**
 * Loads a secret key that all processes with the yard's store share: 32 random bytes as base64url, stored in the record
 * of that name and created by the first caller. Throws `STORE_CORRUPT` when the record contains something else.
 */
export async function loadSharedKey(records: Pick<Records, "get" | "put">, name: string, now: number): Promise<string> {
  const found = await records.get(name, now);
  if (found !== undefined) return toKey(name, found.value);
  const value = { key: randomBytes(32).toString("base64url") };
  const put = await records.put({ key: name, value, expected: "absent", now });
  // If two processes create one at the same time, the first counts.
  return toKey(name, (put.kind === "written" ? put.record : put.current)?.value);
}

function toKey(name: string, value: unknown): string {
  const key = isMap(value) ? value["key"] : undefined;
  if (typeof key === "string" && key.length >= 43) return key;
  throw new StackyardError("STORE_CORRUPT", `The record "${name}" contains no key. Remove it to create a new one.`);
}

/** An attempt of one runner. */
interface AttemptHolder {
  readonly attemptId: string;
  /** The fencing token of its grant. */
  readonly token: number;
}

const KEY = "attempt-passwords/key";

/**
 * Returns the password with which an attempt authenticates to the yard's servers. Ids and tokens can be guessed and
 * appear in logs, so the token comes with a proof that requires access to the store. It is the same in every runner and
 * server.
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
