import type { Store } from "@stackyard/core";
import { acknowledge, commitChange } from "./commit-change.ts";
import { nextDueAt, takeDue } from "./due-work.ts";
import type { GroupCommit } from "./group-commit.ts";
import { findEnded, listEnded, listHistory } from "./history.ts";
import { listParkedStackIds, listSetAside, loadParked, takeSetAside } from "./kept-events.ts";
import { beginPruning, prune } from "./prune.ts";
import { findStack, listStacks } from "./stacks.ts";

// The calls of the port: each is one read, or one write that the group of its turn commits.

/** What the engine decides on. */
export function createStackCalls(commits: GroupCommit): Pick<Store, "load" | "commit"> {
  return {
    load: (ids) =>
      commits.read((state) =>
        ids.map((stackId) => {
          const parked = loadParked(state, stackId);
          return { stackId, version: 0, ...findStack(state.database, stackId), parked };
        }),
      ),
    commit: (changes) =>
      commits.write((transaction) => changes.map((change) => commitChange(transaction, change)), changes.length),
  };
}

type AttemptCalls = Pick<Store, "claim" | "renew" | "suspend" | "settle" | "findAttempt" | "findTaskMessage">;

/** What workers use. */
export function createAttemptCalls(commits: GroupCommit): AttemptCalls {
  return {
    claim: (input) => commits.write((transaction) => transaction.state.attempts.claim(transaction, input)),
    // Needs no wait for the disk: see `writeOpenAttempts`.
    renew: (grant, input) =>
      commits.read(({ attempts, renewed }) => {
        const answer = attempts.renew(grant, input);
        const stackId = attempts.find(grant.attemptId)?.stackId;
        if (answer.kind === "renewed" && stackId !== undefined) renewed.add(stackId);
        return answer;
      }),
    suspend: (grant, input) =>
      commits.write((transaction) => {
        const answer = transaction.state.attempts.suspend(transaction, grant, input);
        if (answer === "suspended") transaction.signal("task");
        return answer;
      }),
    settle: (grant, input) =>
      commits.write((transaction) => transaction.state.attempts.settle(transaction, grant, input)),
    findAttempt: (id) =>
      commits.read((state) => {
        const open = state.attempts.find(id);
        return open === undefined ? findEnded(state, id) : state.attempts.view(open);
      }),
    findTaskMessage: (id) => commits.read(({ attempts }) => attempts.findMessage(id)),
  };
}

type QueueCalls = Pick<Store, "enqueue" | "takeDue" | "release" | "nextDueAt">;

/** What transports and the sweep use. */
export function createQueueCalls(commits: GroupCommit): QueueCalls {
  return {
    enqueue: (events) =>
      commits.write(
        (transaction) => events.map((event) => transaction.state.events.add(transaction, event)),
        events.length,
      ),
    takeDue: (input) => commits.read((state) => takeDue(state, input)),
    release: (receipts, visibleAt) =>
      commits.write((transaction) => {
        const { events, attempts } = transaction.state;
        for (const receipt of receipts) {
          if (visibleAt === undefined) {
            acknowledge(transaction, receipt);
          } else {
            events.giveBack(transaction, receipt, visibleAt);
            attempts.giveBack(transaction, receipt, visibleAt);
          }
        }
        if (visibleAt !== undefined) transaction.signal("task");
      }, receipts.length),
    nextDueAt: (kinds) => commits.read((state) => nextDueAt(state, kinds)),
  };
}

/** Removes what is older than it is kept. */
export function createPrune(commits: GroupCommit): Store["prune"] {
  const progress = beginPruning();
  return (retention, now) =>
    commits.write((transaction) => prune({ state: transaction.state, effects: transaction }, progress, retention, now));
}

/** Lists for people and counts. */
export function createQueries(commits: GroupCommit): Store["queries"] {
  return {
    listStacks: (filter, page) => commits.read(({ database }) => listStacks(database, filter, page)),
    listHistory: (filter, page) => commits.read((state) => listHistory(state, filter, page)),
    listAttempts: (stackId) => commits.read((state) => state.attempts.listWith(listEnded(state, stackId), stackId)),
    listParkedStackIds: (page) => commits.read(({ database }) => listParkedStackIds(database, page)),
    listSetAside: (filter, page) => commits.read(({ database }) => listSetAside(database, filter, page)),
    redrive: (ids) =>
      commits.write((transaction) => {
        const found = takeSetAside(transaction.database, ids);
        for (const { event } of found) transaction.enqueue(event);
        return found.map(({ id }) => id);
      }, ids.length),
    stats: () =>
      commits.read(({ database, counts, events, attempts }) => {
        const count = (table: "parked" | "set_aside") =>
          database.get<{ count: number }>(`select count(*) as count from ${table}`)?.count ?? 0;
        return {
          ...counts.read(),
          queuedEvents: events.countQueued(),
          queuedTasks: attempts.tasks.size,
          parkedEvents: count("parked"),
          setAsideEvents: count("set_aside"),
          openAttempts: attempts.size,
        };
      }),
  };
}
