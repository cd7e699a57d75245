import { hash } from "node:crypto";
import { BlockList, isIP } from "node:net";
import {
  type Clock,
  defined,
  findStateOwner,
  isUnreadable,
  type Locator,
  StackyardError,
  type Store,
} from "@stackyard/core";
import {
  type AccessSubject,
  decideAccess,
  findGrants,
  findSecretPrefix,
  type Grant,
  OLD_RIGHTS,
  type Permission,
  type Rights,
  type Scope,
  type SecretPrefix,
  type Sender,
  type SenderKind,
  scopesOf,
  toGroups,
  toRights,
} from "@stackyard/core/access";
import { formatUnknownMachine, parseAttemptId, RUN_MACHINE } from "@stackyard/core/machine";
import { checkChannel, onChannel } from "./channels.ts";

/** The sender of a request, and its rights. */
export interface Caller {
  /** Without the request's id and address until `withRequest` adds them. */
  readonly sender: Sender;
  readonly rights: Rights;
  /** `old`: a token of the options, the environment or the data folder. */
  readonly via: "bearer" | "basic" | "cookie" | "anonymous" | "old";
  /** When the credential ends, epoch milliseconds. */
  readonly expiresAt?: number;
  readonly sessionId?: string;
  /** Of an API token: the one that it descends from, through tokens that created each other. */
  readonly family?: string;
  /** The secret was replaced by a rotation, and works for a while only. */
  readonly isReplaced?: true;
  /** The tool of an assistant, as it names it. */
  readonly tool?: string;
  /** Of a job of a CI: the name in the configuration, and the repository of its claims at that host. */
  readonly workload?: { readonly name: string; readonly repositoryId?: string };
}

/** Returns what callers have in common who may be one: a person and its tokens, or tokens that descend from one. */
export function toFamily({ sender: { kind, id, owner }, family = id }: Pick<Caller, "sender" | "family">): string {
  return owner === undefined ? `${kind} ${family}` : `person ${owner}`;
}

/** A secret that came with a request, and how. */
export interface Credential {
  readonly via: "bearer" | "basic" | "cookie";
  readonly secret: string;
}

/** Why a credential is looked up. `check`: a long request is still open, without other activity by its sender. */
export type LookUp = "use" | "check";

/** Returns the caller with a secret; undefined when the secret is unknown, expired or revoked. */
export type Authenticator = (credential: Credential, lookUp: LookUp) => Promise<Caller | undefined>;

/** Returns who a request comes from; undefined without a valid credential. Throws `STORE_UNAVAILABLE`. */
export type Authenticate = (request: Request) => Promise<Caller | undefined>;

/** Finds callers, and remembers them for a few seconds. */
export interface CallerFinder {
  readonly authenticate: Authenticate;
  /** The same for a long request that is still open: looks the credential up anew without counting as a use. */
  readonly check: Authenticate;
  /** Returns whom a request was found to come from. */
  readonly findSender: (request: Request) => Sender | undefined;
  /** Records a credential that was verified elsewhere, such as the password of an attempt. */
  accept(request: Request): void;
  /** Returns whether the credential of a request was looked up and is right. */
  readonly isAccepted: (request: Request) => boolean;
  /** Forgets remembered callers, such as those of a token that was just revoked. */
  forget(isMeant: (caller: Caller) => boolean): void;
  /** Returns a signal for long requests: aborted with the request, and when its credential is not good any more. */
  untilRevoked(request: Request, caller: Caller): AbortSignal;
  /** Looks at no credential of a long request any more. */
  stop(): void;
}

export interface CallerFinderDeps {
  readonly clock: Clock;
  /** Finds the name of a configured token, or `anonymous` where no credential is needed. */
  readonly findConfigured: (request: Request) => string | undefined;
  /** The kinds of the senders of configured tokens, by name. Default: `token`. */
  readonly kinds?: ReadonlyMap<string, SenderKind>;
  readonly grants?: readonly Grant[];
  /** By the beginning of the secret. Only well-formed secrets get there. */
  readonly authenticators?: ReadonlyMap<SecretPrefix, Authenticator>;
  /** Returns the secret of a session in the request's cookies. Default: none. */
  readonly findCookie?: (request: Request) => string | undefined;
}

const REMEMBER_MS = 5_000;
const MOST_REMEMBERED = 10_000;

/** Creates a finder. Configured tokens come first; other secrets go to the authenticator of their prefix. */
export function createCallerFinder(deps: CallerFinderDeps): CallerFinder {
  const { clock, authenticators, findCookie = () => undefined } = deps;
  const senders = new WeakMap<Request, Sender>();
  const accepted = new WeakSet<Request>();
  const stopping = new AbortController();
  let forgotten = new AbortController();
  const findConfigured = createConfiguredCallers(deps);
  const remembered = createRememberedCallers(clock);

  async function find(credential: Credential | undefined, lookUp: LookUp): Promise<Caller | undefined> {
    const prefix = credential && findSecretPrefix(credential.secret);
    const authenticator = prefix && authenticators?.get(prefix);
    if (credential === undefined || authenticator === undefined) return undefined;
    const load = () => authenticator(credential, lookUp);
    // If a check were remembered, the next use would not be recorded.
    return lookUp === "check" ? load() : remembered.find(credential, load);
  }

  async function identify(request: Request, lookUp: LookUp): Promise<Caller | undefined> {
    // A cookie comes first: where no credential is needed, it still identifies the person.
    const cookie = request.headers.has("cookie") ? findCookie(request) : undefined;
    const signedIn = cookie && (await find({ via: "cookie", secret: cookie }, lookUp));
    return signedIn || (findConfigured(request) ?? (await find(findCredential(request), lookUp)));
  }

  async function authenticate(request: Request): Promise<Caller | undefined> {
    const found = await identify(request, "use");
    const caller = found && onChannel(found, request);
    if (caller !== undefined) senders.set(request, caller.sender);
    if (caller !== undefined && caller.via !== "anonymous") accepted.add(request);
    return caller;
  }

  const check = async (request: Request) => {
    const found = await identify(request, "check");
    return found && onChannel(found, request);
  };

  async function follow(request: Request, end: AbortController): Promise<void> {
    const done = AbortSignal.any([request.signal, stopping.signal]);
    while (!done.aborted) {
      await clock.sleep(REMEMBER_MS, AbortSignal.any([done, forgotten.signal]));
      // A store that does not answer denies access too.
      const caller = done.aborted ? undefined : await check(request).catch(() => undefined);
      if (caller === undefined) return end.abort();
    }
  }

  return {
    authenticate,
    check,
    findSender: (request) => senders.get(request),
    accept: (request) => void accepted.add(request),
    isAccepted: (request) => accepted.has(request),
    forget(isMeant) {
      remembered.forget(isMeant);
      forgotten.abort();
      forgotten = new AbortController();
    },
    untilRevoked(request, { via }) {
      if (via === "old" || via === "anonymous") return request.signal;
      const end = new AbortController();
      void follow(request, end);
      return AbortSignal.any([request.signal, end.signal]);
    },
    stop: () => stopping.abort(),
  };
}

/** Returns the callers of configured tokens. Each is created once. */
function createConfiguredCallers(deps: CallerFinderDeps): (request: Request) => Caller | undefined {
  const callers = new Map<string, Caller>();
  return (request) => {
    const name = deps.findConfigured(request);
    if (name === undefined) return undefined;
    const known = callers.get(name);
    if (known !== undefined) return known;
    const caller = toConfiguredCaller(name, deps, request.headers.has("authorization"));
    callers.set(name, caller);
    return caller;
  };
}

/** Remembers callers for `REMEMBER_MS`, by a digest of their secrets. */
function createRememberedCallers(clock: Pick<Clock, "now">) {
  const remembered = new Map<string, { readonly caller: Caller; readonly until: number }>();

  function add(key: string, caller: Caller): void {
    const [oldest] = remembered.keys();
    if (remembered.size >= MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    // A caller is not remembered beyond the end of its credential.
    const until = Math.min(clock.now() + REMEMBER_MS, caller.expiresAt ?? Number.POSITIVE_INFINITY);
    remembered.set(key, { caller, until });
  }

  return {
    async find({ via, secret }: Credential, load: () => Promise<Caller | undefined>): Promise<Caller | undefined> {
      const key = `${via} ${hash("sha256", secret, "base64")}`;
      const known = remembered.get(key);
      if (known !== undefined && known.until > clock.now()) return known.caller;
      remembered.delete(key);
      const caller = await load();
      if (caller !== undefined) add(key, caller);
      return caller;
    },
    forget(isMeant: (caller: Caller) => boolean): void {
      for (const [key, { caller }] of remembered) if (isMeant(caller)) remembered.delete(key);
    },
  };
}

function toConfiguredCaller(name: string, { grants = [], kinds }: CallerFinderDeps, hasSecret: boolean): Caller {
  const own = findGrants(grants, { kind: "token", name });
  const rights = own.length === 0 ? OLD_RIGHTS : toRights(own);
  const groups = toGroups(own);
  if (!hasSecret) return { sender: { kind: "anonymous", id: name, name, groups }, rights, via: "anonymous" };
  // The ids of other tokens have no colon.
  return { sender: { kind: kinds?.get(name) ?? "token", id: `configured:${name}`, name, groups }, rights, via: "old" };
}

const CREDENTIAL = /^(bearer|basic) +([^\s]{1,16384})$/i;

/** Returns the secret in the header `authorization`; the user of Basic must be `token`. */
export function findCredential(request: Request): Credential | undefined {
  const [, scheme = "", value = ""] = CREDENTIAL.exec(request.headers.get("authorization") ?? "") ?? [];
  if (scheme === "") return undefined;
  if (scheme.toLowerCase() === "bearer") return { via: "bearer", secret: value };
  const text = Buffer.from(value, "base64").toString("utf8");
  return text.startsWith("token:") ? { via: "basic", secret: text.slice("token:".length) } : undefined;
}

/** Where a request comes from. */
export interface RequestFacts {
  readonly requestId: string;
  readonly address?: string | undefined;
}

/** Returns the caller with the facts of one request. */
export function withRequest(caller: Caller, { requestId, address }: RequestFacts): Caller {
  return { ...caller, sender: { ...caller.sender, requestId, ...defined({ address }) } };
}

/** Returns the client's address of a request: the socket's, or the one that our proxies forward. */
export type FindAddress = (socketAddress: string | undefined, forwardedFor: string | null) => string | undefined;

/**
 * Creates the finder for proxies of these networks (`10.0.0.0/8`, `2001:db8::/32`, or single addresses). Without any,
 * `X-Forwarded-For` is ignored: everyone may send it. Throws `CONFIG_INVALID` for an invalid network.
 */
export function createAddressFinder(trustedProxies: readonly string[] = []): FindAddress {
  const trusted = new BlockList();
  for (const network of trustedProxies) addNetwork(trusted, network);
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return (socketAddress, forwardedFor) => {
    const socket = socketAddress === undefined ? undefined : toAddress(socketAddress);
    if (socket === undefined || forwardedFor === null || !isTrusted(socket)) return socket;
    return findRightmostForeign([socket, ...forwardedFor.split(",").reverse()], isTrusted);
  };
}

/** Returns the rightmost address that is not a trusted proxy: each proxy appends the address of its caller. */
function findRightmostForeign(hops: readonly string[], isTrusted: (address: string) => boolean): string | undefined {
  let last: string | undefined;
  for (const hop of hops) {
    const address = toAddress(hop.trim());
    if (address === undefined) return last;
    last = address;
    if (!isTrusted(address)) return address;
  }
  return last;
}

function addNetwork(list: BlockList, network: string): void {
  const [address = "", bits] = network.split("/");
  const version = isIP(address);
  const most = version === 6 ? 128 : 32;
  const prefix = bits === undefined ? most : Number(bits);
  if (version === 0 || !/^\d{1,3}$/.test(bits ?? "0") || prefix > most) {
    const message = `server.trustedProxies: "${network}" is not a network. Write one such as 10.0.0.0/8.`;
    throw new StackyardError("CONFIG_INVALID", message);
  }
  list.addSubnet(address, prefix, version === 6 ? "ipv6" : "ipv4");
}

/** Returns the address without port, brackets or zone; an IPv4-mapped IPv6 address (`::ffff:…`) as IPv4. */
function toAddress(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](:\d+)?$/.exec(text)?.[1] ?? /^(\d[\d.]*):\d+$/.exec(text)?.[1] ?? text;
  const address = bare.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(address) === 0 ? undefined : address.toLowerCase();
}

/** Returns the key for rate limits: the address, for IPv6 its /64 network, which one customer has alone (RFC 6177). */
export function toRateKey(address: string | undefined): string {
  if (address === undefined) return "unknown";
  if (isIP(address) !== 6) return address;
  // The parser of URLs writes an address in its shortest form (RFC 5952).
  const [head = "", tail = ""] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === "" ? [] : tail.split(":");
  const filled = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => "0"), ...last];
  return `${filled.slice(0, 4).join(":")}::/64`;
}

/** The caller of public routes, which read no credential. */
export const ANONYMOUS: Caller = {
  sender: { kind: "anonymous", id: "anonymous", name: "anonymous", groups: [] },
  rights: [],
  via: "anonymous",
};

/**
 * The subject of a route, which decides who checks the permission there. `list`: the permission is needed somewhere,
 * and the handler shows what the caller may see. `items`: the handler checks each item, which may need different
 * permissions. `yard`: only a grant without limits. The others name their parameter: `stack` (`stackId`), `machine`
 * (`name`), `attempt` (`attemptId`), `approval` (`approvalId`), `run` (`runId`; without one a new run) and `state`
 * (`key`).
 */
export type RouteSubject = "list" | "items" | "yard" | "stack" | "machine" | "attempt" | "approval" | "run" | "state";

/** Which permission a route needs, and for what. A route without it does not compile. */
export type RouteAccess =
  | { readonly permission: "public" | "signed-in"; readonly subject: "none" }
  | { readonly permission: Permission; readonly subject: RouteSubject };

/** Checks whether callers may do what routes need. */
export interface Guard {
  /** Throws `FORBIDDEN` with the permission, `NO_GRANT`, or the error for something that does not exist. */
  check(access: RouteAccess, caller: Caller, params: Params): Promise<void>;
  /** Returns the subject of a stack id, with its machine where that matters for these rights. */
  findStack(rights: Rights, stackId: string): Promise<AccessSubject>;
  /** Returns the subject of an attempt, which may be of an earlier stack of that id; undefined for an invalid id. */
  findAttempt(rights: Rights, attemptId: string): Promise<AccessSubject | undefined>;
}

interface GuardDeps {
  readonly store: Store;
  readonly locator: Locator;
}

/** Creates the guard of a server. It looks a stack up only for callers that are limited to machines. */
export function createGuard({ store, locator }: GuardDeps): Guard {
  async function findStack(rights: Rights, stackId: string): Promise<AccessSubject> {
    const machine = rights.some(hasMachines) ? await findStackMachine(store, stackId) : undefined;
    return { kind: "stack", stackId, ...defined({ machine }) };
  }

  async function findAttempt(rights: Rights, attemptId: string): Promise<AccessSubject | undefined> {
    const parts = parseAttemptId(attemptId);
    if (parts === undefined) return undefined;
    const machine = rights.some(hasMachines)
      ? await findStackMachine(store, parts.stackId, parts.incarnation)
      : undefined;
    return { kind: "stack", stackId: parts.stackId, ...defined({ machine }) };
  }

  async function findSubject(subject: OneSubject, rights: Rights, params: Params): Promise<AccessSubject | undefined> {
    switch (subject) {
      case "yard":
        return { kind: "yard" };
      case "machine":
        return { kind: "machine", machine: params["name"] ?? "" };
      case "stack":
        return findStack(rights, params["stackId"] ?? "");
      case "attempt":
      case "approval":
        return findAttempt(rights, params[`${subject}Id`] ?? "");
      case "run":
        return { kind: "stack", stackId: params["runId"] ?? "", machine: RUN_MACHINE };
      case "state":
        return toStateSubject(params["key"] ?? "");
    }
  }

  async function checkOne(
    access: { readonly permission: Permission; readonly subject: OneSubject },
    rights: Rights,
    params: Params,
  ) {
    const { permission, subject } = access;
    const found = await findSubject(subject, rights, params);
    const decision = found === undefined ? "absent" : decideAccess(rights, permission, found);
    if (decision === "allowed") return;
    if (decision === "forbidden") throw forbidden(permission);
    if (subject === "machine") throw await toUnknownMachine(locator, rights, params["name"] ?? "");
    throw toAbsent(subject, permission, params);
  }

  return {
    findStack,
    findAttempt,
    async check(access, { rights, sender: { channel } }, params) {
      checkChannel(channel, access.permission);
      if (access.subject === "none") return;
      const { permission, subject } = access;
      if (hasEverywhere(rights, permission)) return;
      if (rights.length === 0) throw noGrant();
      if (subject === "list" && scopesOf(rights, permission).length === 0) throw forbidden(permission);
      if (subject !== "list" && subject !== "items") await checkOne({ permission, subject }, rights, params);
    },
  };
}

type Params = Readonly<Record<string, string>>;
type OneSubject = Exclude<RouteSubject, "list" | "items">;

/** Returns true if rights without limits include the permission, the common case; those of old identities do. */
export function hasEverywhere(rights: Rights, permission: Permission): boolean {
  return rights.some(({ permissions, machines, stacks }) => {
    return machines === undefined && stacks === undefined && permissions.has(permission);
  });
}

const OF_EVENTS: readonly Permission[] = ["send", "operate", "repair", "approve"];

/** Returns whether a caller may send any event to any stack: the common case. */
export function mayPublishAll({ rights }: Pick<Caller, "rights">): boolean {
  return OF_EVENTS.every((permission) => hasEverywhere(rights, permission));
}

function hasMachines({ machines }: Scope): boolean {
  return machines !== undefined;
}

/** Returns the subject of a state's key; undefined for keys that are not of a stack. */
export function toStateSubject(key: string): AccessSubject | undefined {
  const owner = findStateOwner(key);
  return owner && { kind: "stack", ...owner };
}

/** Returns the machine of a stack's incarnation; by default of the present one, or the last one of a removed stack. */
export async function findStackMachine(
  store: Store,
  stackId: string,
  incarnation?: string,
): Promise<string | undefined> {
  try {
    const [loaded] = await store.load([stackId]);
    const { stack } = loaded ?? {};
    const isMeant = incarnation === undefined || incarnation === stack?.incarnation.toWellFormed();
    if (stack !== undefined && isMeant) return stack.machine;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
  // An incarnation has the id of the event that has begun it.
  const filter = incarnation === undefined ? { stackId, newestFirst: true } : { stackId, eventId: incarnation };
  const { items } = await store.queries.listHistory(filter, { limit: LINES });
  const hash = items.find(({ machineHash }) => machineHash !== undefined)?.machineHash;
  return hash === undefined ? undefined : (await store.revisions.get(hash))?.name;
}

// Lines about events that came after the removal have no machine.
const LINES = 16;

function noGrant(): StackyardError {
  return new StackyardError("NO_GRANT", "No grant gives you access to this yard. Ask its administrators for one.");
}

/** Returns the error for an operation that the caller may not perform on something it may read. */
export function forbidden(permission: Permission, details: Readonly<Record<string, unknown>> = {}): StackyardError {
  return new StackyardError("FORBIDDEN", `This needs the permission "${permission}", which you do not have here.`, {
    details: { permission, ...details },
  });
}

/** Returns the error for something that does not exist, also for subjects that the caller may not read. */
function toAbsent(
  subject: RouteSubject,
  permission: Permission,
  { stackId, attemptId, approvalId, runId, key }: Params,
): StackyardError {
  if (subject === "stack") return new StackyardError("STACK_UNKNOWN", `Stack "${stackId}" does not exist.`);
  if (subject === "attempt") return new StackyardError("NOT_FOUND", `Attempt "${attemptId}" not found.`);
  if (subject === "approval") return new StackyardError("NOT_FOUND", `Approval "${approvalId}" not found.`);
  if (subject === "state") return new StackyardError("NOT_FOUND", `Terraform state "${key}" not found.`);
  // A run that is to be started is nowhere yet.
  if (runId === undefined) return forbidden(permission);
  return new StackyardError("NOT_FOUND", `Run "${runId}" not found.`);
}

/** Returns `MACHINE_UNKNOWN` with the most similar name among those that the caller may read. */
export async function toUnknownMachine(locator: Locator, rights: Rights, name: string): Promise<StackyardError> {
  const listed = (await locator.list()).map((machine) => machine.name);
  const names = listed.filter((machine) => decideAccess(rights, "read", { kind: "machine", machine }) === "allowed");
  return new StackyardError("MACHINE_UNKNOWN", formatUnknownMachine(name, names));
}
