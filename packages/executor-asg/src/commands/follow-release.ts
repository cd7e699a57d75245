import { isStackyardError, StackyardError } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import type { Release } from "@stackyard/sdk/releases";
import type { ReleasePlace } from "../place/release-place.ts";
import { tellProgress } from "../report/tell-release.ts";
import { toReleasePicture } from "../report/to-release-picture.ts";
import type { ReleaseContext } from "./release-command.ts";

/** How a release is followed. */
export interface FollowOptions {
  /** A duration. Default: until it has ended. */
  readonly giveUpAfter?: string;
}

const POLL_MS = 2_000;
/** Looks in a row that may fail with what passes. */
const MAX_FAULTS = 30;

/**
 * Looks at a release until it has ended, and shows each change: in a terminal as a picture that is drawn anew, in a pipe as lines.
 * Throws `TIMED_OUT` and `INTERRUPTED`: the release goes on then, and people are told how to get back to it.
 */
export async function followRelease(
  context: ReleaseContext,
  place: ReleasePlace,
  id: string,
  { giveUpAfter }: FollowOptions = {},
): Promise<Release> {
  const { clock, signal, pollMs = POLL_MS } = context;
  const waitMs = (giveUpAfter === undefined ? undefined : parseDuration(giveUpAfter)) ?? Number.POSITIVE_INFINITY;
  const until = clock.now() + waitMs;
  const look = createLook(context, place, id);
  for (;;) {
    const release = await look();
    if (release?.endedAt !== undefined) return release;
    if (clock.now() >= until) throw tellGoesOn(context, id, "TIMED_OUT", `${giveUpAfter} are over; it goes on.`);
    await clock.sleep(Math.min(pollMs, until - clock.now()), signal);
    if (signal.aborted) throw tellGoesOn(context, id, "INTERRUPTED", "The release is followed no more; it goes on.");
  }
}

/** One look. What passes, such as a throttled call, is passed over: the release does not end by it. */
function createLook(context: ReleaseContext, place: ReleasePlace, id: string): () => Promise<Release | undefined> {
  let faults = 0;
  let last = "";
  return async () => {
    try {
      const release = await place.get(id);
      faults = 0;
      const value = toProgress(release);
      const seen = JSON.stringify(value);
      if (seen !== last) showProgress(context, release, value);
      last = seen;
      return release;
    } catch (error) {
      faults += 1;
      if (context.signal.aborted) return undefined;
      if (!isStackyardError(error) || !error.retryable || faults > MAX_FAULTS) throw error;
      return undefined;
    }
  };
}

function toProgress({ runId, releaseId, standing, isHalting, report, message }: Release) {
  const { state, since, services, error, end } = report ?? {};
  return {
    kind: "progress",
    runId,
    releaseId,
    standing,
    halting: isHalting,
    state: state ?? null,
    since: since ?? null,
    services: services ?? {},
    error: error ?? null,
    end: end ?? null,
    message: message ?? null,
  };
}

function showProgress({ out, clock }: ReleaseContext, release: Release, value: ReturnType<typeof toProgress>): void {
  const { report } = release;
  const toBlock =
    report && ((columns: number) => toReleasePicture(report, { columns, colour: true, now: clock.now() }));
  out.progress(value, () => tellProgress(release), toBlock);
}

function tellGoesOn(
  { out }: ReleaseContext,
  id: string,
  code: "TIMED_OUT" | "INTERRUPTED",
  reason: string,
): StackyardError {
  out.note(`Look again: stackyard release watch ${id}. Stop it: stackyard release halt ${id}`);
  return new StackyardError(code, reason);
}
