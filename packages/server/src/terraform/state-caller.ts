import { createHash, timingSafeEqual } from "node:crypto";
import { type Clock, type Store, toStatePrefix } from "@stackyard/core";
import { type AttemptView, toAttemptPassword } from "@stackyard/core/engine";
import { type BasicCredentials, parseBasic } from "../create-app.ts";
import type { Authenticate } from "../http/route.ts";
import type { LockHolder } from "./state-head.ts";

/** Who works on a state. */
export interface StateCaller {
  readonly holder: LockHolder;
  /** For the list of versions. */
  readonly name: string;
  /** False for an attempt whose lease has ended but went to nobody yet: it may still finish under its own lock. */
  readonly live: boolean;
}

export interface StateCallerDeps {
  readonly store: Pick<Store, "findAttempt" | "findTaskMessage" | "records">;
  readonly clock: Clock;
  readonly authenticate: Authenticate;
}

/**
 * Finds out who calls: an operator by token, or an attempt by its id and the password of its newest grant. An attempt
 * reaches only states of its own stack, those below `toStatePrefix`. Undefined: the caller has no access.
 */
export async function findStateCaller(
  deps: StateCallerDeps,
  request: Request,
  key: string,
): Promise<StateCaller | undefined> {
  const basic = parseBasic(request.headers.get("authorization"));
  if (basic === undefined || basic.user === "token") {
    const name = deps.authenticate(request);
    return name === undefined ? undefined : { holder: { kind: "operator", name }, name, live: true };
  }
  const token = Number(/^([1-9]\d{0,15})\./.exec(basic.password)?.[1]);
  const attempt = await deps.store.findAttempt(basic.user);
  if (attempt === undefined || !isGranted(attempt, token)) return undefined;
  if (!(await isPassword(deps, basic, token))) return undefined;
  const { attemptId } = attempt;
  const message = await deps.store.findTaskMessage(attemptId);
  if (message === undefined) return undefined;
  const { machine, id: stackId } = message.stack;
  if (!key.startsWith(toStatePrefix({ machine, stackId }))) return undefined;
  const holder = { kind: "attempt", attemptId, token } as const;
  return { holder, name: attemptId.slice(0, 512), live: isLive(attempt, token, deps.clock.now()) };
}

async function isPassword(
  { store, clock }: StateCallerDeps,
  { user, password }: BasicCredentials,
  token: number,
): Promise<boolean> {
  const expected = await toAttemptPassword(store.records, { attemptId: user, token }, clock.now());
  return timingSafeEqual(digestOf(password), digestOf(expected));
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}

/** Whether a lock still binds: an attempt's ends with its lease. */
export async function isHolding(
  { store, clock }: Pick<StateCallerDeps, "store" | "clock">,
  holder: LockHolder,
): Promise<boolean> {
  if (holder.kind === "operator") return true;
  const attempt = await store.findAttempt(holder.attemptId);
  return attempt !== undefined && isLive(attempt, holder.token, clock.now());
}

function isGranted({ status, token: newest }: AttemptView, token: number): boolean {
  return status !== "settled" && newest === token;
}

function isLive(attempt: AttemptView, token: number, now: number): boolean {
  return isGranted(attempt, token) && attempt.status === "running" && (attempt.leaseUntil ?? 0) > now;
}
