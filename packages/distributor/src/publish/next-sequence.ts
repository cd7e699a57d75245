import { type Clock, type Records, StackyardError } from "@stackyard/core";

const KEY = "sequence";
const MAX_TRIES = 50;

/** The next number of the yard: each is given once. Throws `RECORD_CONFLICT` where too many ask at a time. */
export async function nextSequence(records: Records, clock: Clock): Promise<number> {
  let found = await records.get(KEY, clock.now());
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const last: unknown = Object(found?.value).last ?? 0;
    if (typeof last !== "number" || !Number.isSafeInteger(last)) {
      throw new StackyardError("STORE_CORRUPT", `The record ${KEY} holds no number.`);
    }
    const value = { last: last + 1 };
    const put = await records.put({ key: KEY, value, expected: found?.version ?? "absent", now: clock.now() });
    if (put.kind === "written") return last + 1;
    found = put.current;
  }
  throw new StackyardError("RECORD_CONFLICT", "Too many versions are published at a time. Try again.");
}
