import { createHash, timingSafeEqual } from "node:crypto";
import { type Clock, type Logger, StackyardError, type Store, toStatePrefix } from "@stackyard/core";
import { type AttemptView, toAttemptPassword } from "@stackyard/core/engine";
import type { Authenticate, Guard } from "../access/caller.ts";
import { type BasicCredentials, parseBasic } from "../create-app.ts";
import { HttpError, parseJson, readBytes } from "../http/route.ts";
import {
  decideAccess,
  decideLock,
  decideUnlock,
  findCurrent,
  type LockDecision,
  type LockHolder,
  type StandingLock,
  type StateCaller,
  type StateHead,
  type StateLock,
  type StateStore,
  toForcedUnlockFields,
  type UnlockDecision,
} from "./state-store.ts";

interface TerraformBackendDeps extends StateCallerDeps {
  readonly states: StateStore;
  readonly logger: Logger;
  readonly maxBytes: number;
}

/** One request of Terraform's `http` backend. */
interface StateRequest {
  readonly key: string;
  readonly request: Request;
  readonly caller: StateCaller;
}

type Handler = (deps: TerraformBackendDeps, input: StateRequest) => Promise<Response>;

const HANDLERS: ReadonlyMap<string, Handler> = new Map([
  ["GET", getState],
  ["POST", postState],
  ["DELETE", deleteState],
  ["LOCK", lockState],
  ["UNLOCK", unlockState],
]);
const MAX_LOCK_BYTES = 16_384;
const MAX_KEY = 1_500;

/**
 * Answers Terraform's `http` backend (developer.hashicorp.com/terraform/language/backend/http): 404 without a state,
 * 423 with the holder's description while another holds the lock. States may hold secrets: nothing of them is logged.
 */
export async function answerTerraform(deps: TerraformBackendDeps, key: string, request: Request): Promise<Response> {
  const handler = HANDLERS.get(request.method);
  if (handler === undefined) {
    const allow = [...HANDLERS.keys()].join(", ");
    throw new HttpError(405, "USAGE", `Method not allowed. Use ${allow}.`, { details: { allow } });
  }
  if (key === "" || key.length > MAX_KEY)
    throw new HttpError(400, "USAGE", `The key of a state has 1 to ${MAX_KEY} characters.`);
  const caller = await findStateCaller(deps, request, key);
  if (caller === undefined) {
    throw new StackyardError(
      "UNAUTHENTICATED",
      "Neither an operator's token nor the lease of an attempt of this stack.",
    );
  }
  return handler(deps, { key, request, caller });
}

async function getState(deps: TerraformBackendDeps, { key, caller }: StateRequest): Promise<Response> {
  const head = await deps.states.loadHead(key);
  const access = decideAccess(await findStanding(deps, head), { caller, write: false, id: undefined });
  if (access.kind !== "allowed") throw leaseEnded();
  const current = findCurrent(head);
  if (current === undefined) return new Response(null, { status: 404 });
  const bytes = await deps.states.read(key, current);
  const md5 = createHash("md5").update(bytes).digest("base64");
  return new Response(bytes.slice(), { headers: { "content-type": "application/json", "content-md5": md5 } });
}

async function postState(deps: TerraformBackendDeps, { key, request, caller }: StateRequest): Promise<Response> {
  const bytes = await readBytes(request, deps.maxBytes);
  checkDigest(request, bytes);
  const id = lockIdOf(request);
  await deps.states.write(key, { bytes, by: caller.name, check: (head) => checkWrite(deps, head, caller, id) });
  return new Response(null, { status: 200 });
}

async function deleteState(deps: TerraformBackendDeps, { key, request, caller }: StateRequest): Promise<Response> {
  await deps.states.change(key, async (head) => {
    await checkWrite(deps, head, caller, lockIdOf(request));
    const { current: _, ...rest } = head;
    return { head: rest, answer: undefined };
  });
  return new Response(null, { status: 200 });
}

async function lockState(deps: TerraformBackendDeps, { key, request, caller }: StateRequest): Promise<Response> {
  const info = new TextDecoder().decode(await readBytes(request, MAX_LOCK_BYTES));
  const id = parseLockId(info);
  if (id === undefined) throw new HttpError(400, "USAGE", 'The lock has no "ID".');
  const lock: StateLock = { id, info, holder: caller.holder, at: deps.clock.now() };
  const decision = await deps.states.change<LockDecision>(key, async (head) => {
    const decided = decideLock(head, await findStanding(deps, head), { caller, lock });
    return decided.kind === "locked" ? { head: decided.head, answer: decided } : { answer: decided };
  });
  if (decision.kind === "forbidden") throw leaseEnded();
  if (decision.kind === "held") return heldResponse(decision.lock);
  if (decision.takenOverFrom !== undefined) {
    deps.logger.warn("A Terraform lock was taken over: its attempt has ended.", {
      key,
      from: decision.takenOverFrom.holder,
    });
  }
  return new Response(null, { status: 200 });
}

async function unlockState(deps: TerraformBackendDeps, { key, request, caller }: StateRequest): Promise<Response> {
  const text = new TextDecoder().decode(await readBytes(request, MAX_LOCK_BYTES));
  const id = text === "" ? undefined : parseLockId(text);
  const decision = await deps.states.change<UnlockDecision>(key, async (head) => {
    const decided = decideUnlock(head, { caller, id, at: deps.clock.now() });
    return decided.kind === "unlocked" ? { head: decided.head, answer: decided } : { answer: decided };
  });
  if (decision.kind === "held") return heldResponse(decision.lock, 409);
  if (decision.kind === "unlocked" && decision.forced !== undefined) {
    deps.logger.warn("A Terraform lock was broken by force.", toForcedUnlockFields(key, caller.name, decision.forced));
  }
  return new Response(null, { status: 200 });
}

async function checkWrite(
  deps: TerraformBackendDeps,
  head: StateHead,
  caller: StateCaller,
  id: string | undefined,
): Promise<void> {
  const access = decideAccess(await findStanding(deps, head), { caller, write: true, id });
  if (access.kind === "forbidden") throw leaseEnded();
  if (access.kind === "held") {
    throw new HttpError(423, "RECORD_CONFLICT", "Another client has locked the state, or the lock id differs.");
  }
}

async function findStanding(deps: TerraformBackendDeps, { lock }: StateHead): Promise<StandingLock | undefined> {
  return lock === undefined ? undefined : { lock, binds: await isHolding(deps, lock.holder) };
}

function heldResponse(lock: StateLock, status = 423): Response {
  return new Response(lock.info, { status, headers: { "content-type": "application/json" } });
}

function leaseEnded(): StackyardError {
  return new StackyardError("FORBIDDEN", "The lease of this attempt has ended.");
}

function lockIdOf(request: Request): string | undefined {
  return new URL(request.url).searchParams.get("ID") ?? undefined;
}

function parseLockId(text: string): string | undefined {
  const value = parseJson(text);
  const id = typeof value === "object" && value !== null && "ID" in value ? value.ID : undefined;
  return typeof id === "string" && id !== "" && id.length <= 255 ? id : undefined;
}

function checkDigest(request: Request, bytes: Uint8Array): void {
  const declared = request.headers.get("content-md5");
  if (declared !== null && declared !== createHash("md5").update(bytes).digest("base64")) {
    throw new HttpError(400, "USAGE", "The body does not match its Content-MD5. Send it again.");
  }
}

interface StateCallerDeps {
  readonly store: Pick<Store, "findAttempt" | "findTaskMessage" | "records">;
  readonly clock: Clock;
  readonly authenticate: Authenticate;
  readonly guard: Guard;
}

/**
 * Finds out who calls: an operator by token, or an attempt by its id and the password of its newest grant. An attempt
 * reaches only states of its own stack, those below `toStatePrefix`. Undefined: the caller has no access.
 */
async function findStateCaller(deps: StateCallerDeps, request: Request, key: string): Promise<StateCaller | undefined> {
  const basic = parseBasic(request.headers.get("authorization"));
  if (basic === undefined || basic.user === "token") {
    const caller = await deps.authenticate(request);
    if (caller === undefined) return undefined;
    const permission = request.method === "GET" ? "states:read" : "states:write";
    await deps.guard.check({ permission, subject: "state" }, caller, { key });
    const { name } = caller.sender;
    return { holder: { kind: "operator", name }, name, live: true };
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
