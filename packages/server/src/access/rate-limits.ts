import { hash } from "node:crypto";
import { type Clock, StackyardError } from "@stackyard/core";
import { RateLimiterMemory } from "rate-limiter-flexible";
import type { ProblemInput } from "../http/route.ts";
import { toRateKey } from "./caller.ts";

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
  wrong: number;
  readonly endsAt: number;
  /** Digests of credentials that were right meanwhile: behind one address there may be many clients. */
  readonly right: Set<string>;
}

/** Limits guesses at credentials. */
export interface WrongCredentials {
  /** When empty, no check is needed. */
  readonly suspects: ReadonlyMap<string, unknown>;
  /** Returns the response to an unverified credential from an address that has reached the limit. */
  findRefusal(request: Request, address: string | undefined): ProblemInput | undefined;
  /** Counts a 401 to a credential. Remembers a credential that was verified, since a public path accepts any. */
  observe(request: Request, address: string | undefined, answer: ObservedAnswer): void;
}

/** What became of a request. */
interface ObservedAnswer {
  readonly status: number;
  /** True if its credential was looked up and is valid. */
  readonly accepted: boolean;
}

const WRONG_A_MINUTE = 60;
const MOST_SUSPECTS = 10_000;
const MOST_RIGHT = 1_000;

/** Creates the counts of this process. */
export function createWrongCredentials(clock: Pick<Clock, "now">): WrongCredentials {
  const suspects = new Map<string, Suspect>();
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
      if (
        digest === undefined ||
        suspect === undefined ||
        suspect.wrong < WRONG_A_MINUTE ||
        suspect.right.has(digest)
      ) {
        return undefined;
      }
      const detail = `More than ${WRONG_A_MINUTE} wrong credentials in a minute came from your address. Wait.`;
      const details = { retryAfterMs: suspect.endsAt - clock.now() };
      return { status: 429, code: "RATE_LIMITED", detail, retryable: true, details };
    },
    observe(request, address, { status, accepted }) {
      const digest = digestOf(request);
      if (digest === undefined) return;
      const key = toRateKey(address);
      if (accepted) remember(findSuspect(key), digest);
      else if (status === 401) count(key);
    },
  };

  function remember(suspect: Suspect | undefined, digest: string): void {
    if (suspect !== undefined && suspect.right.size < MOST_RIGHT) suspect.right.add(digest);
  }

  function count(key: string): void {
    const suspect = findSuspect(key);
    if (suspect !== undefined) suspect.wrong += 1;
    else addSuspect(key);
  }

  function addSuspect(key: string): void {
    const [oldest] = suspects.keys();
    if (suspects.size >= MOST_SUSPECTS && oldest !== undefined) suspects.delete(oldest);
    suspects.set(key, { wrong: 1, endsAt: clock.now() + MINUTE_S * 1_000, right: new Set() });
  }
}

/** Returns the digest of a request's credential; undefined when it has none. */
function digestOf({ headers }: Request): string | undefined {
  const given = headers.get("authorization") ?? headers.get("cookie");
  return given === null ? undefined : hash("sha256", given, "base64");
}
