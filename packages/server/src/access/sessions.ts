import { createHmac, hash } from "node:crypto";
import { type Clock, defined, listPages, type Records, StackyardError } from "@stackyard/core";
import { formatSecret, noteEndedSession, ROLES, type Sender } from "@stackyard/core/access";
import type { Page, PageInput, StoredRecord } from "@stackyard/core/engine";
import { createSealer, type Sealer } from "@stackyard/core/services";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { toPage } from "../routes/to-page.ts";

/** The kind of a session: for a browser's cookie, by the command line of a person, or by a workload. */
const SessionKind = Type.Enum(["browser", "cli", "workload"]);
export type SessionKind = Static<typeof SessionKind>;

const StoredSession = Type.Object({
  kind: SessionKind,
  sender: Type.Object({
    kind: Type.Enum(["person", "local", "workload"]),
    id: Type.String(),
    name: Type.String(),
    groups: Type.Array(Type.String()),
  }),
  /** The issuer of a person's session. */
  issuer: Type.Optional(Type.String()),
  subject: Type.Optional(Type.String()),
  /** The issuer's own session. */
  sid: Type.Optional(Type.String()),
  /** The issuer's ID token, for its logout: encrypted with a key of the secret, which only the browser has. */
  sealedIdToken: Type.Optional(Type.String()),
  /** The configured token that has made the one-time code of a person, and the role if it is less than the token's. */
  token: Type.Optional(Type.String()),
  role: Type.Optional(Type.Enum([...ROLES])),
  /** The workload's name in the configuration, and the claims that grants name. */
  workload: Type.Optional(Type.String()),
  claims: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  /** The origin of the login: the name that the client sent, and its address. */
  client: Type.Optional(Type.String()),
  address: Type.Optional(Type.String()),
  createdAt: Type.Number(),
  usedAt: Type.Number(),
  endsAt: Type.Number(),
  /** The id of the session that allowed it. It ends with it. */
  parent: Type.Optional(Type.String()),
});
type StoredSession = Static<typeof StoredSession>;

/** The stored form of a session. Its secret is not stored: the id is the beginning of the secret's SHA-256. */
export interface Session extends StoredSession {
  readonly id: string;
}

/** The data of a new session. */
export interface NewSession
  extends Pick<
    StoredSession,
    "kind" | "issuer" | "subject" | "sid" | "token" | "role" | "workload" | "claims" | "client" | "address" | "parent"
  > {
  readonly sender: Sender;
  readonly idToken?: string;
  /** It ends at the latest then. */
  readonly mostUntil?: number;
}

/** Sessions as records of the yard. */
export interface Sessions {
  begin(input: NewSession): Promise<{ readonly secret: string; readonly session: Session }>;
  /** Returns the session of a secret; undefined when it is unknown or has ended. */
  find(secret: string): Promise<Session | undefined>;
  /** Finds a session as `find` does, and restarts its idle time. */
  use(secret: string): Promise<Session | undefined>;
  /** Returns the sessions that have not ended, in order of ids. */
  list(page: PageInput): Promise<Page<Session>>;
  /** Yields all sessions that have not ended. */
  all(): AsyncGenerator<Session, void>;
  get(id: string): Promise<Session | undefined>;
  /** Ends one, and those that it has allowed. Returns all of them, itself first; empty when it is unknown. */
  end(id: string): Promise<readonly Session[]>;
}

interface SessionDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
  readonly random: (bytes: number) => Uint8Array;
}

const PREFIX = "access/sessions/";
const HOUR_MS = 3_600_000;
/** From the login to the end, by kind. */
const TOTAL_MS: Readonly<Record<SessionKind, number>> = {
  browser: 16 * HOUR_MS,
  cli: 16 * HOUR_MS,
  workload: HOUR_MS,
};
/** A browser that is left alone signs out; a command line has no page that is left open. */
const IDLE_MS = 8 * HOUR_MS;
/** The precision of the instant of the last use, in milliseconds: not each request needs a write. */
const USED_MS = 5 * 60_000;
const ID_LENGTH = 32;
const ID = /^[0-9a-f]{32}$/;
const PAGE = 500;

/** Returns the lifetime of a session, in seconds. */
export function lifetimeSeconds(kind: SessionKind): number {
  return TOTAL_MS[kind] / 1_000;
}

/** Creates the sessions of a yard over its records. */
export function createSessions({ records, clock, random }: SessionDeps): Sessions {
  async function write(key: string, value: StoredSession, expected: number | "absent"): Promise<boolean> {
    const now = clock.now();
    const expiresAt = value.kind === "browser" ? Math.min(value.usedAt + IDLE_MS, value.endsAt) : value.endsAt;
    return (await records.put({ key, value, expected, expiresAt, now })).kind === "written";
  }

  async function findById(id: string): Promise<StoredRecord | undefined> {
    if (!ID.test(id)) return undefined;
    const { items } = await records.list(PREFIX + id, { limit: 1, now: clock.now() });
    return items[0];
  }

  async function findBySecret(
    secret: string,
  ): Promise<{ readonly session: Session; readonly version: number } | undefined> {
    const record = await records.get(keyOf(secret), clock.now());
    const session = record && toSession(record);
    return session && { session, version: record.version };
  }

  async function list(page: PageInput): Promise<Page<Session>> {
    const found = await records.list(PREFIX, { ...page, now: clock.now() });
    return toPage(found, { toView: readSession, toId: ({ key }) => idOf(key) });
  }

  async function* all(): AsyncGenerator<Session, void> {
    for await (const { items } of listPages((start) => list({ limit: PAGE, ...start }))) yield* items;
  }

  async function endOne(id: string): Promise<Session | undefined> {
    // A concurrent use of the session changes its version.
    for (let record = await findById(id); record !== undefined; record = await findById(id)) {
      // Sessions and tokens derived from it must not outlive it if this process dies now.
      await noteEndedSession(records, id, clock.now());
      if (await records.remove(record.key, record.version)) return toSession(record);
    }
    return undefined;
  }

  return {
    async begin({ sender, idToken, mostUntil = Number.POSITIVE_INFINITY, ...input }) {
      const secret = formatSecret(input.kind === "workload" ? "syw_" : "sys_", random(32));
      const now = clock.now();
      const { kind, id, name, groups } = sender;
      const value = Value.Parse(StoredSession, {
        ...input,
        sender: { kind, id, name, groups: [...groups] },
        ...defined({ sealedIdToken: idToken && (await sealIdToken(idToken, secret)) }),
        createdAt: now,
        usedAt: now,
        endsAt: Math.min(now + TOTAL_MS[input.kind], mostUntil),
      });
      const key = keyOf(secret);
      await write(key, value, "absent");
      return { secret, session: { ...value, id: idOf(key) } };
    },
    find: async (secret) => (await findBySecret(secret))?.session,
    async use(secret) {
      const found = await findBySecret(secret);
      if (found === undefined) return undefined;
      const { id: _, ...value } = found.session;
      const usedAt = clock.now();
      // When another request writes it first, that one has moved the time on.
      if (usedAt - value.usedAt >= USED_MS) await write(keyOf(secret), { ...value, usedAt }, found.version);
      return found.session;
    },
    list,
    all,
    async get(id) {
      const record = await findById(id);
      return record && toSession(record);
    },
    async end(id) {
      const ended = await endOne(id);
      if (ended === undefined) return [];
      const allowed: Session[] = [];
      for await (const session of all()) if (session.parent === id) allowed.push(session);
      const others = await Promise.all(allowed.map((session) => endOne(session.id)));
      return [ended, ...others.filter((session) => session !== undefined)];
    },
  };
}

function toSession({ key, value }: StoredRecord): Session | undefined {
  const session = parseSession(value);
  return session && { ...session, id: idOf(key) };
}

function readSession(record: StoredRecord): Session {
  const session = toSession(record);
  if (session !== undefined) return session;
  throw new StackyardError(
    "STORE_CORRUPT",
    "The session is damaged, or was written by another version. It cannot be used.",
  );
}

/** Parses a session; undefined for a record in the format of another version. */
function parseSession(value: unknown): StoredSession | undefined {
  return Value.Check(StoredSession, value) ? value : undefined;
}

function keyOf(secret: string): string {
  return PREFIX + hash("sha256", secret);
}

function idOf(key: string): string {
  return key.slice(PREFIX.length, PREFIX.length + ID_LENGTH);
}

async function sealIdToken(idToken: string, secret: string): Promise<string> {
  return Buffer.from(await toSealer(secret).seal(Buffer.from(idToken))).toString("base64url");
}

/** Returns the ID token of a session; undefined when it has none. */
export async function openIdToken({ sealedIdToken }: Session, secret: string): Promise<string | undefined> {
  if (sealedIdToken === undefined) return undefined;
  // If the record was changed, the issuer asks the person instead.
  const bytes = await toSealer(secret).open(Buffer.from(sealedIdToken, "base64url"));
  return bytes && Buffer.from(bytes).toString("utf8");
}

/** Creates the sealer of ID tokens. Its key differs from the digest of the secret, which is stored. */
function toSealer(secret: string): Sealer {
  return createSealer([createHmac("sha256", secret).update("id token").digest()]);
}

/** Returns the parts of a session that lists show. */
export function toSessionView(session: Session, currentId: string | undefined) {
  const { id, kind, sender, client, address, createdAt, usedAt, endsAt } = session;
  return {
    id,
    kind,
    who: { kind: sender.kind, id: sender.id, name: sender.name },
    groups: sender.groups,
    createdAt: new Date(createdAt).toISOString(),
    usedAt: new Date(usedAt).toISOString(),
    endsAt: new Date(endsAt).toISOString(),
    current: id === currentId,
    ...defined({ client, address }),
  };
}
