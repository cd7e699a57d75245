import { compileWhenUsed } from "../machine/compile-when-used.ts";
import { isMap } from "../machine/json.ts";
import type { Records } from "../ports/records.ts";
import { ApiTokenRecord, statusOfToken } from "./api-token.ts";

/**
 * The credentials from which others are derived: tokens, logins, waiting events and bulk operations keep the credential
 * that made them, and end with it. Its form is `token/<id>` or `session/<id>`.
 */
export function toCredential(kind: "token" | "session", id: string): string {
  return `${kind}/${id}`;
}

/** The key of an API token's record. */
export function toTokenKey(id: string): string {
  return `${TOKENS}${id}`;
}

/** Where the records of API tokens are. */
export const TOKENS = "access/tokens/";
const ENDED = "access/ended/";
/** Longer than what is derived from a login may wait: a parked event, a bulk operation, another login. */
const ENDED_MS = 31 * 86_400_000;
/** A chain of tokens that made each other is cut here, and counts as ended. */
const MOST_PARENTS = 100;

const checkToken = compileWhenUsed(ApiTokenRecord);

type Reader = Pick<Records, "get">;

/** Notes that a session was ended before its time. A session whose time is over has no note: nothing was taken back. */
export async function noteEndedSession(records: Pick<Records, "put">, id: string, now: number): Promise<void> {
  const key = `${ENDED}${toCredential("session", id)}`;
  await records.put({ key, value: { endedAt: now }, expected: "absent", expiresAt: now + ENDED_MS, now });
}

/**
 * Returns whether a credential has ended: a session that was ended before its time, and a token that was revoked, has
 * expired, or whose own creator has ended.
 */
export async function hasEnded(records: Reader, credential: string, now: number): Promise<boolean> {
  return (await findCredentialEnd(records, credential, now)) !== undefined;
}

/** Returns since when a credential has ended, as `hasEnded` decides; undefined while it lives. At the latest `now`. */
export async function findCredentialEnd(records: Reader, credential: string, now: number): Promise<number | undefined> {
  let next: string | undefined = credential;
  for (let steps = 0; next !== undefined && steps < MOST_PARENTS; steps += 1) {
    const [kind, id = ""]: readonly string[] = next.split("/", 2);
    if (kind !== "token") return toEnd((await records.get(`${ENDED}${next}`, now))?.value, now);
    const value: unknown = (await records.get(toTokenKey(id), now))?.value;
    if (!checkToken.Check(value)) return now;
    if (statusOfToken(value, now) !== "active") return value.revokedAt ?? value.expiresAt;
    next = value.createdWith;
  }
  return next === undefined ? undefined : now;
}

function toEnd(note: unknown, now: number): number | undefined {
  if (note === undefined) return undefined;
  return isMap(note) && typeof note["endedAt"] === "number" ? note["endedAt"] : now;
}

/** Returns those credentials that have ended. */
export async function findEnded(
  records: Reader,
  credentials: Iterable<string>,
  now: number,
): Promise<ReadonlySet<string>> {
  const ended = new Set<string>();
  for (const credential of new Set(credentials)) if (await hasEnded(records, credential, now)) ended.add(credential);
  return ended;
}
