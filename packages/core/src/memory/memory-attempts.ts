import {
  type Attempt,
  type AttemptEffect,
  type AttemptMove,
  beginAttempt,
  cancelAttempt,
  claimAtBirth,
  claimAttempt,
  closeAttempt,
  endByResult,
  grantKey,
  isHeldBy,
  isOpen,
  renewAttempt,
  settleAttempt,
  suspendAttempt,
  toAttemptDue,
  toAttemptView,
  toClaimWindowMs,
  toGranted,
} from "../attempt/attempt.ts";
import { findKeyPlace, joinKeyQueue, type KeyQueue, leaveKeyQueue } from "../attempt/key-queue.ts";
import type { Dispatch } from "../machine/decide/decision.ts";
import type { Metadata } from "../machine/stack.ts";
import type {
  AttemptView,
  ClaimInput,
  ClaimResult,
  Grant,
  RenewResult,
  SettleInput,
  SuspendInput,
} from "../ports/attempt-store.ts";
import type { AppliedResult, BirthClaim, CancelAttempt, QueuedEvent } from "../ports/stack-store.ts";
import type { DueIndex } from "./memory-due-index.ts";
import { toFrozen } from "./memory-value.ts";

/** An attempt as the memory store keeps it. */
export interface MemoryAttempt extends Attempt {
  readonly dispatch: Dispatch;
  readonly dispatchedAt: number;
  /** The order of dispatch. */
  readonly sequence: number;
}

/** What attempts use of the rest of the store. */
export interface MemoryAttemptDeps {
  readonly due: Readonly<Record<"deadline" | "poll" | "lapsedLease", DueIndex>>;
  sendTask(dispatch: Dispatch, now: number): void;
  withdrawTask(attemptId: string): void;
  /** The values behind references to secrets of the dispatch's stack. */
  readSecrets(dispatch: Dispatch, refs: readonly string[]): Metadata;
  enqueue(event: QueuedEvent, notBefore?: number): void;
}

const SETTLED_LISTED = 50;

/** The attempts of all stacks, with their leases and keys, as the rules in `attempt/` return them. */
export class MemoryAttempts {
  readonly #deps: MemoryAttemptDeps;
  readonly #runnersHaveStore: boolean;
  readonly #attempts = new Map<string, MemoryAttempt>();
  readonly #ofStacks = new Map<string, Set<string>>();
  readonly #queues = new Map<string, KeyQueue>();
  #sequence = 0;
  #open = 0;

  constructor(deps: MemoryAttemptDeps, runnersHaveStore: boolean) {
    this.#deps = deps;
    this.#runnersHaveStore = runnersHaveStore;
  }

  /** Sends the message of a known attempt again, unless it is settled; a new one that is claimed needs none. */
  dispatch(dispatch: Dispatch, now: number, claim?: BirthClaim): Grant | undefined {
    const known = this.#attempts.get(dispatch.attemptId);
    const attempt = known ?? this.#begin(dispatch, now);
    if (known === undefined && claim !== undefined) {
      const { owner, leaseMs, attemptId } = claim;
      const claimed = claimAtBirth(attempt, { owner, leaseMs, now });
      this.#write(claimed);
      return { attemptId, owner, token: claimed.token };
    }
    if (isOpen(attempt)) this.#deps.sendTask(attempt.dispatch, now);
    return undefined;
  }

  isHeld(grant: Grant): boolean {
    return isHeldBy(this.#attempts.get(grant.attemptId), grant);
  }

  /** Ends an attempt whose result the same commit applies. */
  endByResult({ grant, ...result }: AppliedResult, now: number): void {
    const move = endByResult(this.#attempts.get(grant.attemptId), grant, { ...result, now });
    if (move !== undefined) this.#apply(move, now);
  }

  cancel(cancel: CancelAttempt, now: number): void {
    const move = cancelAttempt(this.#attempts.get(cancel.attemptId), cancel, now);
    if (move !== undefined) this.#apply(move, now);
  }

  close(attemptId: string, now: number): void {
    const move = closeAttempt(this.#attempts.get(attemptId), now);
    if (move !== undefined) this.#apply(move, now);
  }

  claim(input: ClaimInput): ClaimResult {
    const found = this.#attempts.get(input.attemptId);
    this.#deps.withdrawTask(input.attemptId);
    const holders = new Map<string, string>();
    for (const key of input.exclusiveKeys) {
      const holder = this.#queues.get(key)?.holder;
      if (holder !== undefined) holders.set(key, holder);
    }
    const claimWindowMs = toClaimWindowMs(found?.timeoutMs ?? 0, this.#runnersHaveStore);
    const move = claimAttempt(found, { ...input, claimWindowMs }, holders);
    if (move.kind === "gone" || move.kind === "held") return move;
    const { attempt, takes, leaves } = move;
    if (leaves !== undefined) this.#leaveQueue(leaves, attempt.attemptId, input.now);
    const joined = move.kind === "queued" ? [...takes, move.key] : takes;
    for (const key of joined) this.#queues.set(key, joinKeyQueue(this.#queues.get(key), attempt));
    this.#write(attempt);
    if (move.kind === "queued") return { kind: "queued", key: move.key, ...this.#findPlace(move.key, attempt) };
    const { dispatch } = attempt;
    return toGranted(attempt, dispatch.secrets && this.#deps.readSecrets(dispatch, dispatch.secrets));
  }

  renew(
    grant: Grant,
    input: { readonly leaseMs: number; readonly now: number; readonly message?: string },
  ): RenewResult {
    const renewed = renewAttempt(this.#attempts.get(grant.attemptId), grant, input);
    if (renewed === undefined) return { kind: "lost" };
    this.#write(renewed.attempt);
    return renewed.answer;
  }

  suspend(grant: Grant, input: SuspendInput): "suspended" | "lost" {
    const suspended = suspendAttempt(this.#attempts.get(grant.attemptId), grant, toFrozen(input));
    if (suspended === undefined) return "lost";
    this.#write(suspended);
    return "suspended";
  }

  settle(grant: Grant, input: SettleInput): "settled" | "lost" {
    const move = settleAttempt(this.#attempts.get(grant.attemptId), grant, input);
    if (move === undefined) return "lost";
    this.#apply(move, input.now);
    return "settled";
  }

  find(attemptId: string): MemoryAttempt | undefined {
    return this.#attempts.get(attemptId);
  }

  view(attempt: MemoryAttempt): AttemptView {
    const { queuedFor: key, dispatch, dispatchedAt } = attempt;
    const queuedFor = key === undefined ? undefined : { key, ...this.#findPlace(key, attempt) };
    return toAttemptView(attempt, { ...dispatch, dispatchedAt }, queuedFor);
  }

  /** The open ones and the last 50 settled ones, newest first. */
  listOf(stackId: string): readonly MemoryAttempt[] {
    const attempts = [...(this.#ofStacks.get(stackId) ?? [])].reverse().flatMap((id) => this.#attempts.get(id) ?? []);
    let settled = 0;
    return attempts.filter((attempt) => {
      if (isOpen(attempt)) return true;
      settled += 1;
      return settled <= SETTLED_LISTED;
    });
  }

  countOpen(): number {
    return this.#open;
  }

  /** Removes what was settled before that instant. */
  prune(before: number): void {
    for (const { attemptId, stackId, settledAt = before } of this.#attempts.values()) {
      if (settledAt >= before) continue;
      this.#attempts.delete(attemptId);
      const ofStack = this.#ofStacks.get(stackId);
      ofStack?.delete(attemptId);
      if (ofStack?.size === 0) this.#ofStacks.delete(stackId);
    }
  }

  #begin(dispatch: Dispatch, now: number): MemoryAttempt {
    this.#sequence += 1;
    this.#open += 1;
    const { attemptId, stackId, timeoutMs } = dispatch;
    const claimWindowMs = toClaimWindowMs(timeoutMs, this.#runnersHaveStore);
    const sequence = this.#sequence;
    const begun = { ...beginAttempt(dispatch, { now, claimWindowMs }), dispatch, dispatchedAt: now, sequence };
    this.#ofStacks.set(stackId, (this.#ofStacks.get(stackId) ?? new Set()).add(attemptId));
    this.#write(begun);
    return begun;
  }

  #write(attempt: MemoryAttempt): void {
    const { attemptId } = attempt;
    const { deadline, poll, lapsedLease } = toAttemptDue(attempt);
    this.#attempts.set(attemptId, attempt);
    this.#deps.due.deadline.set(attemptId, deadline?.at);
    this.#deps.due.poll.set(attemptId, poll);
    this.#deps.due.lapsedLease.set(attemptId, lapsedLease);
  }

  #apply({ attempt, effects }: AttemptMove<MemoryAttempt>, now: number): void {
    if (!isOpen(attempt)) this.#open -= 1;
    this.#write(attempt);
    for (const effect of effects) this.#perform(attempt, effect, now);
  }

  #perform({ attemptId, dispatch }: MemoryAttempt, effect: AttemptEffect, now: number): void {
    switch (effect.kind) {
      case "send":
        this.#deps.sendTask(dispatch, now);
        break;
      case "withdraw":
        this.#deps.withdrawTask(attemptId);
        break;
      case "leaveQueue":
        this.#leaveQueue(effect.key, attemptId, now);
        break;
      case "release":
        for (const key of effect.keys) this.#leaveQueue(key, attemptId, now);
        break;
      case "enqueue":
        this.#deps.enqueue(toFrozen(effect.event), effect.notBefore);
        break;
    }
  }

  #leaveQueue(key: string, attemptId: string, now: number): void {
    const queue = this.#queues.get(key);
    const left = queue && leaveKeyQueue(queue, attemptId);
    if (left === undefined) this.#queues.delete(key);
    else this.#queues.set(key, left);
    const next = left === undefined || left.holder === queue?.holder ? undefined : this.#attempts.get(left.holder);
    if (next !== undefined) this.#apply(grantKey(next, key, now), now);
  }

  #findPlace(key: string, { attemptId }: MemoryAttempt): { readonly holder: string; readonly place: number } {
    return findKeyPlace(this.#queues.get(key), attemptId) ?? { holder: "", place: 0 };
  }
}
