import { hash, randomBytes } from "node:crypto";
import {
  type Clock,
  changeRecord,
  defined,
  type Ids,
  type Logger,
  listPages,
  type Records,
  StackyardError,
} from "@stackyard/core";
import {
  ApiTokenRecord,
  type ApiTokenRequest,
  type AuditWriter,
  checkHandedOn,
  findCredentialEnd,
  findSecretEnd,
  formatSecret,
  type Grant,
  hasEnded,
  isOwnToken,
  isReplaced,
  isUseNews,
  makeApiToken,
  revokeApiToken,
  rotateApiToken,
  statusOfToken,
  TOKENS,
  toCredential,
  toOverlapMs,
  toRecordEnd,
  toRight,
  toTokenEnd,
  toTokenKey,
} from "@stackyard/core/access";
import type { Page, PageInput } from "@stackyard/core/engine";
import { defineRecordKind } from "@stackyard/core/services";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { pageOfReadable } from "../routes/readable-page.ts";
import { toPage } from "../routes/to-page.ts";
import type { Authenticator, Caller } from "./caller.ts";
import { hasEverywhere } from "./guard.ts";

export interface ApiTokensDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly audit: AuditWriter;
  /** The grants of the yard, which limit tokens too: see `toRight`. */
  readonly grants: readonly Grant[];
  /** Called when a token or a secret was ended early. */
  readonly onRevoked: (tokenId: string) => void;
  /** Returns the random bytes of a new secret. Default: the system's. */
  readonly random?: () => Uint8Array;
}

/** A token with its secret, which is available only now. */
interface IssuedToken {
  readonly secret: string;
  readonly token: ApiTokenRecord;
}

/** The API tokens of a yard: one record each, and one for each secret's digest, which leads to the token. */
export interface ApiTokens {
  readonly authenticate: Authenticator;
  /** Returns the tokens that the caller may see, in order of their ids. */
  list(caller: Caller, page: PageInput): Promise<Page<ApiTokenRecord>>;
  /** Throws `FORBIDDEN` for more rights than the caller has, `USAGE` for an invalid duration. */
  create(caller: Caller, request: ApiTokenRequest): Promise<IssuedToken>;
  /** Throws `NOT_FOUND`, `OUTCOME_NEGATIVE` for a token that has ended, and as `create`. */
  rotate(caller: Caller, id: string, options: RotateOptions): Promise<IssuedToken>;
  /** Throws `NOT_FOUND`. */
  revoke(caller: Caller, id: string): Promise<ApiTokenRecord>;
}

export interface RotateOptions {
  readonly overlap?: string | undefined;
  readonly expires?: string | undefined;
}

const MAX_TOKENS = 100;
/** As many as a caller may have tokens. */
const MOST_PARENTS = MAX_TOKENS;
const PAGE = { limit: 1_000 };

const checkRecord = Compile(ApiTokenRecord);

/** Secrets by digest: the token that contains it. */
const secrets = defineRecordKind({
  prefix: "access/secrets/",
  value: Type.Object({ tokenId: Type.String() }),
  holds: "secrets of API tokens, as digests",
  kept: "until they end",
  damaged: "missing",
});

/** Creates the tokens of a yard over its records. */
export function createApiTokens(deps: ApiTokensDeps): ApiTokens {
  const { clock, logger } = deps;
  const kept = createTokenRecords(deps);
  const parts: TokenParts = { ...deps, kept };

  /** Records a use without delaying the request: a failure to record it is not an error of the request. */
  function noteUse({ token, version }: FoundToken, now: number): void {
    kept.put({ ...token, lastUsedAt: now }, version).catch((error: unknown) => {
      logger.debug("The use of an API token was not recorded.", { tokenId: token.id, error });
    });
  }

  return {
    async authenticate({ via, secret }) {
      // The cookie is for browser logins: requests with it come from pages.
      if (via === "cookie") return undefined;
      const now = clock.now();
      const digest = hash("sha256", secret);
      const found = await kept.findBySecret(digest);
      const endsAt = found && findSecretEnd(found.token, digest, now);
      if (found === undefined || endsAt === undefined) return undefined;
      const { createdWith } = found.token;
      if (createdWith !== undefined && (await hasEnded(deps.records, createdWith, now))) return undefined;
      if (isUseNews(found.token, now)) noteUse(found, now);
      const more = defined({ isReplaced: isReplaced(found.token, digest) || undefined });
      return { ...toCaller(deps, found.token, { via, endsAt }), ...more, family: await findFirst(kept, found.token) };
    },
    list: (caller, page) => {
      const show = async (items: readonly ApiTokenRecord[]) => {
        const views = items.map(async (token) => (maySee(caller, token) ? withEnd(deps, token) : undefined));
        return { views: await Promise.all(views) };
      };
      return pageOfReadable({ list: kept.list, show }, page);
    },
    create: (caller, request) => createToken(parts, caller, request),
    rotate: (caller, id, options) => rotateToken(parts, { caller, id, options }),
    revoke: (caller, id) => revokeToken(parts, caller, id),
  };
}

interface TokenParts extends ApiTokensDeps {
  readonly kept: TokenRecords;
}

async function createToken(
  { clock, ids, audit, kept, random }: TokenParts,
  caller: Caller,
  request: ApiTokenRequest,
): Promise<IssuedToken> {
  const { secret, hash } = issueSecret(random);
  const token = makeApiToken(caller, request, { id: ids.next(), hash, now: clock.now() });
  const own = countOwn(await kept.listAll(), caller, clock.now());
  if (own >= MAX_TOKENS) {
    throw new StackyardError("OUTCOME_NEGATIVE", `You have ${own} API tokens. Revoke those you do not need.`);
  }
  await audit.run(toAction("createToken", caller, token), async () => {
    await kept.put(token, "absent");
    await kept.addSecret(hash, token.id);
  });
  return { secret, token };
}

interface Rotation {
  readonly caller: Caller;
  readonly id: string;
  readonly options: RotateOptions;
}

async function rotateToken(parts: TokenParts, { caller, id, options }: Rotation): Promise<IssuedToken> {
  const { clock, audit, kept, random, onRevoked } = parts;
  const { overlap, expires } = options;
  const overlapMs = toOverlapMs(overlap);
  const now = clock.now();
  const expiresAt = expires === undefined ? undefined : (toTokenEnd(expires, now) ?? ("never" as const));
  const { secret, hash } = issueSecret(random);
  const decide = (token: ApiTokenRecord) => {
    checkActive(token, now);
    const rotated = rotateApiToken(token, { hash, now, overlapMs, ...defined({ expiresAt }) });
    // A token may rotate itself, but not extend its own lifetime.
    if (caller.sender.id !== id || expires !== undefined) checkHandedOn(caller, rotated);
    return rotated;
  };
  const before = await withEnd(parts, await loadVisible(kept, caller, id));
  if (caller.isReplaced === true) throw replacedSecret();
  decide(before);
  const token = await audit.run(toAction("rotateToken", caller, before), async () => {
    // Written first: a secret is refused until its token contains its digest.
    await kept.addSecret(hash, id);
    return kept.change(id, decide);
  });
  const good = new Set(token.secrets.map((each) => each.hash));
  await kept.removeSecrets(before.secrets.map((each) => each.hash).filter((each) => !good.has(each)));
  onRevoked(id);
  return { secret, token };
}

async function revokeToken(parts: TokenParts, caller: Caller, id: string): Promise<ApiTokenRecord> {
  const { clock, audit, kept, onRevoked } = parts;
  const before = await loadVisible(kept, caller, id);
  const hashes = new Set(before.secrets.map((each) => each.hash));
  const token = await audit.run(toAction("revokeToken", caller, before), () => {
    return kept.change(id, (now) => {
      for (const each of now.secrets) hashes.add(each.hash);
      return revokeApiToken(now, clock.now());
    });
  });
  onRevoked(id);
  await kept.removeSecrets([...hashes]);
  return token;
}

/** Loads a token that the caller may see. Throws `NOT_FOUND`. */
async function loadVisible(kept: TokenRecords, caller: Caller, id: string): Promise<ApiTokenRecord> {
  const found = await kept.find(id);
  if (found !== undefined && maySee(caller, found.token)) return found.token;
  throw unknownToken(id);
}

/** Returns a token for display and counts: revoked when what created it has ended. */
async function withEnd(
  { records, clock }: Pick<ApiTokensDeps, "records" | "clock">,
  token: ApiTokenRecord,
): Promise<ApiTokenRecord> {
  const now = clock.now();
  if (token.createdWith === undefined || statusOfToken(token, now) !== "active") return token;
  const revokedAt = await findCredentialEnd(records, token.createdWith, now);
  return { ...token, ...defined({ revokedAt }) };
}

function issueSecret(random: () => Uint8Array = () => randomBytes(32)): IssuedSecret {
  const secret = formatSecret("syt_", random());
  return { secret, hash: hash("sha256", secret) };
}

interface IssuedSecret {
  readonly secret: string;
  readonly hash: string;
}

interface FoundToken {
  readonly token: ApiTokenRecord;
  readonly version: number;
}

/** Token records in the store. */
interface TokenRecords {
  find(id: string): Promise<FoundToken | undefined>;
  findBySecret(hash: string): Promise<FoundToken | undefined>;
  /** Does nothing after a concurrent write. */
  put(token: ApiTokenRecord, expected: number | "absent"): Promise<void>;
  /** Changes the record, again after a concurrent write. Throws what `decide` throws. */
  change(id: string, decide: (token: ApiTokenRecord) => ApiTokenRecord): Promise<ApiTokenRecord>;
  /** Makes a secret lead to its token, which must contain its digest too. */
  addSecret(hash: string, tokenId: string): Promise<void>;
  removeSecrets(hashes: readonly string[]): Promise<void>;
  list(page: PageInput): Promise<Page<ApiTokenRecord>>;
  listAll(): Promise<readonly ApiTokenRecord[]>;
}

function createTokenRecords(deps: Pick<ApiTokensDeps, "records" | "clock">): TokenRecords {
  const { records, clock } = deps;
  const kept: TokenRecords = {
    async find(id) {
      const record = await records.get(toTokenKey(id), clock.now());
      return record && { token: parseToken(record.value), version: record.version };
    },
    async findBySecret(hash) {
      const lead = await secrets.find(deps, hash);
      return lead && kept.find(lead.tokenId);
    },
    async put(token, expected) {
      const expiresAt = toRecordEnd(token);
      const key = toTokenKey(token.id);
      await records.put({ key, value: token, expected, now: clock.now(), ...defined({ expiresAt }) });
    },
    async change(id, decide) {
      const { write } = await changeRecord({
        ...deps,
        key: toTokenKey(id),
        conflict: "Too many concurrent changes to this token. Try again.",
        decide(found) {
          if (found === undefined) throw unknownToken(id);
          const value = decide(parseToken(found.value));
          return { write: { value, expiresAt: toRecordEnd(value) } };
        },
      });
      return write.value;
    },
    async addSecret(hash, tokenId) {
      await secrets.add(deps, hash, { value: { tokenId } });
    },
    async removeSecrets(hashes) {
      for (const hash of hashes) await secrets.remove(deps, hash);
    },
    async list(page) {
      const found = await records.list(TOKENS, { ...page, now: clock.now() });
      return toPage(found, { toView: ({ value }) => parseToken(value), toId: ({ key }) => key });
    },
    async listAll() {
      const all: ApiTokenRecord[] = [];
      const pages = listPages((start) => kept.list({ ...PAGE, ...start }));
      for await (const { items } of pages) all.push(...(await Promise.all(items.map((token) => withEnd(deps, token)))));
      return all;
    },
  };
  return kept;
}

function unknownToken(id: string): StackyardError {
  return new StackyardError("NOT_FOUND", `Token "${id}" not found.`);
}

function parseToken(value: unknown): ApiTokenRecord {
  if (checkRecord.Check(value)) return value;
  throw new StackyardError("STORE_CORRUPT", "The record of an API token cannot be read.");
}

function toCaller(
  { grants }: Pick<ApiTokensDeps, "grants">,
  token: ApiTokenRecord,
  { via, endsAt }: Pick<Caller, "via"> & { readonly endsAt: number },
): Caller {
  const { id, name, groups = [], owner } = token;
  return {
    sender: { kind: "token", id, name, groups, ...defined({ owner }), credential: toCredential("token", id) },
    rights: [toRight(token, grants)],
    via,
    ...(Number.isFinite(endsAt) && { expiresAt: endsAt }),
  };
}

/** Returns the error for a secret that was replaced: it must not replace the one that has replaced it. */
function replacedSecret(): StackyardError {
  const message = "This secret was replaced by another one and ends soon. Rotate the token with its newest secret.";
  return new StackyardError("FORBIDDEN", message);
}

function checkActive(token: ApiTokenRecord, now: number): void {
  const status = statusOfToken(token, now);
  if (status === "active") return;
  throw new StackyardError("OUTCOME_NEGATIVE", `The token "${token.name}" is ${status}. Create another one.`);
}

function maySee({ sender, rights }: Caller, token: ApiTokenRecord): boolean {
  return isOwnToken(token, sender) || hasEverywhere(rights, "access");
}

/** Returns true for a token of the same creator, and for those that tokens of the same person have created. */
function isOfSame({ createdBy, owner }: ApiTokenRecord, { sender }: Caller): boolean {
  const { kind, id, owner: person = kind === "person" ? id : undefined } = sender;
  return (createdBy.kind === kind && createdBy.id === id) || (person !== undefined && owner === person);
}

/** Counts the active tokens of the caller: its own, and all that descend from the same token as it does. */
function countOwn(all: readonly ApiTokenRecord[], caller: Caller, now: number): number {
  const byId = new Map(all.map((token) => [token.id, token]));
  const top = findTop(byId, caller.sender.id);
  const isOwn = (token: ApiTokenRecord) =>
    isOfSame(token, caller) || (top !== undefined && findTop(byId, token.id) === top);
  return all.filter((token) => statusOfToken(token, now) === "active" && isOwn(token)).length;
}

/** Returns the token that a token descends from, and that no other token has created. */
function findTop(byId: ReadonlyMap<string, ApiTokenRecord>, id: string): ApiTokenRecord | undefined {
  let top = byId.get(id);
  // A damaged store may have circles.
  for (let steps = 0; top !== undefined && steps < byId.size; steps += 1) top = byId.get(top.createdBy.id) ?? top;
  return top;
}

const TOKEN = toCredential("token", "");

/** Returns the id of the token that a token descends from: of its own when no other token has created it. */
async function findFirst(kept: Pick<TokenRecords, "find">, token: ApiTokenRecord): Promise<string> {
  let first = token;
  for (let steps = 0; first.createdWith?.startsWith(TOKEN) && steps < MOST_PARENTS; steps += 1) {
    const creator = await kept.find(first.createdWith.slice(TOKEN.length));
    if (creator === undefined) break;
    first = creator.token;
  }
  return first.id;
}

function toAction(action: string, { sender }: Caller, { id, name }: ApiTokenRecord) {
  return { action, who: sender, via: "api", on: { tokenId: id, key: name } };
}
