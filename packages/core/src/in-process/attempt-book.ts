import {
  type Attempt,
  type AttemptEffect,
  type AttemptMove,
  beginAttempt,
  cancelAttempt,
  claimAtBirth,
  claimAttempt,
  closeAttempt,
  correctAttempt,
  endByResult,
  grantKey,
  isHeldBy,
  isOpen,
  renewAttempt,
  settleAttempt,
  suspendAttempt,
  toAttemptDue,
  toCorrectedAttempt,
  toGranted,
} from "../attempt/attempt.ts";
import { type AttemptFacts, toAttemptView, toListedAttempt } from "../attempt/attempt-view.ts";
import { findKeyPlace, joinKeyQueue, type KeyQueue, leaveKeyQueue } from "../attempt/key-queue.ts";
import type { Dispatch } from "../machine/decide/decision.ts";
import type { Metadata } from "../machine/stack.ts";
import type { TaskMessage } from "../machine/task-message.ts";
import type {
  AppliedResult,
  AttemptView,
  BirthClaim,
  CancelAttempt,
  Change,
  ClaimInput,
  ClaimResult,
  CorrectedAttempt,
  DispatchAttempt,
  Grant,
  QueuedEvent,
  RenewResult,
  SettleInput,
  SuspendInput,
} from "../ports/stack-store.ts";
import type { DueItem } from "../ports/work-queue.ts";
import { createDueIndex, createMemoryQueue, type DueSource, type QueueRow, toDueSource } from "./queue.ts";

/** An open attempt with the facts that its views and its next claim need. */
export interface BookAttempt extends Attempt, AttemptFacts {
  /** The order of dispatch. */
  readonly sequence: number;
  /** References of the secrets in its message. */
  readonly secrets?: readonly string[] | undefined;
  /** Its task message as JSON. */
  readonly message: string;
}

/** The place of a queued message, which a store keeps with its attempt. */
export type QueuedMessage = Omit<QueueRow<string>, "value">;

/** The remaining data of an ended attempt. */
export interface EndedAttempt {
  readonly view: AttemptView;
  readonly settledAt: number;
  /** The order of dispatch among attempts of one instant. */
  readonly sequence: number;
}

/** The effects of attempts' moves on the rest of the store, in the commit that they belong to. */
export interface AttemptSink {
  /** Called when an open attempt, or the position of its message, has changed. */
  changed(attempt: BookAttempt): void;
  /** Called when it has ended, and the book has removed it. */
  ended(attempt: EndedAttempt): void;
  /** Called when its message was queued. */
  sent(): void;
  enqueue(event: QueuedEvent, notBefore?: number): void;
  /** Returns true when an attempt that is dispatched again has ended. */
  hasEnded(dispatch: Dispatch): boolean;
  /** Returns the values of references to secrets, from the record of the attempt's stack. */
  readSecrets(attempt: BookAttempt, refs: readonly string[]): Metadata;
}

const RETURNED = ["deadline", "poll", "lapsedLease"] as const;
type ReturnedKind = (typeof RETURNED)[number];

/**
 * The open attempts of a store that one process writes, with their keys, queued messages and due times, as the rules
 * in `attempt/` return them. All of it is in memory: what has ended, and what must be durable, goes to the sink.
 */
export class AttemptBook {
  /** Messages by attempt id. */
  readonly tasks = createMemoryQueue<string>("task");
  readonly #due = { deadline: createDueIndex(), poll: createDueIndex(), lapsedLease: createDueIndex() };
  readonly #attempts = new Map<string, BookAttempt>();
  readonly #ofStacks = new Map<string, Set<string>>();
  readonly #receipts = new Map<string, string>();
  readonly #queues = new Map<string, KeyQueue>();
  #sequence = 0;

  get size(): number {
    return this.#attempts.size;
  }

  find(attemptId: string): BookAttempt | undefined {
    return this.#attempts.get(attemptId);
  }

  findMessage(attemptId: string): TaskMessage | undefined {
    const attempt = this.#attempts.get(attemptId);
    return attempt && readMessage(attempt);
  }

  /** Lists the open attempts of a stack, oldest first. */
  listOf(stackId: string): readonly BookAttempt[] {
    return [...(this.#ofStacks.get(stackId) ?? [])].flatMap((id) => this.#attempts.get(id) ?? []);
  }

  /** Returns all open attempts, in no order. */
  all(): Iterable<BookAttempt> {
    return this.#attempts.values();
  }

  findQueued(attemptId: string): QueuedMessage | undefined {
    const receipt = this.#receipts.get(attemptId);
    return receipt === undefined ? undefined : this.tasks.find(receipt);
  }

  view(attempt: BookAttempt): AttemptView {
    const { queuedFor: key } = attempt;
    return toAttemptView(attempt, attempt, key === undefined ? undefined : { key, ...this.#findPlace(key, attempt) });
  }

  /** Lists the open attempts of a stack and those that have ended, newest first, without their logs. */
  listWith(ended: readonly Omit<EndedAttempt, "settledAt">[], stackId: string): readonly AttemptView[] {
    const open = this.listOf(stackId).map((attempt) => ({ view: this.view(attempt), sequence: attempt.sequence }));
    return [...open, ...ended]
      .sort((a, b) => b.view.dispatchedAt - a.view.dispatchedAt || b.sequence - a.sequence)
      .map(({ view }) => toListedAttempt(view));
  }

  /** Fills an empty book with what a store has kept, in order of dispatch. */
  restore(kept: readonly { readonly attempt: BookAttempt; readonly queued?: QueuedMessage }[]): void {
    for (const { attempt } of kept) {
      this.#sequence = Math.max(this.#sequence, attempt.sequence);
      this.#write(attempt);
      for (const key of attempt.heldKeys) this.#join(key, attempt);
    }
    for (const { attempt } of kept) if (attempt.queuedFor !== undefined) this.#join(attempt.queuedFor, attempt);
    const queued = kept.flatMap(({ attempt, queued: row }) => (row === undefined ? [] : [{ attempt, row }]));
    for (const { attempt, row } of queued.sort((a, b) => a.row.number - b.row.number)) {
      this.#receipts.set(attempt.attemptId, this.tasks.add(attempt.attemptId, row));
    }
  }

  /** Takes over leases that were renewed in memory only, of attempts that have the same grant here. */
  keepLeases(renewed: readonly BookAttempt[]): void {
    for (const { attemptId, token, owner = "", leaseUntil, progressMessage } of renewed) {
      const attempt = this.#attempts.get(attemptId);
      if (isHeldBy(attempt, { attemptId, token, owner }) && leaseUntil !== undefined) {
        this.#write({ ...attempt, leaseUntil, progressMessage });
      }
    }
  }

  /** Returns the attempts of results whose grants are lost. */
  findLost(results: readonly AppliedResult[]): readonly string[] {
    return results.flatMap(({ grant }) =>
      isHeldBy(this.#attempts.get(grant.attemptId), grant) ? [] : [grant.attemptId],
    );
  }

  /**
   * Applies the effects of a change to attempts, and returns the grants of its claims. Closes come before cancels: an
   * attempt that has ended is not cancelled.
   */
  commit(sink: AttemptSink, change: Change): readonly Grant[] {
    const { results = [], claims = [], dispatches, resends = [], endedAttempts, cancels, now } = change;
    for (const { grant, ...result } of results) {
      const attempt = this.#attempts.get(grant.attemptId);
      this.#apply(sink, endByResult(attempt, grant, { ...result, now }), now);
    }
    const claimed = new Map(claims.map((claim) => [claim.attemptId, claim]));
    const grants = new Map<string, Grant>();
    for (const dispatch of dispatches) {
      const grant = this.#dispatch(sink, dispatch, { now, claim: claimed.get(dispatch.attemptId) });
      if (grant !== undefined) grants.set(dispatch.attemptId, grant);
    }
    for (const id of resends) this.#sendAgain(sink, id, now);
    for (const id of endedAttempts) this.#apply(sink, closeAttempt(this.#attempts.get(id), now), now);
    for (const cancel of cancels) this.#cancel(sink, cancel, now);
    return claims.flatMap(({ attemptId }) => grants.get(attemptId) ?? []);
  }

  /** Claims an attempt. Whatever the result, the attempt's message is removed from the queue. */
  claim(sink: AttemptSink, input: ClaimInput): ClaimResult {
    const found = this.#attempts.get(input.attemptId);
    if (found !== undefined && this.#withdraw(found.attemptId)) sink.changed(found);
    const move = claimAttempt(found, input, this.#findHolders(input.exclusiveKeys));
    if (move.kind === "gone" || move.kind === "held") return move;
    const { attempt, takes, leaves } = move;
    if (leaves !== undefined) this.#leave(sink, leaves, attempt.attemptId, input.now);
    for (const key of move.kind === "queued" ? [...takes, move.key] : takes) this.#join(key, attempt);
    this.#change(sink, attempt);
    if (move.kind === "queued") return { kind: "queued", key: move.key, ...this.#findPlace(move.key, attempt) };
    return toGranted(attempt, attempt.secrets && sink.readSecrets(attempt, attempt.secrets));
  }

  /** Changes memory only: a lease that is lost with the process ends early, and its owner's next call is fenced. */
  renew(
    grant: Grant,
    input: { readonly leaseMs: number; readonly now: number; readonly message?: string },
  ): RenewResult {
    const renewed = renewAttempt(this.#attempts.get(grant.attemptId), grant, input);
    if (renewed === undefined) return { kind: "lost" };
    this.#write(renewed.attempt);
    return renewed.answer;
  }

  suspend(sink: AttemptSink, grant: Grant, input: SuspendInput): "suspended" | "lost" {
    const suspended = suspendAttempt(this.#attempts.get(grant.attemptId), grant, input);
    if (suspended === undefined) return "lost";
    this.#change(sink, suspended);
    return "suspended";
  }

  settle(sink: AttemptSink, grant: Grant, input: SettleInput): "settled" | "lost" {
    const move = settleAttempt(this.#attempts.get(grant.attemptId), grant, input);
    return this.#apply(sink, move, input.now) ? "settled" : "lost";
  }

  /** Corrects what a clock that was ahead has noted, and returns what has changed. */
  correctInstants(sink: AttemptSink, now: number): readonly CorrectedAttempt[] {
    return [...this.#attempts.values()].flatMap((attempt) => {
      const corrected = correctAttempt(attempt, now);
      if (corrected === attempt) return [];
      this.#change(sink, corrected);
      return [toCorrectedAttempt(attempt, corrected)];
    });
  }

  /** Removes a queued message that its consumer is done with. */
  acknowledge(sink: AttemptSink, receipt: string): void {
    const attempt = this.#attempts.get(this.tasks.find(receipt)?.value ?? "");
    if (attempt !== undefined && this.#withdraw(attempt.attemptId)) sink.changed(attempt);
  }

  /** Makes a message, a poll or an expired lease available again from that instant on; ignores other receipts. */
  giveBack(sink: AttemptSink, receipt: string, visibleAt: number): void {
    const attempt = this.#attempts.get(this.tasks.find(receipt)?.value ?? "");
    if (attempt !== undefined) {
      this.tasks.giveBack(receipt, visibleAt);
      sink.changed(attempt);
    }
    const [, kind, attemptId = ""] = RETURNED_RECEIPT.exec(receipt) ?? [];
    if (kind === "poll" || kind === "lapsedLease") this.#due[kind].hide(attemptId, visibleAt);
  }

  /** Returns the due items of one kind for a take. */
  toDueSource(kind: "task" | ReturnedKind): DueSource {
    if (kind !== "task") return toDueSource(this.#due[kind], (key, dueAt) => this.#toReturned(kind, key, dueAt));
    return {
      findDueAt: this.tasks.findDueAt,
      takeOne: (take) => {
        const row = this.tasks.takeOne(take);
        const message = row && this.findMessage(row.value);
        if (row === undefined || message === undefined) return undefined;
        return { kind, receipt: row.receipt, attemptId: row.value, message, deliveries: row.deliveries };
      },
      nextDueAt: this.tasks.nextDueAt,
    };
  }

  #toReturned(kind: ReturnedKind, attemptId: string, dueAt: number): DueItem | undefined {
    const attempt = this.#attempts.get(attemptId);
    if (attempt === undefined) return undefined;
    if (kind === "deadline") {
      const { stackId, task } = attempt;
      return { kind, stackId, attemptId, task, why: toAttemptDue(attempt).deadline?.why ?? "deadline", dueAt };
    }
    const message = readMessage(attempt);
    return { kind, receipt: `${kind}:${attemptId}`, attemptId, message, dueAt };
  }

  /** Begins an attempt, granted at once when it is claimed; sends the message of a known open one again. */
  #dispatch(
    sink: AttemptSink,
    dispatch: DispatchAttempt,
    { now, claim }: { readonly now: number; readonly claim: BirthClaim | undefined },
  ): Grant | undefined {
    const { attemptId, entry, attempt: number, executor, secrets } = dispatch;
    if (this.#sendAgain(sink, attemptId, now) || (dispatch.again && sink.hasEnded(dispatch))) return undefined;
    this.#sequence += 1;
    const message = JSON.stringify(dispatch.message);
    const facts = { entry, attempt: number, executor, secrets, message, dispatchedAt: now, sequence: this.#sequence };
    const begun = { ...beginAttempt(dispatch, now), ...facts };
    if (claim === undefined) {
      this.#write(begun);
      this.#send(sink, begun, now);
      return undefined;
    }
    const claimed = claimAtBirth(begun, { owner: claim.owner, leaseMs: claim.leaseMs, now });
    this.#change(sink, claimed);
    return { attemptId, owner: claim.owner, token: claimed.token };
  }

  /** Sends the message of an open attempt again. Returns false without one. */
  #sendAgain(sink: AttemptSink, attemptId: string, now: number): boolean {
    const known = this.#attempts.get(attemptId);
    if (known !== undefined) this.#send(sink, known, now);
    return known !== undefined;
  }

  #cancel(sink: AttemptSink, cancel: CancelAttempt, now: number): void {
    this.#apply(sink, cancelAttempt(this.#attempts.get(cancel.attemptId), cancel, now), now);
  }

  /** Applies a move. Returns false when the attempt does not change. */
  #apply(sink: AttemptSink, move: AttemptMove<BookAttempt> | undefined, now: number): boolean {
    if (move === undefined) return false;
    const { attempt, effects } = move;
    if (isOpen(attempt)) this.#change(sink, attempt);
    else this.#end(sink, attempt, now);
    for (const effect of effects) this.#perform(sink, attempt, effect, now);
    return true;
  }

  #perform(sink: AttemptSink, attempt: BookAttempt, effect: AttemptEffect, now: number): void {
    switch (effect.kind) {
      case "send":
        this.#send(sink, attempt, now);
        break;
      case "withdraw":
        this.#withdraw(attempt.attemptId);
        break;
      case "leaveQueue":
        this.#leave(sink, effect.key, attempt.attemptId, now);
        break;
      case "release":
        for (const key of effect.keys) this.#leave(sink, key, attempt.attemptId, now);
        break;
      case "enqueue":
        sink.enqueue(effect.event, effect.notBefore);
        break;
    }
  }

  #change(sink: AttemptSink, attempt: BookAttempt): void {
    this.#write(attempt);
    sink.changed(attempt);
  }

  #write(attempt: BookAttempt): void {
    const { attemptId, stackId } = attempt;
    const ofStack = this.#ofStacks.get(stackId);
    if (ofStack === undefined) this.#ofStacks.set(stackId, new Set([attemptId]));
    else ofStack.add(attemptId);
    this.#attempts.set(attemptId, attempt);
    const { deadline, poll, lapsedLease } = toAttemptDue(attempt);
    this.#due.deadline.set(attemptId, deadline?.at);
    this.#due.poll.set(attemptId, poll);
    this.#due.lapsedLease.set(attemptId, lapsedLease);
  }

  #end(sink: AttemptSink, attempt: BookAttempt, now: number): void {
    const { attemptId, stackId, settledAt = now } = attempt;
    this.#attempts.delete(attemptId);
    const ofStack = this.#ofStacks.get(stackId);
    ofStack?.delete(attemptId);
    if (ofStack?.size === 0) this.#ofStacks.delete(stackId);
    for (const kind of RETURNED) this.#due[kind].set(attemptId, undefined);
    sink.ended({ view: this.view(attempt), settledAt, sequence: attempt.sequence });
  }

  /** Sends the attempt's message; an attempt has at most one message in the queue. */
  #send(sink: AttemptSink, attempt: BookAttempt, now: number): void {
    const { attemptId } = attempt;
    if (!this.#receipts.has(attemptId)) this.#receipts.set(attemptId, this.tasks.add(attemptId, { dueAt: now }));
    sink.changed(attempt);
    sink.sent();
  }

  #withdraw(attemptId: string): boolean {
    const receipt = this.#receipts.get(attemptId);
    if (receipt === undefined) return false;
    this.#receipts.delete(attemptId);
    return this.tasks.remove(receipt) !== undefined;
  }

  #join(key: string, attempt: BookAttempt): void {
    this.#queues.set(key, joinKeyQueue(this.#queues.get(key), attempt));
  }

  #leave(sink: AttemptSink, key: string, attemptId: string, now: number): void {
    const queue = this.#queues.get(key);
    const left = queue && leaveKeyQueue(queue, attemptId);
    if (left === undefined) this.#queues.delete(key);
    else this.#queues.set(key, left);
    const next = left === undefined || left.holder === queue?.holder ? undefined : this.#attempts.get(left.holder);
    if (next !== undefined) this.#apply(sink, grantKey(next, key, now), now);
  }

  #findHolders(keys: readonly string[]): ReadonlyMap<string, string> {
    const holders = new Map<string, string>();
    for (const key of keys) {
      const holder = this.#queues.get(key)?.holder;
      if (holder !== undefined) holders.set(key, holder);
    }
    return holders;
  }

  #findPlace(key: string, { attemptId }: BookAttempt): { readonly holder: string; readonly place: number } {
    return findKeyPlace(this.#queues.get(key), attemptId) ?? { holder: "", place: 0 };
  }
}

const RETURNED_RECEIPT = /^(poll|lapsedLease):(.*)$/s;

function readMessage({ message }: BookAttempt): TaskMessage {
  return JSON.parse(message);
}
