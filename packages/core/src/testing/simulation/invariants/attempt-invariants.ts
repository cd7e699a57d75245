import { type AttemptParts, parseAttemptId } from "../../../machine/attempt-id.ts";
import { hasFailed } from "../../../machine/decide/task-states.ts";
import type { Stack } from "../../../machine/stack.ts";
import type { Grant, HistoryEntry } from "../../../ports/stack-store.ts";
import type { Store } from "../../../ports/store.ts";
import type { DueItem, DueKind, TakeDueInput } from "../../../ports/work-queue.ts";
import { type Invariant, type InvariantContext, keyIn, type StartedCall } from "./invariant.ts";

/** One live lease, by the clock of the next claimer. */
export const oneLease: Invariant = {
  name: "one-lease",
  promise: "An attempt has at most one live lease.",
  create(report) {
    const leases = new Map<string, number>();
    return {
      onClaimed({ attemptId, now, leaseMs }, result) {
        if (result.kind !== "granted") return;
        if ((leases.get(attemptId) ?? 0) > now) report(`${attemptId} was granted while a lease on it was live.`);
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
  create(report) {
    const tokens = new Map<string, number>();
    const ended = new Set<string>();
    function expectNewest({ attemptId, token }: Grant, what: string): void {
      const newest = tokens.get(attemptId);
      if (token !== newest) report(`${attemptId} was ${what} with token ${token}; the newest is ${newest}.`);
      if (ended.has(attemptId)) report(`${attemptId} was ${what} after its end.`);
    }
    return {
      onClaimed({ attemptId }, result) {
        if (result.kind !== "granted") return;
        const { token } = result.grant;
        if (token <= (tokens.get(attemptId) ?? 0)) report(`${attemptId} was granted with token ${token} again.`);
        if (ended.has(attemptId)) report(`${attemptId} was granted after its end.`);
        tokens.set(attemptId, token);
      },
      onRenewed: (grant) => expectNewest(grant, "renewed"),
      onSuspended: (grant) => expectNewest(grant, "suspended"),
      onSettled(grant) {
        expectNewest(grant, "settled");
        ended.add(grant.attemptId);
      },
      onCommitted({ change }) {
        for (const attemptId of change.endedAttempts) ended.add(attemptId);
      },
    };
  },
};

/** A key has one attempt, from its claim to its end. */
export const exclusiveKeys: Invariant = {
  name: "exclusive-keys",
  promise: "At most one attempt holds an exclusive key, from its grant to its end.",
  create(report) {
    const holders = new Map<string, string>();
    function end(attemptId: string): void {
      for (const [key, holder] of holders) if (holder === attemptId) holders.delete(key);
    }
    return {
      onClaimed({ attemptId, exclusiveKeys: keys }, result) {
        if (result.kind !== "granted") return;
        for (const key of keys) {
          const holder = holders.get(key) ?? attemptId;
          if (holder !== attemptId) report(`${attemptId} was granted the key "${key}" that ${holder} holds.`);
          holders.set(key, attemptId);
        }
      },
      onSettled: ({ attemptId }) => end(attemptId),
      onCommitted({ change }) {
        for (const attemptId of change.endedAttempts) end(attemptId);
      },
    };
  },
};

/** The visible effect of leases and keys: their executor at work. */
export const startsHeld: Invariant = {
  name: "starts-held",
  promise: "An executor is called once a grant, with the keys of its task held and one idempotency key an attempt.",
  create(report) {
    // The keys that came with each grant of which nothing was called yet.
    const grants = new Map<string, ReadonlySet<string>>();
    // An attempt keeps its keys: a process with a later version of the executor may not be able to name them again.
    const kept = new Map<string, readonly string[]>();
    const taskKeys = new Map<string, string>();
    const begun = new Set<string>();
    const idempotency = createIdempotency();
    /** A process that cannot name the executor's key, since the config does not fit its plugin, starts nothing. It may cancel. */
    const findOwnKey = ({ attemptId, exclusiveKey, cancelling = false }: StartedCall): string | undefined => {
      const isOfNothing = cancelling && !begun.has(attemptId);
      if (!cancelling) begun.add(attemptId);
      return isOfNothing ? undefined : exclusiveKey;
    };
    return {
      onClaimed({ attemptId, exclusiveKeys }, result) {
        if (result.kind !== "granted") return;
        const keys = [...(kept.get(attemptId) ?? []), ...exclusiveKeys];
        kept.set(attemptId, keys);
        grants.set(grantOf(attemptId, result.grant.token), new Set(keys));
      },
      onCommitted({ after }) {
        for (const { attemptId, exclusiveKey } of after?.runs ?? []) {
          if (exclusiveKey !== undefined) taskKeys.set(attemptId, `key:${exclusiveKey}`);
        }
      },
      onStarted(call) {
        const { attemptId, token } = call;
        const held = grants.get(grantOf(attemptId, token));
        grants.delete(grantOf(attemptId, token));
        if (held === undefined)
          report(`${attemptId} was begun with token ${token}, which was not granted or is spent.`);
        for (const key of [taskKeys.get(attemptId), findOwnKey(call)]) {
          if (key !== undefined && held?.has(key) === false) report(`${attemptId} was begun without the key "${key}".`);
        }
        for (const sentence of idempotency.note(call)) report(sentence);
      },
    };
  },
};

function grantOf(attemptId: string, token: number): string {
  return keyIn(attemptId, String(token));
}

/** Checks that an attempt has one idempotency key, and that no other attempt has it. */
function createIdempotency() {
  const keys = new Map<string, string>();
  const owners = new Map<string, string>();
  return {
    note({ attemptId, idempotencyKey }: StartedCall): readonly string[] {
      const known = keys.get(attemptId) ?? idempotencyKey;
      const owner = owners.get(idempotencyKey) ?? attemptId;
      keys.set(attemptId, known);
      owners.set(idempotencyKey, owner);
      return [
        ...(known === idempotencyKey ? [] : [`${attemptId} was begun again with another idempotency key.`]),
        ...(owner === attemptId ? [] : [`${attemptId} was begun with the idempotency key of ${owner}.`]),
      ];
    },
  };
}

type Kind = Extract<DueKind, "poll" | "lapsedLease">;

interface Due {
  readonly kind: Kind;
  readonly at: number;
}

/** Attempts whose message was lost, whose owner is gone, or whose poll is due do not wait for their deadline. */
export const handedOut: Invariant = {
  name: "handed-out",
  promise:
    "A message that was not acknowledged, a due poll and a lapsed lease are received by the next worker that polls.",
  create(report) {
    const due = new Map<string, Due>();
    /**
     * Messages that a worker has received, and when they come back. A claim removes the message, whatever its result.
     */
    const messages = new Map<string, number>();
    const receipts = new Map<string, string>();
    return {
      onClaimed({ attemptId, now, leaseMs }, { kind }) {
        messages.delete(attemptId);
        if (kind === "granted") due.set(attemptId, { kind: "lapsedLease", at: now + leaseMs });
        else if (kind !== "held") due.delete(attemptId);
      },
      onRenewed: ({ attemptId }, until) => void due.set(attemptId, { kind: "lapsedLease", at: until }),
      onSuspended: ({ attemptId }, { dueAt }) => void due.set(attemptId, { kind: "poll", at: dueAt }),
      onSettled({ attemptId }) {
        due.delete(attemptId);
        messages.delete(attemptId);
      },
      onCommitted({ change }) {
        for (const attemptId of change.endedAttempts) {
          due.delete(attemptId);
          messages.delete(attemptId);
        }
        // A cancel makes it due at once by the caller's clock, which may be ahead.
        for (const { attemptId } of change.cancels) {
          messages.delete(attemptId);
          const known = due.get(attemptId);
          if (known?.kind === "poll") due.set(attemptId, { kind: "poll", at: Math.max(known.at, change.now) });
        }
      },
      onTaken(input, items) {
        for (const item of items) hide(item, input);
        if (items.length >= input.limit) return;
        formatForgotten(input);
      },
      onGivenBack(given) {
        for (const receipt of given) {
          due.delete(receipts.get(receipt) ?? "");
          messages.delete(receipts.get(receipt) ?? "");
        }
      },
    };

    function formatForgotten({ now, kinds }: TakeDueInput): void {
      const lost = [...messages].filter(([, at]) => kinds.includes("task") && at <= now);
      for (const [attemptId] of lost) report(`The message of ${attemptId} was not handed out.`);
      const waiting = [...due].filter(([, { kind, at }]) => kinds.includes(kind) && at <= now);
      for (const [attemptId, { kind }] of waiting) report(`${attemptId} was not handed out (${kind}).`);
    }

    function hide(item: DueItem, { now, leaseMs }: TakeDueInput): void {
      if (item.kind === "task") {
        receipts.set(item.receipt, item.attemptId);
        messages.set(item.attemptId, now + leaseMs);
      }
      if (item.kind !== "poll" && item.kind !== "lapsedLease") return;
      receipts.set(item.receipt, item.attemptId);
      const known = due.get(item.attemptId);
      if (known?.kind === item.kind) due.set(item.attemptId, { kind: item.kind, at: now + leaseMs });
    }
  },
};

/**
 * Results of runs that were left, results of attempts before one with a result, and refused events change no status.
 */
export const lateResults: Invariant = {
  name: "late-results",
  promise: "A late or duplicate result, or a refused event, changes nothing that it should not.",
  create(report) {
    const findOvertaken = createOvertaken();
    return {
      onCommitted({ change, before, after }) {
        const { stackId, history } = change;
        const overtaken = history.map(findOvertaken);
        if (before === undefined) return;
        const isLate = (attempt: AttemptParts | undefined) => attempt !== undefined && isPresent(attempt, before);
        // A late result cannot be distinguished from other lines of the change, so their effects excuse it.
        const idle = history.every((line, index) => isLate(overtaken[index]) || isWithoutEffect(line, before));
        if (!idle || toVisible(before) === toVisible(after)) return;
        const told = history.map(({ eventId, outcome }) => `${eventId} ${outcome}`).join(", ");
        report(`${stackId}: what had no effect has changed the stack: ${told}.`);
      },
    };
  },
};

/** Returns for one line after the other the attempt of its result, if a later attempt had its result before. */
function createOvertaken(): (line: HistoryEntry) => AttemptParts | undefined {
  const answered = new Map<string, number>();
  return ({ eventId, outcome, internal }) => {
    const found = internal && outcome === "applied" ? findAttempt(eventId, RESULT_ID) : undefined;
    if (found === undefined) return undefined;
    const run = eventId.slice(0, eventId.lastIndexOf("/"));
    const newest = answered.get(run) ?? 0;
    answered.set(run, Math.max(newest, found.attempt));
    return found.attempt < newest ? found : undefined;
  };
}

/** Answers of an entry that was left may end what the present one waits for. */
function isPresent({ incarnation, entry }: AttemptParts, stack: Stack): boolean {
  return incarnation === stack.incarnation && entry === stack.entry;
}

/**
 * Returns true for a line that only closes a run, or has no effect. An entry that has not sent anything may have waited
 * for exactly that run: then its tasks start with its end.
 */
function isWithoutEffect(line: HistoryEntry, before: Stack): boolean {
  const { eventId, outcome, internal, timer, machineHash } = line;
  // A timer that only an earlier revision has moves its stack to the newest one, which may not block what waits.
  const isMove = timer !== undefined && outcome === "ignored" && machineHash !== before.machineHash;
  if (outcome === "removed" || isMove) return false;
  if (outcome !== "applied") return true;
  if (Object.keys(before.attempts).length === 0) return false;
  const attempt = internal && findAttempt(eventId, ANSWER_ID);
  return attempt !== undefined && attempt.incarnation === before.incarnation && attempt.entry < before.entry;
}

const ANSWER_ID = /^(?:result|cancelled|deadline|cancel):(.*)$/s;
// The deadline of an earlier attempt may be applied: it asks that one to stop.
const RESULT_ID = /^result:(.*)$/s;

function findAttempt(eventId: string, id: RegExp): AttemptParts | undefined {
  return parseAttemptId(id.exec(eventId)?.[1] ?? "");
}

function toVisible(stack: Stack | undefined): string {
  if (stack === undefined) return "";
  const { state, entry, tasks, metadata } = stack;
  return JSON.stringify([state, entry, tasks, metadata]);
}

/** An attempt that its stack has cancelled is cancelled in the store, or has ended. */
export const cancelsAsked: Invariant = {
  name: "cancels-asked",
  promise: "A run that its stack cancels is cancelled by the same commit.",
  create(report) {
    return {
      async onCommitted({ before, after }, store) {
        for (const attemptId of listCancelled(before, after)) {
          const attempt = await store.findAttempt(attemptId);
          if (attempt?.status === "settled" || attempt?.cancelling !== undefined) continue;
          report(`No runner was asked to cancel ${attemptId}.`);
        }
      },
    };
  },
};

/** Returns runs that are cancelled now and were not before. */
function listCancelled(before: Stack | undefined, after: Stack | undefined): readonly string[] {
  const known = new Set(before?.runs.flatMap(({ cancelling, attemptId }) => (cancelling ? [attemptId] : [])));
  const runs = (after?.runs ?? []).filter(({ cancelling, attemptId }) => cancelling && !known.has(attemptId));
  return runs.map(({ attemptId }) => attemptId);
}

/** From the first grant on; a requested cancel has its own end. */
export const deadlinesTold: Invariant = {
  name: "deadlines-delivered",
  promise: "The deadline of an attempt that was granted is returned to a caller that requests due work.",
  create(report) {
    const due = new Map<string, number>();
    return {
      onClaimed({ attemptId }, result) {
        if (result.kind === "queued" || result.kind === "gone") due.delete(attemptId);
        if (result.kind !== "granted" || result.cancelling !== undefined) return;
        // A reported deadline is reported again only when no one has acted on it.
        if (!due.has(attemptId)) due.set(attemptId, result.deadlineAt);
      },
      onSettled: ({ attemptId }) => void due.delete(attemptId),
      onCommitted({ change }) {
        for (const attemptId of change.endedAttempts) due.delete(attemptId);
        for (const { attemptId } of change.cancels) due.delete(attemptId);
      },
      onTaken({ kinds, now, limit, leaseMs }, items) {
        for (const item of items) if (item.kind === "deadline") due.set(item.attemptId, now + leaseMs);
        if (items.length < limit && kinds.includes("deadline")) reportOverdue(due, now, report);
      },
    };
  },
};

function reportOverdue(due: ReadonlyMap<string, number>, now: number, report: (sentence: string) => void): void {
  for (const [attemptId, at] of due) if (at <= now) report(`The deadline of ${attemptId} was not delivered.`);
}

/** Once faults have ended, all work ends and every stack has its outcome. */
export const comesToRest: Invariant = {
  name: "comes-to-rest",
  promise: "When faults stop, everything comes to rest: no attempt stays open and no task waits for nothing.",
  create(report, context) {
    return {
      async onRest(store) {
        const { queuedTasks, openAttempts } = await store.queries.stats();
        if (queuedTasks > 0) report(`${queuedTasks} task message(s) stay in the queue.`);
        if (openAttempts > 0) report(`${openAttempts} attempt(s) stay open.`);
        for (const { stack } of (await store.queries.listStacks({}, { limit: 1_000 })).items) {
          for (const sentence of await findStuckRuns(stack, store)) report(sentence);
          for (const sentence of findStuckTasks(stack, context)) report(sentence);
        }
      },
    };
  },
};

async function findStuckRuns({ id, runs }: Stack, store: Store): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { attemptId } of runs) {
    const attempt = await store.findAttempt(attemptId);
    const status = attempt === undefined ? "is unknown" : `is ${attempt.status}`;
    found.push(`${id} waits for ${attemptId}, which ${status}.`);
  }
  return found;
}

function findStuckTasks(stack: Stack, { findMachine }: InvariantContext): readonly string[] {
  const { id, tasks, timers, machineHash } = stack;
  const machine = findMachine(machineHash);
  // A task that needs one that has failed for good waits until an operator repairs that one.
  const isBlocked = stack.failed === true || (machine !== undefined && hasFailed({ machine, stack }));
  const stuck = tasks.filter(({ status, detail }) => status === "PENDING" && !(isBlocked && detail === "WAITING"));
  return [
    ...stuck.map(({ name, detail }) => `${id}: the task "${name}" stays pending (${detail ?? "sent"}).`),
    ...timers
      .filter(({ repeats, refused }) => !repeats && !refused?.givenUpAt)
      .map((timer) => `${id}: the timer ${timer.id} never fires.`),
  ];
}
