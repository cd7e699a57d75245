import type { ClaimInput, Grant } from "../ports/attempt-store.ts";

/** At most one live lease on an attempt and one owner of a key, and nothing done with an older token than the newest. */
export interface LeaseInvariants {
  noteGrant(input: ClaimInput, token: number): void;
  noteRenewal(grant: Grant, until: number): void;
  noteSuspension(grant: Grant): void;
  noteSettlement(grant: Grant): void;
  /** The attempt has ended without its worker. */
  noteEnd(attemptId: string): void;
}

/** Tells each breach in a sentence. */
export function createLeaseInvariants(tell: (sentence: string) => void): LeaseInvariants {
  const tokens = new Map<string, number>();
  const leases = new Map<string, number>();
  const keys = new Map<string, string>();

  function end(attemptId: string): void {
    leases.delete(attemptId);
    for (const [key, holder] of keys) if (holder === attemptId) keys.delete(key);
  }

  function expectNewest({ attemptId, token }: Grant, what: string): void {
    const newest = tokens.get(attemptId);
    if (token !== newest) tell(`${attemptId} was ${what} with token ${token}; the newest is ${newest}.`);
  }

  return {
    noteGrant({ attemptId, exclusiveKeys, now, leaseMs }, token) {
      if ((leases.get(attemptId) ?? 0) > now) tell(`${attemptId} was granted while a lease on it was live.`);
      if (token <= (tokens.get(attemptId) ?? 0)) tell(`${attemptId} was granted with token ${token} again.`);
      tokens.set(attemptId, token);
      leases.set(attemptId, now + leaseMs);
      for (const key of exclusiveKeys) {
        const holder = keys.get(key) ?? attemptId;
        if (holder !== attemptId) tell(`${attemptId} was granted the key "${key}" that ${holder} holds.`);
        keys.set(key, attemptId);
      }
    },
    noteRenewal(grant, until) {
      expectNewest(grant, "renewed");
      leases.set(grant.attemptId, until);
    },
    noteSuspension(grant) {
      expectNewest(grant, "suspended");
      leases.delete(grant.attemptId);
    },
    noteSettlement(grant) {
      expectNewest(grant, "settled");
      end(grant.attemptId);
    },
    noteEnd: end,
  };
}
