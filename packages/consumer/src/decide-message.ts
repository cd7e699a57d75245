import { isMap, parseJson } from "@stackyard/core";
import { isManifestKey } from "@stackyard/sdk/artifacts";
import { evaluateUrl, type UrlFault } from "./evaluate-url.ts";
import { type AnnouncedMessage, type ArtifactMessage, parseArtifactMessage } from "./messages.ts";

/** The configuration of a consumer: itself and its distributor. */
export interface ConsumerConfig {
  /** The consumer's own account. */
  readonly account: string;
  readonly region: string;
  readonly topicArn: string;
  readonly sourceBucket: string;
  readonly sourceRegion: string;
  /** The distributor's account. When set, messages must not name another one. */
  readonly sourceAccount?: string;
  /** Default: `aws`. */
  readonly partition?: string;
  /** Exact names of additional hosts. */
  readonly extraHosts?: readonly string[];
  /** Default: 50 GiB. */
  readonly maxBytes?: number;
  /** True to accept messages of version 1, which have no digest. Default: true. */
  readonly acceptV1?: boolean;
  /**
   * True to reject messages with an unverified signature. The consumer verifies none, so this rejects every message.
   * Default: false.
   */
  readonly requireSignature?: boolean;
  /** True to request a new URL for an expired one. Default: true. */
  readonly refresh?: boolean;
  /** True to delete files at the request of the distributor. Default: false. */
  readonly retire?: boolean;
  /** False: the subscription has no filter policy, so that messages for other consumers arrive, and are left to them. Default: true. */
  readonly topicFilter?: boolean;
}

/** The consumer's record of a stored key. */
export interface KnownArtifact {
  readonly sourceSha256?: string;
  readonly name?: string;
  readonly version?: string;
  readonly sequence?: number;
}

/** Codes of rejected messages. */
export type RejectCode =
  | Extract<OpenedRecord, { readonly kind: "refused" }>["code"]
  | UrlFault
  | "VERSION_UNSUPPORTED"
  | "SIGNATURE_INVALID"
  | "WRONG_ACCOUNT"
  | "WRONG_REGION"
  | "WRONG_SOURCE"
  | "KEY_INVALID"
  | "TOO_LARGE"
  | "VERSION_CONFLICT"
  | "URL_EXPIRED"
  | "RETIRE_OFF";

/** The decision about a message. */
export type MessageDecision =
  | { readonly kind: "copy"; readonly message: ArtifactMessage }
  /** The message is acknowledged. `receipt`: the status to report, or null for no receipt. */
  | {
      readonly kind: "skip";
      readonly code: "ALREADY_PRESENT";
      readonly receipt: "present";
      readonly message: ArtifactMessage;
    }
  | { readonly kind: "skip"; readonly code: "PROBE"; readonly receipt: "present"; readonly probe: JsonObject }
  | { readonly kind: "skip"; readonly code: "SUPERSEDED"; readonly receipt: null; readonly message: ArtifactMessage }
  | { readonly kind: "skip"; readonly code: "FOR_OTHERS"; readonly receipt: null }
  /** Request a new URL; the distributor announces the file again. */
  | { readonly kind: "refresh"; readonly code: "URL_EXPIRED"; readonly message: ArtifactMessage }
  /** Delete the file if it is the one that the message names. */
  | { readonly kind: "retire"; readonly message: AnnouncedMessage }
  /** Final: the message is acknowledged, reported by receipt, and parked. */
  | { readonly kind: "reject"; readonly code: RejectCode; readonly reason: string };

const DEFAULT_MAX_BYTES = 50 * 1024 ** 3;
/** The artifact name of a probe, which only checks that the consumer responds. */
const PROBE_NAME = "stackyard.probe";

type Rejection = Extract<MessageDecision, { readonly kind: "reject" }>;

/**
 * Decides what to do with a message: the first matching rule applies. `known`: what is recorded for a key. `now`: epoch
 * milliseconds. Pure; returns a decision for every input.
 */
export function decideMessage(
  record: MessageRecord,
  config: ConsumerConfig,
  now: number,
  known: (key: string) => KnownArtifact | undefined,
): MessageDecision {
  const opened = openRecord(record, config.topicArn);
  if (opened.kind === "refused") return reject(opened.code, REASONS[opened.code]);
  const { body } = opened;
  if (isForOthers(opened, config)) return FOR_OTHERS;
  if (body["v"] !== undefined && body["v"] !== 2) {
    return reject("VERSION_UNSUPPORTED", "The message version is not supported.");
  }
  const isProbe = body["v"] === 2 && isMap(body["artifact"]) && body["artifact"]["name"] === PROBE_NAME;
  const read = isProbe ? ({ kind: "probe" } as const) : readMessage(body, config);
  if (read.kind === "reject") return read;
  const stranger = findStranger(opened, config);
  if (stranger !== undefined) return stranger;
  if (read.kind === "probe") return { kind: "skip", code: "PROBE", receipt: "present", probe: body };
  const { message } = read;
  return evaluateMessage(message, config, now, known(message.ArtifactKey));
}

const FOR_OTHERS = { kind: "skip", code: "FOR_OTHERS", receipt: null } as const;

type OpenedMessage = Extract<OpenedRecord, { readonly kind: "opened" }>;

/** Without a filter policy, messages for other accounts and regions are nothing unusual, whatever they contain. */
function isForOthers(opened: OpenedMessage, config: ConsumerConfig): boolean {
  return config.topicFilter === false && findStranger(opened, { ...config, requireSignature: false }) !== undefined;
}

const REASONS = {
  MESSAGE_TOO_LARGE: "The message is larger than 64 KiB.",
  MESSAGE_INVALID: "The message is not a JSON object.",
  WRONG_TOPIC: "The message comes from another topic.",
} as const;

/** Parses the message. The result wraps it, because a message can have fields of any name. */
function readMessage(
  body: JsonObject,
  { acceptV1 = true }: ConsumerConfig,
): { readonly kind: "message"; readonly message: ArtifactMessage } | Rejection {
  if (body["v"] === undefined && !acceptV1) {
    return reject("MESSAGE_INVALID", "Messages of version 1 are not accepted.");
  }
  const parsed = parseArtifactMessage(body);
  if (parsed.kind === "message") return parsed;
  return reject("MESSAGE_INVALID", `The message is invalid at ${parsed.places.join(", ")}.`);
}

/** Checks signature, account and region, also for probes. */
function findStranger(
  { body, attributes }: OpenedMessage,
  { requireSignature = false, account, region }: ConsumerConfig,
): Rejection | undefined {
  if (requireSignature) return reject("SIGNATURE_INVALID", "The message is not signed.");
  const target = isMap(body["target"]) ? body["target"] : {};
  const isFor = (own: string, ...named: readonly unknown[]) =>
    named.every((each) => each === undefined || each === "ALL" || each === own);
  if (!isFor(account, attributes.get("account"), target["account"])) {
    return reject("WRONG_ACCOUNT", "The message is for another account.");
  }
  if (!isFor(region, attributes.get("region"), target["region"])) {
    return reject("WRONG_REGION", "The message is for another region.");
  }
  return undefined;
}

function evaluateMessage(
  message: ArtifactMessage,
  config: ConsumerConfig,
  now: number,
  known: KnownArtifact | undefined,
): MessageDecision {
  const { ArtifactKey: key, ArtifactUrl: url } = message;
  const misplaced = evaluatePlace(message, config);
  if (misplaced !== undefined) return misplaced;
  if (message.v === 2 && message.retire === true) return decideRetirement(message, config);
  const verdict = url === undefined ? undefined : evaluateUrl(url, key, toUrlRules(config));
  if (verdict?.kind === "refused") return reject(verdict.code, verdict.reason);
  const past = message.v === 2 ? evaluateHistory(message, config, known) : undefined;
  if (past !== undefined) return past;
  if (verdict === undefined || now < Math.min(verdict.expiresAt, readEnd(message))) return { kind: "copy", message };
  if (message.v === 2 && config.refresh !== false) return { kind: "refresh", code: "URL_EXPIRED", message };
  return reject("URL_EXPIRED", "The URL has expired.");
}

/** Checks the source and the key. */
function evaluatePlace(message: ArtifactMessage, config: ConsumerConfig): Rejection | undefined {
  if (message.v === 2 && !isFromSource(message.source, config)) {
    return reject("WRONG_SOURCE", "The message names a source other than this consumer's distributor.");
  }
  if (!isManifestKey(message.ArtifactKey)) return reject("KEY_INVALID", "The key of the message is not allowed.");
  return undefined;
}

function decideRetirement(message: AnnouncedMessage, { retire = false }: ConsumerConfig): MessageDecision {
  if (retire) return { kind: "retire", message };
  return reject("RETIRE_OFF", "The message requests a deletion, which is not enabled for this consumer.");
}

function isFromSource(
  source: { readonly bucket: string; readonly account?: string; readonly region?: string },
  { sourceBucket, sourceAccount, sourceRegion }: ConsumerConfig,
): boolean {
  const fits = (said: string | undefined, own: string | undefined) =>
    said === undefined || own === undefined || said === own;
  return source.bucket === sourceBucket && fits(source.account, sourceAccount) && fits(source.region, sourceRegion);
}

function toUrlRules({ sourceBucket, sourceRegion, partition = "aws", extraHosts = [] }: ConsumerConfig) {
  return { bucket: sourceBucket, region: sourceRegion, partition, extraHosts };
}

/** Checks the size and what earlier messages of the same key recorded. */
function evaluateHistory(
  message: AnnouncedMessage,
  { maxBytes = DEFAULT_MAX_BYTES }: ConsumerConfig,
  known: KnownArtifact | undefined,
): MessageDecision | undefined {
  const { name, version, size, sha256 } = message.artifact;
  if (size > maxBytes) return reject("TOO_LARGE", `The file has ${size} bytes; the limit is ${maxBytes}.`);
  if (known?.sourceSha256 === sha256) return { kind: "skip", code: "ALREADY_PRESENT", receipt: "present", message };
  if (known?.sourceSha256 !== undefined && known.name === name && known.version === version) {
    return reject("VERSION_CONFLICT", `${name} ${version} is already known with another digest.`);
  }
  if (known?.sequence !== undefined && message.sequence !== undefined && known.sequence > message.sequence) {
    return { kind: "skip", code: "SUPERSEDED", receipt: null, message };
  }
  return undefined;
}

/** Returns the expiry of the URL from the distributor. */
function readEnd(message: ArtifactMessage): number {
  const said = message.v === 2 && message.urlExpiresAt !== undefined ? Date.parse(message.urlExpiresAt) : Number.NaN;
  return Number.isNaN(said) ? Number.POSITIVE_INFINITY : said;
}

function reject(code: RejectCode, reason: string): Rejection {
  return { kind: "reject", code, reason };
}

/** An SQS message as Lambda delivers it. With raw delivery the attributes are those of the SNS message. */
export interface MessageRecord {
  readonly body: string;
  readonly messageId?: string;
  readonly messageAttributes?: Readonly<Record<string, MessageAttribute>>;
}

/** A text attribute. */
export interface MessageAttribute {
  readonly stringValue?: string;
}

/** A record without its SNS envelope. */
type OpenedRecord =
  | { readonly kind: "opened"; readonly body: JsonObject; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: "refused"; readonly code: "MESSAGE_TOO_LARGE" | "MESSAGE_INVALID" | "WRONG_TOPIC" };

/** A topic accepts messages of up to 256 KiB by default; ours stay within a quarter of that. */
const MAX_BYTES = 65_536;

/** Returns the body of a record, without the envelope of the configured topic. */
export function openRecord(record: MessageRecord, topicArn: string): OpenedRecord {
  // A manual invocation can omit the body; the other messages of the batch are still processed.
  if (typeof record.body !== "string") return { kind: "refused", code: "MESSAGE_INVALID" };
  if (Buffer.byteLength(record.body) > MAX_BYTES) return { kind: "refused", code: "MESSAGE_TOO_LARGE" };
  const body = parseJsonObject(record.body);
  if (body === undefined) return { kind: "refused", code: "MESSAGE_INVALID" };
  const { Type: type, Message: inner, TopicArn, MessageAttributes } = body;
  if (type !== "Notification" || typeof inner !== "string") {
    return { kind: "opened", body, attributes: toRawAttributes(record.messageAttributes ?? {}) };
  }
  if (TopicArn !== topicArn) return { kind: "refused", code: "WRONG_TOPIC" };
  const message = parseJsonObject(inner);
  if (message === undefined) return { kind: "refused", code: "MESSAGE_INVALID" };
  return { kind: "opened", body: message, attributes: toEnvelopeAttributes(MessageAttributes) };
}

function toRawAttributes(attributes: Readonly<Record<string, MessageAttribute>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(attributes).map(([name, attribute]) => [name, attribute?.stringValue ?? ""]));
}

/**
 * Parses attributes. Source: Amazon SNS developer guide, "Parsing message formats": `{ "Type": "String", "Value": "…"
 * }` by name.
 */
function toEnvelopeAttributes(attributes: unknown): ReadonlyMap<string, string> {
  if (!isMap(attributes)) return new Map();
  const entries = Object.entries(attributes).map(([name, attribute]) => {
    const value = isMap(attribute) ? attribute["Value"] : undefined;
    return [name, typeof value === "string" ? value : ""] as const;
  });
  return new Map(entries);
}

/** A JSON object with unchecked fields. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses a JSON object. Returns undefined for any other text, and when any object in it has a `__proto__` key. */
function parseJsonObject(text: string): JsonObject | undefined {
  const value = parseJson(text);
  return isMap(value) && !namesPrototype(value) ? value : undefined;
}

/** Returns true if a key is `__proto__`. Iterative, because nested input could exceed the call stack. */
function namesPrototype(root: object): boolean {
  const left: object[] = [root];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (Object.hasOwn(value, "__proto__")) return true;
    for (const part of Object.values(value)) if (typeof part === "object" && part !== null) left.push(part);
  }
  return false;
}
