import type { Grant } from "../../../ports/attempt-store.ts";
import type { Invariant } from "./invariant.ts";

/** One live lease, by the clock of whoever asks for the next one. */
export const oneLease: Invariant = {
  name: "one-lease",
  promise: "At most one live lease stands on an attempt.",
  create(tell) {
    const leases = new Map<string, number>();
    return {
      onClaimed({ attemptId, now, leaseMs }, result) {
        if (result.kind !== "granted") return;
        if ((leases.get(attemptId) ?? 0) > now) tell(`${attemptId} was granted while a lease on it was live.`);
        leases.set(attemptId, now + leaseMs);
      },
      onRenewed: ({ attemptId }, until) => void leases.set(attemptId, until),
      onSuspended: ({ attemptId }) => void leases.delete(attemptId),
      onSettled: ({ attemptId }) => void leases.delete(attemptId),
    };
  },
};

/** Tokens grow, and only the newest one counts. */
export const fencing: Invariant = {
  name: "fencing",
  promise: "Who held an attempt before its present owner can do nothing to it any more.",
  create(tell) {
    const tokens = new Map<string, number>();
    const ended = new Set<string>();
    function expectNewest({ attemptId, token }: Grant, what: string): void {
      const newest = tokens.get(attemptId);
      if (token !== newest) tell(`${attemptId} was ${what} with token ${token}; the newest is ${newest}.`);
      if (ended.has(attemptId)) tell(`${attemptId} was ${what} after its end.`);
    }
    return {
      onClaimed({ attemptId }, result) {
        if (result.kind !== "granted") return;
        const { token } = result.grant;
        if (token <= (tokens.get(attemptId) ?? 0)) tell(`${attemptId} was granted with token ${token} again.`);
        if (ended.has(attemptId)) tell(`${attemptId} was granted after its end.`);
        tokens.set(attemptId, token);
      },
      onRenewed: (grant) => expectNewest(grant, "renewed"),
      onSuspended: (grant) => expectNewest(grant, "suspended"),
      onSettled(grant) {
        expectNewest(grant, "settled");
        ended.add(grant.attemptId);
      },
      onCommitted({ change }) {
        for (const attemptId of change.closes) ended.add(attemptId);
      },
    };
  },
};

/** A key has one attempt, from its claim to its end. */
export const exclusiveKeys: Invariant = {
  name: "exclusive-keys",
  promise: "At most one attempt holds an exclusive key, from its grant to its end.",
  create(tell) {
    const holders = new Map<string, string>();
    function end(attemptId: string): void {
      for (const [key, holder] of holders) if (holder === attemptId) holders.delete(key);
    }
    return {
      onClaimed({ attemptId, exclusiveKeys: keys }, result) {
        if (result.kind !== "granted") return;
        for (const key of keys) {
          const holder = holders.get(key) ?? attemptId;
          if (holder !== attemptId) tell(`${attemptId} was granted the key "${key}" that ${holder} holds.`);
          holders.set(key, attemptId);
        }
      },
      onSettled: ({ attemptId }) => end(attemptId),
      onCommitted({ change }) {
        for (const attemptId of change.closes) end(attemptId);
      },
    };
  },
};
