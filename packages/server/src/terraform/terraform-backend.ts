import { hash, timingSafeEqual } from "node:crypto";
import {
  type Clock,
  defined,
  isMap,
  isStackyardError,
  keepStart,
  type Logger,
  MAX_STATE_KEY,
  StackyardError,
  type Store,
  toStatePrefix,
} from "@stackyard/core";
import { type AuditWriter, type Sender, toBy } from "@stackyard/core/access";
import { type AttemptView, toAttemptPassword } from "@stackyard/core/engine";
import { type CallerFinder, type RequestFacts, withRequest } from "../access/caller.ts";
import type { Guard } from "../access/guard.ts";
import { type BasicCredentials, parseBasic } from "../access/operator-token.ts";
import type { ByteRoom } from "../http/byte-room.ts";
import { toMethodError } from "../http/common-route.ts";
import { HttpError } from "../http/problem.ts";
import { parseStrictJson, readBytes } from "../http/read-body.ts";
import {
  decideAccess,
  decideLock,
  decideUnlock,
  findCurrent,
  LOCK_TEXT,
  type LockDecision,
  type LockHolder,
  type StandingLock,
  type StateCaller,
  type StateHead,
  type StateLock,
  type StateStore,
  type StateVersion,
  toAuditSubject,
  toCallerBy,
  toForcedUnlockFields,
  toHolderFacts,
  type UnlockDecision,
} from "./state-store.ts";

interface TerraformBackendDeps extends StateCallerDeps {
  readonly audit: AuditWriter;
  readonly states: StateStore;
  readonly logger: Logger;
  readonly maxBytes: number;
  /** For the states that are sent at the same time. */
  readonly room: ByteRoom;
}

/** One request of Terraform's `http` backend. */
interface StateRequest {
  readonly key: string;
  readonly request: Request;
  readonly caller: FoundCaller;
}

/** The same, before authentication. */
export interface UncheckedRequest extends Omit<StateRequest, "caller"> {
  readonly facts: RequestFacts;
}

interface FoundCaller extends StateCaller {
  /** The sender for the audit log. Undefined for attempts: the history of their stack contains their actions. */
  readonly sender?: Sender;
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

/**
 * Answers Terraform's `http` backend (developer.hashicorp.com/terraform/language/backend/http): 404 without a state,
 * 423 with the holder's description while another caller has the lock. States may contain secrets: none of their
 * content is logged.
 */
export async function answerTerraform(
  deps: TerraformBackendDeps,
  { key, request, facts }: UncheckedRequest,
): Promise<Response> {
  const handler = HANDLERS.get(request.method);
  if (handler === undefined) throw toMethodError([...HANDLERS.keys()]);
  if (key === "" || key.length > MAX_STATE_KEY)
    throw new HttpError(400, "USAGE", `The key of a state has 1 to ${MAX_STATE_KEY} characters.`);
  const caller = await findStateCaller(deps, { key, request, facts });
  if (caller === undefined) {
    throw new StackyardError(
      "UNAUTHENTICATED",
      "Neither an operator's token nor the lease of an attempt of this stack.",
    );
  }
  return handler(deps, { key, request, caller }).catch((error: unknown) => {
    if (error instanceof LockHeld) return heldResponse(error);
    throw error;
  });
}

/** Changes a state. Changes by callers other than attempts are recorded before and after; else nothing changes. */
async function audited<Result>(
  { audit }: TerraformBackendDeps,
  action: string,
  { key, caller, call }: Pick<StateRequest, "key" | "caller"> & { readonly call: () => Promise<Result> },
): Promise<Result> {
  if (caller.sender === undefined) return call();
  return audit.run({ action, who: caller.sender, via: "backend", on: toAuditSubject(key) }, call);
}

async function getState(deps: TerraformBackendDeps, { key, caller }: StateRequest): Promise<Response> {
  const head = await deps.states.loadHead(key);
  const access = decideAccess(await findStanding(deps, head), { caller, write: false, id: undefined });
  if (access.kind !== "allowed") throw leaseEnded();
  const current = findCurrent(head);
  if (current === undefined) return new Response(null, { status: 404 });
  let md5 = "";
  const body = await deps.room.write({ bytes: current.bytes, caller: caller.name }, async () => {
    const bytes = await readWhole(deps.states, key, current);
    md5 = hash("md5", bytes, "base64");
    return bytes;
  });
  if (caller.sender !== undefined) {
    const action = { action: "readTerraformState", who: caller.sender, via: "backend", on: toAuditSubject(key) };
    await deps.audit.write({ ...action, outcome: "done" });
  }
  const length = String(current.bytes);
  const headers = { "content-type": "application/json", "content-md5": md5, "content-length": length };
  return new Response(body, { headers });
}

async function readWhole(states: StateStore, key: string, version: StateVersion): Promise<Uint8Array> {
  return states.read(key, version).catch((error: unknown) => {
    // Terraform takes 404 for an empty state, and would create everything again.
    if (!isStackyardError(error, "NOT_FOUND")) throw error;
    const text = `A part of the state "${key}" is missing in the store.`;
    throw new StackyardError("STORE_CORRUPT", text, { cause: error });
  });
}

async function postState(deps: TerraformBackendDeps, { key, request, caller }: StateRequest): Promise<Response> {
  const id = lockIdOf(request);
  const check = (head: StateHead) => checkWrite(deps, head, caller, id);
  const token = caller.holder.kind === "attempt" ? caller.holder.token : undefined;
  await deps.room.read(request, { maxBytes: deps.maxBytes, caller: caller.name }, async (bytes) => {
    checkDigest(request, bytes);
    const call = () => deps.states.write(key, { bytes, ...toCallerBy(caller), token, check });
    await audited(deps, "writeTerraformState", { key, caller, call });
  });
  return new Response(null, { status: 200 });
}

async function deleteState(deps: TerraformBackendDeps, { key, request, caller }: StateRequest): Promise<Response> {
  // Terraform deletes a state without a body, and releases a lock with one.
  if ((await readBytes(request, MAX_LOCK_BYTES)).byteLength > 0) throw new HttpError(400, "USAGE", LOCK_TEXT);
  const call = () =>
    deps.states.change(key, async (head) => {
      await checkWrite(deps, head, caller, lockIdOf(request));
      const { current: _, ...rest } = head;
      return { head: rest, answer: undefined };
    });
  await audited(deps, "deleteTerraformState", { key, caller, call });
  return new Response(null, { status: 200 });
}

async function lockState(deps: TerraformBackendDeps, { key, request, caller }: StateRequest): Promise<Response> {
  const info = new TextDecoder().decode(await readBytes(request, MAX_LOCK_BYTES));
  const id = parseLockId(info);
  if (id === undefined) throw new HttpError(400, "USAGE", 'The lock has no "ID".');
  const lock: StateLock = { id, info, holder: caller.holder, at: deps.clock.now() };
  const call = () =>
    deps.states.change<LockDecision>(key, async (head) => {
      const decided = decideLock(head, await findStanding(deps, head), { caller, lock });
      if (decided.kind === "forbidden") throw leaseEnded();
      if (decided.kind === "held") throw new LockHeld(423, decided.lock);
      return { head: decided.head, answer: decided };
    });
  const decision = await audited(deps, "lockTerraformState", { key, caller, call });
  if (decision.kind === "locked" && decision.takenOverFrom !== undefined) {
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
  const call = () =>
    deps.states.change<UnlockDecision>(key, async (head) => {
      const decided = decideUnlock(head, { caller, id, at: deps.clock.now() });
      if (decided.kind === "held") throw new LockHeld(409, decided.lock);
      return decided.kind === "unlocked" ? { head: decided.head, answer: decided } : { answer: decided };
    });
  const decision = await audited(deps, "unlockTerraformState", { key, caller, call });
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

/** Another caller has the lock. Terraform gets the holder's own description. */
class LockHeld extends HttpError {
  readonly lock: StateLock;

  constructor(status: number, lock: StateLock) {
    super(status, "RECORD_CONFLICT", "Another client has locked the state.");
    this.lock = lock;
  }
}

/** Returns the holder's description of its lock, with our name for the holder where Terraform has a free text. */
function heldResponse({ lock, status }: LockHeld): Response {
  const described = parseStrictJson(lock.info);
  const info = isMap(described) ? JSON.stringify({ ...described, Info: toHolderFacts(lock).holder }) : lock.info;
  return new Response(info, { status, headers: { "content-type": "application/json" } });
}

function leaseEnded(): StackyardError {
  return new StackyardError("FORBIDDEN", "The lease of this attempt has ended.");
}

function lockIdOf(request: Request): string | undefined {
  return new URL(request.url).searchParams.get("ID") ?? undefined;
}

function parseLockId(text: string): string | undefined {
  const value = parseStrictJson(text);
  const id = typeof value === "object" && value !== null && "ID" in value ? value.ID : undefined;
  return typeof id === "string" && id !== "" && id.length <= 255 ? id : undefined;
}

function checkDigest(request: Request, bytes: Uint8Array): void {
  const declared = request.headers.get("content-md5");
  if (declared !== null && declared !== hash("md5", bytes, "base64")) {
    throw new HttpError(400, "USAGE", "The body does not match its Content-MD5. Send it again.");
  }
}

interface StateCallerDeps {
  readonly store: Pick<Store, "findAttempt" | "findTaskMessage" | "records">;
  readonly clock: Clock;
  readonly callers: Pick<CallerFinder, "authenticate" | "accept">;
  readonly guard: Guard;
}

/**
 * Authenticates the caller: an operator by token, or an attempt by its id and the password of its newest grant. An
 * attempt can access only states of its own stack, those below `toStatePrefix`. Returns undefined when the caller has
 * no access.
 */
async function findStateCaller(
  deps: StateCallerDeps,
  { key, request, facts }: UncheckedRequest,
): Promise<FoundCaller | undefined> {
  const basic = parseBasic(request.headers.get("authorization"));
  if (basic === undefined || basic.user === "token") {
    const caller = await deps.callers.authenticate(request);
    if (caller === undefined) return undefined;
    const permission = request.method === "GET" ? "states:read" : "states:write";
    await deps.guard.check({ permission, subject: "state" }, caller, { key });
    const { sender } = withRequest(caller, facts);
    const { by: name, byId: id } = toBy(sender);
    return { holder: { kind: "operator", name, ...defined({ id }) }, name, live: true, sender };
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
  deps.callers.accept(request);
  const holder = { kind: "attempt", attemptId, token } as const;
  return { holder, name: keepStart(attemptId, 512), live: isLive(attempt, token, deps.clock.now()) };
}

async function isPassword(
  { store, clock }: StateCallerDeps,
  { user, password }: BasicCredentials,
  token: number,
): Promise<boolean> {
  const expected = await toAttemptPassword(store.records, { attemptId: user, token }, clock.now());
  return timingSafeEqual(hash("sha256", password, "buffer"), hash("sha256", expected, "buffer"));
}

/** Returns true if a lock still binds: an attempt's ends with its lease. */
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
