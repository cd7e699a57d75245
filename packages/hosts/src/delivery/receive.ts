import {
  defined,
  isMap,
  keepStart,
  parseJson,
  type ServiceDeps,
  type ServiceRequest,
  type ServiceRoute,
  StackyardError,
} from "@stackyard/core";
import { findJsonExcess } from "@stackyard/core/programs";
import {
  createHookDeliveries,
  type HookDelivery,
  type HookEvent,
  type HookOutcome,
  type KeyedQueue,
} from "@stackyard/core/services";
import { parseGitHubDelivery } from "../github/parse-delivery.ts";
import { parseGitLabDelivery } from "../gitlab/parse-delivery.ts";
import { type HostOptions, isPolledOnly } from "../host-options.ts";
import { loadPullRecords } from "../pull/pull-records.ts";
import { openReport } from "../report/report-records.ts";
import { describeHook, digestOf } from "./describe-delivery.ts";
import type { Hook, ParsedDelivery } from "./hook.ts";
import { hasGitLabToken, isSignedByGitHub, isSignedByStandard, type SignedDelivery } from "./verify-signature.ts";

/** A host by its name in the options. */
export interface NamedHost {
  readonly name: string;
  readonly options: HostOptions;
}

/** A delivery that waits for its decision. */
export interface QueuedHook {
  readonly host: string;
  readonly id: string;
  /** The key of the delivery. Missing if the facts were read at the host. */
  readonly digest?: string;
  readonly hook: Hook;
  /** The pull request of a command, or the one that was read. */
  readonly pullNumber?: number;
  /** The comment with the command; missing for a button. */
  readonly commentId?: number;
  /** True if a button was pressed: the checks of the pull request are written again. */
  readonly isPress?: true;
  /** When it happened, by the host's clock. Missing: the host does not say so. */
  readonly at?: number;
  /** When it was read at the host. */
  readonly readAt?: number;
  /** When the delivery was received. */
  readonly receivedAt?: number;
  /** The events of a command, whose answer is all that is left to do. */
  readonly published?: readonly HookEvent[];
}

/** Returns the time of the request that a delivery is about. */
export function toWishedAt({ at, receivedAt, readAt }: Pick<QueuedHook, "at" | "receivedAt" | "readAt">): number {
  return at ?? receivedAt ?? readAt ?? 0;
}

/** GitHub sends at most so much. Source: "Webhook events and payloads", GitHub Docs. */
const MAX_BYTES = 26_214_400;
const MAX_FACTS = 65_536;
/** Deliveries of code hosts have about ten levels. */
const MAX_DEPTH = 64;
/** Far more than the largest delivery has. */
const MAX_VALUES = 2_000_000;
/** GitHub stores deliveries for three days; it does not send older ones. */
const STALE_MS = 3 * 86_400_000;
const AT_ONCE = { dueMs: 0, maxWaitMs: 0 };

/**
 * Returns the route for a host's deliveries. It stores a delivery and answers; a tick decides later. Deliveries of a
 * host that is polled are rejected.
 */
export function createReceiver(host: NamedHost, openQueue: (deps: ServiceDeps) => KeyedQueue): ServiceRoute {
  const { name } = host;
  const detail = `Deliveries of "${name}" are read at the host, not received, because of the option pull: "only".`;
  return {
    method: "POST",
    path: `/hooks/${name}`,
    maxBytes: MAX_BYTES,
    async answer(request, deps) {
      if (isPolledOnly(host)) return problem(404, "NOT_FOUND", detail);
      return receive(host, request, { ...deps, queue: openQueue(deps) });
    },
  };
}

/** The dependencies of taking a delivery. */
export interface ReceiveDeps extends ServiceDeps {
  readonly queue: KeyedQueue;
}

async function receive(host: NamedHost, request: ServiceRequest, deps: ReceiveDeps): Promise<Response> {
  const secrets = await readWebhookSecrets(host, deps).catch((error: unknown) => {
    deps.logger.error("A delivery was refused: a secret of its host cannot be read.", { host: host.name, error });
  });
  // The host shows a failed delivery, which is read again later. Only the yard reports which secret is missing.
  if (secrets === undefined) return problem(503, "HOOK_UNAVAILABLE", "Deliveries cannot be checked now.");
  const delivery = toSigned(request);
  if (delivery === undefined || !(await isSigned(host, delivery, secrets))) {
    return problem(401, "HOOK_SIGNATURE", "The signature is missing, wrong or too old. Compare the webhook's secret.");
  }
  const excess = findJsonExcess(request.body, { maxDepth: MAX_DEPTH, maxMarks: MAX_VALUES });
  if (excess !== undefined) return problem(413, "PAYLOAD_TOO_LARGE", `The body has ${excess}.`);
  const body = parseJson(delivery.body);
  if (body === undefined)
    return problem(415, "USAGE", 'The body is not JSON. Choose the content type "application/json".');
  return take(deps, host, { headers: delivery.headers, body });
}

async function take(deps: ReceiveDeps, host: NamedHost, delivery: FoundDelivery): Promise<Response> {
  if (isDeeper(delivery.body, MAX_DEPTH)) {
    return problem(413, "PAYLOAD_TOO_LARGE", `The body is nested deeper than ${MAX_DEPTH} levels.`);
  }
  const { parsed, id, unique, what } = read(host, delivery);
  const { name } = host;
  const digest = digestOf(unique);
  const given = toId(id) ?? digest;
  const ignore = (reason: string): Promise<Response> =>
    note(deps, digest, { id: given, host: name, what: keepStart(what, 64), outcome: { kind: "ignored", reason } });
  if (parsed.kind === "ignored") return ignore(parsed.reason);
  const pullNumbers = await listPullNumbers(deps, name, parsed);
  if (parsed.kind === "rerun" && pullNumbers.length === 0) return ignore("The checks belong to no open pull request.");
  return accept(deps, { host: name, id: given, digest, parsed, pullNumbers });
}

/** Returns the pull requests that a delivery names without facts, and those of forks, which GitHub does not name. */
async function listPullNumbers(deps: ReceiveDeps, host: string, parsed: Taken): Promise<readonly number[]> {
  if (parsed.kind === "comment") return [parsed.pullNumber];
  if (parsed.kind === "hook") return [];
  const records = await loadPullRecords(deps, host, parsed.hook.repository?.id ?? "0");
  const known = [...records].filter(([, { phase, head }]) => phase === "open" && head === parsed.head);
  return [...new Set([...parsed.pullNumbers, ...known.map(([number]) => number)])];
}

/** A delivery whose sender is known. */
export interface FoundDelivery {
  /** In lower case. */
  readonly headers: SignedDelivery["headers"];
  readonly body: unknown;
}

/** Takes a delivery that was read at its host, as if it had been received. The host's API vouches for it. */
export async function takeRead(deps: ReceiveDeps, host: NamedHost, delivery: FoundDelivery): Promise<void> {
  await take(deps, host, delivery);
}

/** Returns true if a value has more levels. Not recursive, so that deep values do not overflow the call stack. */
function isDeeper(value: unknown, levels: number): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; depth < levels && level.length > 0; depth++) {
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
  return level.length > 0;
}

/** Returns the delivery; undefined when the body is not UTF-8 text, which no host signs. */
function toSigned({ headers, body }: ServiceRequest): SignedDelivery | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    return { headers: Object.fromEntries(headers), body: text };
  } catch {
    return undefined;
  }
}

/** Returns the secrets with which a host signs. Throws `CONFIG_INVALID` with the option of a missing one. */
export async function readWebhookSecrets(
  { name, options }: NamedHost,
  { readSecret }: Pick<ServiceDeps, "readSecret">,
): Promise<readonly string[]> {
  try {
    return await Promise.all((options.secrets ?? []).map(readSecret));
  } catch (cause) {
    if (!(cause instanceof StackyardError)) throw cause;
    throw new StackyardError(cause.code, `hosts.${name}.secrets: ${cause.message}`, { cause });
  }
}

async function isSigned(
  { options }: NamedHost,
  delivery: SignedDelivery,
  secrets: readonly string[],
): Promise<boolean> {
  if (options.type === "github") return isSignedByGitHub(delivery, secrets);
  return isSignedByStandard(delivery, secrets) || (options.type === "gitlab" && hasToken(delivery, secrets));
}

/** Returns true for a valid token. A signed delivery has no token as a fallback, and a signing key is not a token. */
function hasToken(delivery: SignedDelivery, secrets: readonly string[]): boolean {
  if (delivery.headers["webhook-signature"] !== undefined) return false;
  const tokens = secrets.filter((secret) => !secret.startsWith("whsec_"));
  return hasGitLabToken(delivery, tokens);
}

interface ReadDelivery {
  readonly parsed: ParsedDelivery;
  readonly id: string | undefined;
  /** GitHub does not sign the id: the same body with another id is the same delivery. */
  readonly unique: unknown;
  /** The name of its event. */
  readonly what: string;
}

function readGitHub(headers: SignedDelivery["headers"], body: unknown): ReadDelivery {
  const event = headers["x-github-event"] ?? "";
  const what = event === "" ? "message" : event;
  // Neither the id nor the event is signed. A press of a button has a body of its own, because each answer changes the check.
  return { parsed: parseGitHubDelivery(event, body), id: headers["x-github-delivery"], unique: body, what };
}

function readGitLab(headers: SignedDelivery["headers"], body: unknown): ReadDelivery {
  const signed = headers["webhook-signature"] === undefined ? undefined : headers["webhook-id"];
  const id = signed ?? headers["idempotency-key"] ?? headers["x-gitlab-event-uuid"];
  // Without a signature, nothing proves the id: the same event with another body is another delivery.
  const unique = signed === undefined ? [body, headers["x-gitlab-event-uuid"] ?? null] : ["webhook-id", signed];
  const event = headers["x-gitlab-event"] ?? "";
  return { parsed: parseGitLabDelivery(body), id, unique, what: event === "" ? "message" : event };
}

function read({ name, options }: NamedHost, { headers, body }: FoundDelivery): ReadDelivery {
  if (options.type === "github") return readGitHub(headers, body);
  if (options.type === "gitlab") return readGitLab(headers, body);
  const id = headers["webhook-id"];
  const type = isMap(body) ? body["type"] : undefined;
  const action = typeof type === "string" ? keepStart(type, 64) : "message";
  const hook: Hook = { kind: "message", action, data: body, sender: { id: name, name, bot: true } };
  return { parsed: { kind: "hook", hook }, id, unique: ["webhook-id", id], what: action };
}

function toId(id: string | undefined): string | undefined {
  return id !== undefined && /^[A-Za-z0-9._:-]{1,100}$/.test(id) ? id : undefined;
}

interface AcceptInput {
  readonly host: string;
  readonly id: string;
  readonly digest: string;
  readonly parsed: Taken;
  /** The pull requests of a delivery without facts. */
  readonly pullNumbers: readonly number[];
}

type Taken = Exclude<ParsedDelivery, { readonly kind: "ignored" }>;

async function accept(deps: ReceiveDeps, { host, id, digest, parsed, pullNumbers }: AcceptInput): Promise<Response> {
  const { hook } = parsed;
  const [pullNumber, ...others] = pullNumbers;
  const said = { id, host, ...describeHook(hook, pullNumber), sender: hook.sender.name };
  const stale = await findStale(deps, host, parsed);
  if (stale !== undefined) {
    const outcome: HookOutcome = { kind: "stale", reason: `HOOK_STALE: ${stale}` };
    return note(deps, digest, { ...said, outcome });
  }
  if (Buffer.byteLength(JSON.stringify(hook)) > MAX_FACTS) {
    return problem(413, "PAYLOAD_TOO_LARGE", "The message is larger than 64 KiB.");
  }
  const { first } = await createHookDeliveries(deps).add(digest, { ...said, receivedAt: deps.clock.now() });
  // Without an outcome the first one may have died before it was queued: queues it again, with its own id.
  if (first.outcome !== undefined) return answer(200, "duplicate");
  const { receivedAt } = first;
  const times = { receivedAt, ...defined({ at: findAt(parsed) }), ...(isPress(parsed) && { isPress: true as const }) };
  for (const other of others) {
    const more: QueuedHook = { host, id: `${first.id}.${other}`, hook, pullNumber: other, ...times };
    await deps.queue.put(`${host}/${more.id}`, more, AT_ONCE);
  }
  // The last one: with its outcome, nothing is queued again.
  const commentId = parsed.kind === "comment" ? parsed.commentId : undefined;
  const queued: QueuedHook = { host, id: first.id, digest, hook, ...times, ...defined({ pullNumber, commentId }) };
  await deps.queue.put(`${host}/${first.id}`, queued, AT_ONCE);
  return answer(202, "queued");
}

function findAt(parsed: Taken): number | undefined {
  return parsed.kind === "rerun" ? undefined : parsed.at;
}

function isPress(parsed: Taken): boolean {
  return parsed.kind === "rerun" || (parsed.kind === "comment" && parsed.turn !== undefined);
}

/** Returns why a delivery is too old, by what its host has signed. */
async function findStale(deps: ReceiveDeps, host: string, parsed: Taken): Promise<string | undefined> {
  const at = findAt(parsed);
  if (at !== undefined && at < deps.clock.now() - STALE_MS) return "it is older than three days.";
  const { repository } = parsed.hook;
  if (parsed.kind !== "comment" || parsed.turn === undefined || repository === undefined) return undefined;
  const report = await openReport(deps, host, { repository, number: parsed.pullNumber });
  const { presses = 0 } = report.current() ?? {};
  return parsed.turn < presses ? "the check was written again since." : undefined;
}

/** Records deliveries without an effect, for lists. */
async function note(
  deps: ReceiveDeps,
  digest: string,
  delivery: Omit<HookDelivery, "receivedAt"> & { readonly outcome: HookOutcome },
): Promise<Response> {
  const { isNew } = await createHookDeliveries(deps).add(digest, { ...delivery, receivedAt: deps.clock.now() });
  return answer(200, isNew ? delivery.outcome.kind : "duplicate");
}

function answer(status: number, outcome: string): Response {
  return Response.json({ outcome }, { status });
}

function problem(status: number, code: string, detail: string): Response {
  const body = { type: "about:blank", title: code, status, detail, code, retryable: status === 503 };
  return Response.json(body, { status, headers: { "content-type": "application/problem+json" } });
}
