import type { Store } from "@stackyard/core";
import {
  type AttemptEffect,
  type AttemptMove,
  type BirthClaim,
  beginAttempt,
  cancelAttempt,
  claimAtBirth,
  claimAttempt,
  closeAttempt,
  endByResult,
  grantKey,
  isHeldBy,
  readAttemptSecrets,
  renewAttempt,
  settleAttempt,
  suspendAttempt,
  toAttemptView,
  toClaimWindowMs,
  toGranted,
  toListedAttempt,
} from "@stackyard/core/attempt";
import {
  type AttemptView,
  type Change,
  type ClaimInput,
  type ClaimResult,
  type Grant,
  parseStored,
} from "@stackyard/core/engine";
import {
  findAttempt,
  findNextWaiter,
  insertAttempt,
  listAttempts,
  type SqliteAttempt,
  updateAttempt,
} from "./attempt-row.ts";
import type { Database } from "./database.ts";
import { enqueueEvent } from "./event-queue.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { CancelAttempt, Dispatch } from "./port-types.ts";
import { queueTask, readMessage, unqueueTask } from "./task-queue.ts";
import type { Transaction } from "./transaction.ts";

/** The part of the store that workers use. */
export function createAttemptStore(commits: GroupCommit): AttemptCalls {
  return {
    claim: (input) => commits.write((transaction) => claim(transaction, input)),
    renew: (grant, input) =>
      commits.write((transaction) => {
        const renewed = renewAttempt(find(transaction, grant.attemptId), grant, input);
        if (renewed === undefined) return { kind: "lost" };
        updateAttempt(transaction.database, renewed.attempt);
        return renewed.answer;
      }),
    suspend: (grant, input) =>
      commits.write((transaction) => {
        const suspended = suspendAttempt(find(transaction, grant.attemptId), grant, input);
        if (suspended === undefined) return "lost";
        updateAttempt(transaction.database, suspended);
        transaction.signal("task");
        return "suspended";
      }),
    settle: (grant, input) =>
      commits.write((transaction) => {
        const move = settleAttempt(find(transaction, grant.attemptId), grant, input);
        return apply(transaction, move, input.now) ? "settled" : "lost";
      }),
    findAttempt: (id) =>
      commits.read(({ database, attemptNos }) => {
        const attempt = findAttempt(database, attemptNos, id);
        return attempt && toView(database, attempt);
      }),
    listAttempts: (id) =>
      commits.read(({ database, attemptNos }) =>
        listAttempts(database, attemptNos, id).map((attempt) => toListedAttempt(toView(database, attempt, HAS_LOG))),
      ),
    findTaskMessage: (id) =>
      commits.read(({ database, attemptNos }) => {
        const attempt = findAttempt(database, attemptNos, id);
        return attempt && readMessage(database, attempt.attemptNo);
      }),
  };
}

type AttemptCalls = Pick<
  Store,
  "claim" | "renew" | "suspend" | "settle" | "findAttempt" | "listAttempts" | "findTaskMessage"
>;

/** The attempts of a change's results whose grants no longer hold. */
export function findLost(transaction: Transaction, { results = [] }: Change): readonly string[] {
  return results.flatMap(({ grant }) => (isHeldBy(find(transaction, grant.attemptId), grant) ? [] : [grant.attemptId]));
}

/**
 * Writes what a change does to attempts, and returns the grants of its claims. Closes come before cancels: an attempt
 * that has ended is not cancelled.
 */
export function writeAttempts(transaction: Transaction, change: Change): readonly Grant[] {
  const { results = [], claims = [], dispatches, closes, cancels, now } = change;
  for (const { grant, ...result } of results) {
    apply(transaction, endByResult(find(transaction, grant.attemptId), grant, { ...result, now }), now);
  }
  const grants = new Map<string, Grant>();
  for (const dispatch of dispatches) {
    const claim = claims.find(({ attemptId }) => attemptId === dispatch.attemptId);
    const grant = send(transaction, dispatch, { now, claim });
    if (grant !== undefined) grants.set(grant.attemptId, grant);
  }
  for (const attemptId of closes) apply(transaction, closeAttempt(find(transaction, attemptId), now), now);
  for (const cancel of cancels) applyCancel(transaction, cancel, now);
  return claims.flatMap(({ attemptId }) => grants.get(attemptId) ?? []);
}

function applyCancel(transaction: Transaction, cancel: CancelAttempt, now: number): void {
  apply(transaction, cancelAttempt(find(transaction, cancel.attemptId), cancel, now), now);
  transaction.signal("task");
}

function find({ database, store }: Transaction, attemptId: string): SqliteAttempt | undefined {
  return findAttempt(database, store.attemptNos, attemptId);
}

interface SendInput {
  readonly now: number;
  readonly claim: BirthClaim | undefined;
}

/** Makes an attempt of a dispatch, granted at once when it is claimed; queues the message of a known one again. */
function send(transaction: Transaction, dispatch: Dispatch, { now, claim }: SendInput): Grant | undefined {
  const known = dispatch.again ? find(transaction, dispatch.attemptId) : undefined;
  if (known !== undefined) {
    if (known.status !== "settled") apply(transaction, { attempt: known, effects: [{ kind: "send" }] }, now);
    return undefined;
  }
  const begun = toBegun(transaction, dispatch, now);
  const { attemptNo, attemptId } = begun;
  const attempt = claim === undefined ? begun : claimAtBirth(begun, { ...claim, now });
  const queueSeq = claim === undefined ? queueTask(transaction, attemptNo, now) : undefined;
  const { database } = transaction;
  insertAttempt(database, { ...attempt, queueSeq });
  const message = JSON.stringify(dispatch.message);
  database.run("insert into attempt_message (attempt_no, message) values (?, ?)", attemptNo, message);
  transaction.count("openAttempts", 1);
  return claim && { attemptId, owner: claim.owner, token: attempt.token };
}

function toBegun({ store }: Transaction, dispatch: Dispatch, now: number): SqliteAttempt {
  const { entry, attempt, executor, secrets, timeoutMs } = dispatch;
  const facts = { attemptNo: store.attemptNos.next(), entry, attempt, executor, secrets, dispatchedAt: now };
  return { ...beginAttempt(dispatch, { now, claimWindowMs: toClaimWindowMs(timeoutMs, true) }), ...facts };
}

/** Whatever it answers, the attempt's message leaves the queue. */
function claim(transaction: Transaction, input: ClaimInput): ClaimResult {
  const { database } = transaction;
  const found = find(transaction, input.attemptId);
  if (found?.queueSeq !== undefined) unqueueTask(transaction, found.queueSeq);
  const attempt = found && { ...found, queueSeq: undefined };
  const claimWindowMs = toClaimWindowMs(attempt?.timeoutMs ?? 0, true);
  const holders = findHolders(database, input.exclusiveKeys);
  const move = claimAttempt(attempt, { ...input, claimWindowMs }, holders);
  if (move.kind === "granted" || move.kind === "queued") {
    for (const key of move.takes) {
      database.run("insert into held_key (key, attempt_no) values (?, ?)", key, move.attempt.attemptNo);
    }
    updateAttempt(database, move.attempt);
  } else if (attempt !== undefined) updateAttempt(database, attempt);
  if (move.kind === "queued") return { kind: "queued", key: move.key, ...findPlace(database, move.key, move.attempt) };
  return move.kind === "granted" ? toGranted(move.attempt, readSecrets(database, move.attempt)) : move;
}

/** The attempt that holds each key, where one does. */
function findHolders(database: Database, keys: readonly string[]): ReadonlyMap<string, string> {
  const holders = new Map<string, string>();
  for (const key of keys) {
    const holder = findHolder(database, key);
    if (holder !== undefined) holders.set(key, holder);
  }
  return holders;
}

function findHolder(database: Database, key: string): string | undefined {
  const select = "select attempt_id from held_key join attempt using (attempt_no) where key = ?";
  return database.get<{ attempt_id: string }>(select, key)?.attempt_id;
}

/** Who has the key, and the place of an attempt in the key's queue, from 1. */
function findPlace(database: Database, key: string, { attemptNo }: SqliteAttempt) {
  const count = "select count(*) as place from attempt where queued_key = ? and attempt_no <= ?";
  const place = database.get<{ place: number }>(count, key, attemptNo)?.place ?? 0;
  return { holder: findHolder(database, key) ?? "", place };
}

function readSecrets(database: Database, { stackId, attemptId, secrets }: SqliteAttempt) {
  if (secrets === undefined) return undefined;
  const select = "select body from stack where stack_id = ? and body is not null";
  const row = database.get<{ body: string }>(select, stackId);
  return readAttemptSecrets(row && parseStored.stack(row.body, stackId), attemptId, secrets);
}

/** Writes a move and does what follows from it; false when there is none. */
function apply(transaction: Transaction, move: AttemptMove<SqliteAttempt> | undefined, now: number): boolean {
  if (move === undefined) return false;
  let { attempt } = move;
  for (const effect of move.effects) attempt = perform(transaction, attempt, effect, now);
  updateAttempt(transaction.database, attempt);
  if (attempt.status !== "settled") return true;
  transaction.count("openAttempts", -1);
  const { attemptNo, log } = attempt;
  if (log !== undefined) {
    transaction.database.run("insert into attempt_log (attempt_no, log) values (?, ?)", attemptNo, log);
  }
  return true;
}

/** Returns the attempt with the place of its message in the queue. */
function perform(transaction: Transaction, attempt: SqliteAttempt, effect: AttemptEffect, now: number): SqliteAttempt {
  const { attemptNo, queueSeq } = attempt;
  switch (effect.kind) {
    case "send":
      return { ...attempt, queueSeq: queueSeq ?? queueTask(transaction, attemptNo, now) };
    case "withdraw":
      if (queueSeq !== undefined) unqueueTask(transaction, queueSeq);
      return { ...attempt, queueSeq: undefined };
    case "release":
      for (const key of effect.keys) passKeyOn(transaction, key, now);
      return attempt;
    case "enqueue":
      enqueueEvent(transaction, effect.event, effect.notBefore);
      return attempt;
    // The queue of a key is the attempts that name it.
    case "leaveQueue":
      return attempt;
  }
}

function passKeyOn(transaction: Transaction, key: string, now: number): void {
  const { database } = transaction;
  const next = findNextWaiter(database, key);
  if (next === undefined) {
    database.run("delete from held_key where key = ?", key);
    return;
  }
  database.run("update held_key set attempt_no = ? where key = ?", next.attemptNo, key);
  apply(transaction, grantKey(next, key, now), now);
}

const LOG = "select log from attempt_log where attempt_no = ?";
/** Of a list, which says only that there is a log. */
const HAS_LOG = "select '' as log from attempt_log where attempt_no = ?";

function toView(database: Database, attempt: SqliteAttempt, log = LOG): AttemptView {
  const { attemptNo, queuedFor: key } = attempt;
  const row = database.get<{ log: string }>(log, attemptNo);
  const queuedFor = key === undefined ? undefined : { key, ...findPlace(database, key, attempt) };
  return toAttemptView({ ...attempt, log: row?.log }, attempt, queuedFor);
}
