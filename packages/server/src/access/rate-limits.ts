import { hash } from "node:crypto";
import { type Clock, RecentMap, StackyardError } from "@stackyard/core";
import { RateLimiterMemory } from "rate-limiter-flexible";
import type { ProblemInput } from "../http/problem.ts";
import { toRateKey } from "./client-address.ts";

/** Counts calls by address. */
export interface RateLimit {
  /** Counts one. Throws `RATE_LIMITED` above the limit. */
  count(address: string | undefined): Promise<void>;
  /** Throws `RATE_LIMITED` when the limit was reached. Does not count. */
  check(address: string | undefined): Promise<void>;
}

const MINUTE_S = 60;

/** Creates a limit of `pointsAMinute` calls per minute and address, counted by this process. */
export function createRateLimit(what: string, pointsAMinute: number): RateLimit {
  const limiter = new RateLimiterMemory({ points: pointsAMinute, duration: MINUTE_S });
  const toError = (waitMs: number) =>
    new StackyardError("RATE_LIMITED", `More than ${pointsAMinute} ${what} in a minute from your address. Wait.`, {
      details: { retryAfterMs: waitMs },
    });
  return {
    async count(address) {
      const key = toRateKey(address);
      const { consumedPoints, msBeforeNext } = await limiter.penalty(key, 1);
      if (consumedPoints > pointsAMinute) throw toError(msBeforeNext);
    },
    async check(address) {
      const counted = await limiter.get(toRateKey(address));
      if (counted !== null && counted.consumedPoints >= pointsAMinute) throw toError(counted.msBeforeNext);
    },
  };
}

/** An address that has sent wrong credentials within a minute. */
interface Suspect {
  readonly endsAt: number;
  /** The number of times that each wrong credential came, by its digest. */
  readonly wrong: Map<string, number>;
}

/** Limits guesses at credentials. A program that repeats one old credential makes one guess. */
export interface WrongCredentials {
  /** When empty, no check is needed. */
  readonly suspects: ReadonlyMap<string, unknown>;
  /**
   * Returns the response to a credential that came too often itself, or to an unverified one from an address that has
   * sent too many others. A credential that was right within the last hour is not refused.
   */
  findRefusal(request: Request, address: string | undefined): ProblemInput | undefined;
  /** Counts a 401 to a credential. Remembers a credential that was verified, since a public path accepts any. */
  observe(request: Request, address: string | undefined, answer: ObservedAnswer): void;
}

/** The answer to a request, as the limits observe it. */
interface ObservedAnswer {
  readonly status: number;
  /** Returns true if its credential was looked up and is valid. */
  readonly isAccepted: () => boolean;
}

const WRONG_A_MINUTE = 60;
const MOST_SUSPECTS = 10_000;
const MOST_RIGHT = 10_000;
const RIGHT_MS = 3_600_000;

/** Creates the counts of this process. */
export function createWrongCredentials(clock: Pick<Clock, "now">): WrongCredentials {
  const suspects = new RecentMap<string, Suspect>(MOST_SUSPECTS);
  /** When credentials are forgotten that were right, by their digest: behind one address there may be many clients. */
  const right = new RecentMap<string, number>(MOST_RIGHT);
  const findSuspect = (key: string): Suspect | undefined => {
    const found = suspects.get(key);
    if (found === undefined || found.endsAt > clock.now()) return found;
    suspects.delete(key);
    return undefined;
  };
  return {
    suspects,
    findRefusal(request, address) {
      const digest = digestOf(request);
      const suspect = digest === undefined ? undefined : findSuspect(toRateKey(address));
      if (digest === undefined || suspect === undefined) return undefined;
      const isRight = (right.get(digest) ?? 0) > clock.now();
      const detail = findExcess(suspect, digest, isRight);
      if (detail === undefined) return undefined;
      const details = { retryAfterMs: suspect.endsAt - clock.now() };
      return { status: 429, code: "RATE_LIMITED", detail, retryable: true, details };
    },
    observe(request, address, { status, isAccepted }) {
      const digest = digestOf(request);
      if (digest === undefined) return;
      if (isAccepted()) remember(digest);
      else if (status === 401) count(toRateKey(address), digest);
    },
  };

  function remember(digest: string): void {
    // The last one again is the newest.
    right.set(digest, clock.now() + RIGHT_MS);
  }

  function count(key: string, digest: string): void {
    right.delete(digest);
    const suspect = findSuspect(key) ?? addSuspect(key);
    suspect.wrong.set(digest, (suspect.wrong.get(digest) ?? 0) + 1);
  }

  function addSuspect(key: string): Suspect {
    const suspect = { endsAt: clock.now() + MINUTE_S * 1_000, wrong: new Map<string, number>() };
    suspects.set(key, suspect);
    return suspect;
  }
}

/** Returns what came too often, as a sentence. */
function findExcess({ wrong }: Suspect, digest: string, isRight: boolean): string | undefined {
  if ((wrong.get(digest) ?? 0) >= WRONG_A_MINUTE) {
    return `This wrong credential came more than ${WRONG_A_MINUTE} times in a minute. Correct it, and wait.`;
  }
  if (wrong.size < WRONG_A_MINUTE || isRight) return undefined;
  return `More than ${WRONG_A_MINUTE} wrong credentials in a minute came from your address. Wait.`;
}

/** Returns the digest of a request's credential; undefined when it has none. */
function digestOf({ headers }: Request): string | undefined {
  const given = headers.get("authorization") ?? headers.get("cookie");
  return given === null ? undefined : hash("sha256", given, "base64");
}
