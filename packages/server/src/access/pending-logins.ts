import { createHmac, hash } from "node:crypto";
import { type Clock, changeRecord, defined, type Records } from "@stackyard/core";
import { ROLES } from "@stackyard/core/access";
import type { StoredRecord } from "@stackyard/core/engine";
import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import type { LoginChecks } from "./issuer-client.ts";

interface PendingDeps {
  readonly records: Records;
  readonly clock: Pick<Clock, "now">;
  readonly random: (bytes: number) => Uint8Array;
}

/** The time limit of a login, in milliseconds. */
export const LOGIN_MS = 600_000;
const PREFIX = "access/logins/";

const LoginRecord = Type.Object({ kind: Type.Literal("login"), returnTo: Type.String(), used: Type.Boolean() });

/** Logins that went to the issuer and have not come back. */
export interface PendingLogins {
  /** Returns the secret for the login's cookie, and the checks to send to the issuer. */
  begin(returnTo: string): Promise<{ readonly secret: string; readonly checks: LoginChecks }>;
  /**
   * Claims a login, once. Returns undefined when it is unknown, expired or already claimed, or when `state` belongs to
   * another one, which does not change it.
   */
  take(input: {
    readonly secret: string;
    readonly state: string;
  }): Promise<{ readonly returnTo: string; readonly checks: LoginChecks } | undefined>;
}

/** Creates the pending logins of a yard over its records. */
export function createPendingLogins({ records, clock, random }: PendingDeps): PendingLogins {
  return {
    async begin(returnTo) {
      const secret = Buffer.from(random(32)).toString("base64url");
      const value = { kind: "login", returnTo, used: false };
      const now = clock.now();
      await records.put({ key: keyOf("", secret), value, expected: "absent", expiresAt: now + LOGIN_MS, now });
      return { secret, checks: toChecks(secret) };
    },
    async take({ secret, state }) {
      if (toChecks(secret).state !== state) return undefined;
      const now = clock.now();
      const record = await records.get(keyOf("", secret), now);
      const login = parse(LoginRecord, record?.value);
      if (record === undefined || login === undefined || login.used) return undefined;
      // Only one of two concurrent callbacks writes; the mark stays until the record expires.
      const isTaken = await rewrite({ records, clock }, record, { ...login, used: true });
      return isTaken ? { returnTo: login.returnTo, checks: toChecks(secret) } : undefined;
    },
  };
}

/** Derives the checks from the secret, which only the browser has: the record alone cannot finish the login. */
function toChecks(secret: string): LoginChecks {
  const derive = (what: string) => createHmac("sha256", secret).update(what).digest("base64url");
  return { state: derive("state"), nonce: derive("nonce"), codeVerifier: derive("code verifier") };
}

const DeviceSender = Type.Object({
  kind: Type.Enum(["person", "local"]),
  id: Type.String(),
  name: Type.String(),
  groups: Type.Array(Type.String()),
  issuer: Type.Optional(Type.String()),
  subject: Type.Optional(Type.String()),
  sid: Type.Optional(Type.String()),
  token: Type.Optional(Type.String()),
  role: Type.Optional(Type.Enum([...ROLES])),
  /** The session that confirmed, and when it ends. */
  parent: Type.String(),
  parentEndsAt: Type.Number(),
});
/** The person who confirmed, for the session of the command line. */
export type DeviceSender = Static<typeof DeviceSender>;

const DeviceRecord = Type.Object({
  kind: Type.Literal("device"),
  /** The SHA-256 of the code that the person types. */
  userCode: Type.String(),
  client: Type.String(),
  address: Type.Optional(Type.String()),
  status: Type.Enum(["pending", "approved", "denied"]),
  sender: Type.Optional(DeviceSender),
  polledAt: Type.Number(),
  intervalMs: Type.Number(),
});
type DeviceRecord = Static<typeof DeviceRecord>;

const CodeRecord = Type.Object({ kind: Type.Literal("code"), device: Type.String() });

/** The details of a command line's request that the person sees. */
export interface DeviceRequest {
  readonly client: string;
  readonly address?: string;
}

/** The answer to a poll, in the words of RFC 8628, section 3.5. */
export type DevicePoll =
  | { readonly kind: "approved"; readonly request: DeviceRequest; readonly sender: DeviceSender }
  | { readonly kind: "authorization_pending" | "slow_down" | "access_denied" | "expired_token" };

/** Requests of command lines that wait for a person (RFC 8628). */
export interface DeviceLogins {
  begin(request: DeviceRequest): Promise<{ readonly deviceCode: string; readonly userCode: string }>;
  /** Returns the request of a code that a person typed; undefined when it is unknown, expired or answered. */
  find(userCode: string): Promise<DeviceRequest | undefined>;
  /** Answers a request. False: it was answered before, or has ended. */
  answer(userCode: string, sender: DeviceSender | "denied"): Promise<boolean>;
  /** Polls for the person's answer. An approval is returned once. */
  poll(deviceCode: string): Promise<DevicePoll>;
}

export const POLL_SECONDS = 5;
const SLOW_DOWN_MS = 5_000;
/** Timers of clients are not exact. */
const EARLY_MS = 500;
const CODE_TRIES = 5;

/** Creates the waiting requests of a yard over its records. */
export function createDeviceLogins(deps: PendingDeps): DeviceLogins {
  return {
    begin: (request) => beginDevice(deps, request),
    async find(userCode) {
      const found = await findByUserCode(deps, userCode);
      return found && toRequest(found.device);
    },
    answer: (userCode, answer) => answerDevice(deps, userCode, answer),
    poll: (deviceCode) => pollDevice(deps, deviceCode),
  };
}

async function beginDevice(deps: PendingDeps, { client, address }: DeviceRequest) {
  const { records, clock, random } = deps;
  const deviceCode = Buffer.from(random(32)).toString("base64url");
  const key = keyOf("device/", deviceCode);
  const now = clock.now();
  const expiresAt = now + LOGIN_MS;
  const userCode = await reserveUserCode(deps, key, expiresAt);
  const value: DeviceRecord = {
    kind: "device",
    userCode: hash("sha256", toPlainCode(userCode)),
    client,
    status: "pending",
    polledAt: 0,
    intervalMs: POLL_SECONDS * 1_000,
    ...defined({ address }),
  };
  await records.put({ key, value, expected: "absent", expiresAt, now });
  return { deviceCode, userCode };
}

async function reserveUserCode(
  { records, clock, random }: PendingDeps,
  device: string,
  expiresAt: number,
): Promise<string> {
  for (let tries = 0; tries < CODE_TRIES; tries += 1) {
    const userCode = createTypedCode(random);
    const key = keyOf("code/", toPlainCode(userCode));
    const value = { kind: "code", device };
    const put = await records.put({ key, value, expected: "absent", expiresAt, now: clock.now() });
    if (put.kind === "written") return userCode;
  }
  throw new Error("No free code was found.");
}

/** Returns the request that still waits for its answer. */
async function findByUserCode({ records, clock }: PendingDeps, userCode: string): Promise<FoundDevice | undefined> {
  const code = parse(CodeRecord, (await records.get(keyOf("code/", toPlainCode(userCode)), clock.now()))?.value);
  const record = code && (await records.get(code.device, clock.now()));
  const device = parse(DeviceRecord, record?.value);
  return record === undefined || device === undefined || device.status !== "pending" ? undefined : { record, device };
}

interface FoundDevice {
  readonly record: StoredRecord;
  readonly device: DeviceRecord;
}

async function answerDevice(deps: PendingDeps, userCode: string, answer: DeviceSender | "denied"): Promise<boolean> {
  const key = (await findByUserCode(deps, userCode))?.record.key;
  if (key === undefined) return false;
  const status = answer === "denied" ? { status: "denied" } : { status: "approved", sender: answer };
  // A poll changes the record too; after it the request is still waiting.
  const { write } = await changeRecord({
    ...deps,
    key,
    decide(found) {
      const device = parse(DeviceRecord, found?.value);
      if (device?.status !== "pending") return {};
      return { write: { value: { ...device, ...status }, expiresAt: found?.expiresAt } };
    },
  });
  return write !== undefined;
}

async function pollDevice(deps: PendingDeps, deviceCode: string): Promise<DevicePoll> {
  const record = await deps.records.get(keyOf("device/", deviceCode), deps.clock.now());
  const device = parse(DeviceRecord, record?.value);
  if (record === undefined || device === undefined) return { kind: "expired_token" };
  const { status, sender } = device;
  if (status === "denied") return { kind: "access_denied" };
  if (status === "pending" || sender === undefined) return { kind: await delayPoll(deps, { record, device }) };
  const isTaken = await rewrite(deps, record, { kind: "spent" });
  return isTaken ? { kind: "approved", sender, request: toRequest(device) } : { kind: "expired_token" };
}

async function delayPoll(
  deps: PendingDeps,
  { record, device }: FoundDevice,
): Promise<"slow_down" | "authorization_pending"> {
  const now = deps.clock.now();
  const isEarly = now - device.polledAt < device.intervalMs - EARLY_MS;
  const intervalMs = device.intervalMs + (isEarly ? SLOW_DOWN_MS : 0);
  // When the person answers at this very moment, the next poll finds it.
  await rewrite(deps, record, { ...device, polledAt: now, intervalMs });
  return isEarly ? "slow_down" : "authorization_pending";
}

function toRequest({ client, address }: DeviceRecord): DeviceRequest {
  return { client, ...defined({ address }) };
}

const LocalRecord = Type.Object({
  kind: Type.Literal("local"),
  code: Type.String(),
  tries: Type.Number(),
});

/** The code of `stackyard dev`: one at a time, for one login, with 5 wrong tries. */
export interface LocalCodes {
  /** Makes a new code; the one before ends. */
  begin(): Promise<string>;
  /** Claims the code. Returns false when it is wrong, expired or already claimed. */
  take(code: string): Promise<boolean>;
}

const LOCAL_KEY = `${PREFIX}local`;
const WRONG_TRIES = 5;

/** Creates the codes of `stackyard dev` over the records of its store. */
export function createLocalCodes({ records, clock, random }: PendingDeps): LocalCodes {
  return {
    async begin() {
      const code = createTypedCode(random);
      const value = { kind: "local", code: hash("sha256", toPlainCode(code)), tries: 0 };
      const decide = (_: unknown, now: number) => ({ write: { value, expiresAt: now + LOGIN_MS } });
      await changeRecord({ records, clock, key: LOCAL_KEY, decide });
      return code;
    },
    async take(code) {
      const { isRight } = await changeRecord({
        records,
        clock,
        key: LOCAL_KEY,
        decide(found) {
          const local = parse(LocalRecord, found?.value);
          if (local === undefined || local.tries >= WRONG_TRIES) return { isRight: false };
          const isRight = hash("sha256", toPlainCode(code)) === local.code;
          // A correct code uses up all tries. A concurrent try changed the record: this one is counted after it.
          const value = { ...local, tries: isRight ? WRONG_TRIES : local.tries + 1 };
          return { write: { value, expiresAt: found?.expiresAt }, isRight };
        },
      });
      return isRight;
    },
  };
}

/** Digits and letters that are not taken for each other (Crockford's base 32). */
const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LENGTH = 8;

/** Creates a code of 40 random bits (5 for each letter) for people to type, such as `K7QF-93MZ`. */
export function createTypedCode(random: (bytes: number) => Uint8Array, length = CODE_LENGTH): string {
  const letters = Array.from(random(length), (byte) => LETTERS[byte % LETTERS.length]).join("");
  return letters.replaceAll(/(.{4})(?=.)/g, "$1-");
}

/** Normalizes a typed code: any case, with or without the dash. */
export function toPlainCode(text: string, length = CODE_LENGTH): string {
  const letters = text.toUpperCase().replaceAll(/[^0-9A-Z]/g, "");
  return letters
    .replaceAll(/[IL]/g, "1")
    .replaceAll("O", "0")
    .slice(0, length + 1);
}

/** Replaces the value of a record, which ends when it would have. Returns false after a concurrent write. */
async function rewrite(
  { records, clock }: Pick<PendingDeps, "records" | "clock">,
  { key, version: expected, expiresAt }: StoredRecord,
  value: object,
): Promise<boolean> {
  const put = await records.put({ key, value, expected, now: clock.now(), ...defined({ expiresAt }) });
  return put.kind === "written";
}

function keyOf(place: string, secret: string): string {
  return `${PREFIX}${place}${hash("sha256", secret)}`;
}

function parse<Schema extends TSchema>(schema: Schema, value: unknown): Static<Schema> | undefined {
  return Value.Check(schema, value) ? value : undefined;
}
