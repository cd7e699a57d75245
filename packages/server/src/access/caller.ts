import { hash } from "node:crypto";
import { type Clock, defined, RecentMap } from "@stackyard/core";
import {
  findGrants,
  findSecretPrefix,
  findTokenRights,
  type Grant,
  type Rights,
  type SecretPrefix,
  type Sender,
  type SenderKind,
  toGroups,
} from "@stackyard/core/access";
import { onChannel } from "./channels.ts";

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
  /** The family of an API token: the token that it descends from, through tokens that created each other. */
  readonly family?: string;
  /** The secret was replaced by a rotation, and works for a while only. */
  readonly isReplaced?: true;
  /** The tool of an assistant, as it names it. */
  readonly tool?: string;
  /** The workload of a job of a CI: its name in the configuration, and the repository of its claims at that host. */
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
  const remembered = new RecentMap<string, { readonly caller: Caller; readonly until: number }>(MOST_REMEMBERED);

  function add(key: string, caller: Caller): void {
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
  const rights = findTokenRights(name, grants);
  const groups = toGroups(findGrants(grants, { kind: "token", name }));
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

/** The caller of public routes, which read no credential. */
export const ANONYMOUS: Caller = {
  sender: { kind: "anonymous", id: "anonymous", name: "anonymous", groups: [] },
  rights: [],
  via: "anonymous",
};
