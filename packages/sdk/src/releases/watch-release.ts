import { StackyardError } from "@stackyard/core";
import { sleep } from "../backoff.ts";
import type { CallOptions } from "../http-client.ts";
import type { Release } from "./release.ts";

/** How to watch a release. */
export interface WatchReleaseOptions extends CallOptions {
  /** Between two looks. Default: 2 s. */
  readonly pollMs?: number;
}

const POLL_MS = 2_000;

/** The release each time that it is another one than at the look before, the last time with its end. Throws `INTERRUPTED`. */
export async function* watchRelease(
  look: (call: CallOptions) => Promise<Release>,
  { pollMs = POLL_MS, signal }: WatchReleaseOptions = {},
): AsyncGenerator<Release, void> {
  const end = signal ?? new AbortController().signal;
  let last = "";
  while (!end.aborted) {
    const release = await lookUnless(end, look);
    if (release === undefined) break;
    const seen = JSON.stringify(release);
    if (seen !== last) yield release;
    if (release.endedAt !== undefined) return;
    last = seen;
    await sleep(pollMs, end);
  }
  throw new StackyardError("INTERRUPTED", "The release is watched no more; it goes on.");
}

async function lookUnless(
  end: AbortSignal,
  look: (call: CallOptions) => Promise<Release>,
): Promise<Release | undefined> {
  try {
    return await look({ signal: end });
  } catch (error) {
    if (end.aborted) return undefined;
    throw error;
  }
}
