import { judgeUrl, type UrlFault } from "./judge-url.ts";
import { type AnnouncedMessage, type ArtifactMessage, parseArtifactMessage } from "./messages.ts";

/** What a consumer knows of itself and of its distributor. */
export interface ConsumerConfig {
  /** Its own. */
  readonly account: string;
  readonly region: string;
  readonly topicArn: string;
  readonly sourceBucket: string;
  readonly sourceRegion: string;
  /** The distributor's account, where messages must name it. */
  readonly sourceAccount?: string;
  /** Default: `aws`. */
  readonly partition?: string;
  /** Exact names of further hosts. */
  readonly extraHosts?: readonly string[];
  /** Default: 50 GiB. */
  readonly maxBytes?: number;
  /** The predecessor's messages, which name no digest. Default: true. */
  readonly acceptV1?: boolean;
  /** Nothing is signed yet, so then nothing is taken. Default: false. */
  readonly requireSignature?: boolean;
  /** A new URL may be asked for. Default: true. */
  readonly refresh?: boolean;
  /** Files may be deleted when the distributor says so. Default: false. */
  readonly retire?: boolean;
}

/** What was recorded of a key when it was stored. */
export interface KnownArtifact {
  readonly sourceSha256?: string;
  readonly name?: string;
  readonly version?: string;
  readonly sequence?: number;
}

/** Codes of messages that are refused for good. */
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

/** What is done with a message. */
export type MessageDecision =
  | { readonly kind: "copy"; readonly message: ArtifactMessage }
  /** Acknowledged; `receipt` says whether the distributor is told. */
  | {
      readonly kind: "skip";
      readonly code: "ALREADY_PRESENT";
      readonly receipt: "present";
      readonly message: ArtifactMessage;
    }
  | { readonly kind: "skip"; readonly code: "PROBE"; readonly receipt: "present"; readonly probe: JsonObject }
  | { readonly kind: "skip"; readonly code: "SUPERSEDED"; readonly receipt: null; readonly message: ArtifactMessage }
  /** A new URL is asked for, then it is copied. */
  | { readonly kind: "refresh"; readonly code: "URL_EXPIRED"; readonly message: ArtifactMessage }
  /** The file is deleted, if it is the one that the message names. */
  | { readonly kind: "retire"; readonly message: AnnouncedMessage }
  /** For good: acknowledged, recorded, told, parked. */
  | { readonly kind: "reject"; readonly code: RejectCode; readonly reason: string };

const DEFAULT_MAX_BYTES = 50 * 1024 ** 3;
/** Name of the artifact that only asks whether anybody listens. */
const PROBE_NAME = "stackyard.probe";

type Rejection = Extract<MessageDecision, { readonly kind: "reject" }>;

/**
 * What becomes of one message: the first rule that applies decides. `known`: what is recorded of a key. `now`: epoch
 * milliseconds. Pure, and total: there is no text that it does not judge.
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
  if (body["v"] !== undefined && body["v"] !== 2) {
    return reject("VERSION_UNSUPPORTED", "The message is of a version that this consumer does not read.");
  }
  const isProbe = body["v"] === 2 && isObject(body["artifact"]) && body["artifact"]["name"] === PROBE_NAME;
  const read = isProbe ? ({ kind: "probe" } as const) : readMessage(body, config);
  if (read.kind === "reject") return read;
  const stranger = findStranger(opened, config);
  if (stranger !== undefined) return stranger;
  if (read.kind === "probe") return { kind: "skip", code: "PROBE", receipt: "present", probe: body };
  const { message } = read;
  return judgeMessage(message, config, now, known(message.ArtifactKey));
}

const REASONS = {
  MESSAGE_TOO_LARGE: "The message is larger than 64 KiB.",
  MESSAGE_INVALID: "The message is no JSON object.",
  WRONG_TOPIC: "The message is of another topic.",
} as const;

/** A message may have a field of any name, so it is never the answer itself. */
function readMessage(
  body: JsonObject,
  { acceptV1 = true }: ConsumerConfig,
): { readonly kind: "message"; readonly message: ArtifactMessage } | Rejection {
  if (body["v"] === undefined && !acceptV1) {
    return reject("MESSAGE_INVALID", "The message is of the first version, which this consumer does not take.");
  }
  const parsed = parseArtifactMessage(body);
  if (parsed.kind === "message") return parsed;
  return reject("MESSAGE_INVALID", `The message is wrong at ${parsed.places.join(", ")}.`);
}

/** Signature, account and region: also of probes. */
function findStranger(
  { body, attributes }: Extract<OpenedRecord, { readonly kind: "opened" }>,
  { requireSignature = false, account, region }: ConsumerConfig,
): Rejection | undefined {
  if (requireSignature) return reject("SIGNATURE_INVALID", "The message is not signed.");
  const target = isObject(body["target"]) ? body["target"] : {};
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

function judgeMessage(
  message: ArtifactMessage,
  config: ConsumerConfig,
  now: number,
  known: KnownArtifact | undefined,
): MessageDecision {
  const { ArtifactKey: key, ArtifactUrl: url } = message;
  const misplaced = judgePlace(message, config);
  if (misplaced !== undefined) return misplaced;
  if (message.v === 2 && message.retire === true) return judgeRetirement(message, config);
  const verdict = url === undefined ? undefined : judgeUrl(url, key, toUrlRules(config));
  if (verdict?.kind === "refused") return reject(verdict.code, verdict.reason);
  const past = message.v === 2 ? judgePast(message, config, known) : undefined;
  if (past !== undefined) return past;
  if (verdict === undefined || now < Math.min(verdict.expiresAt, readEnd(message))) return { kind: "copy", message };
  if (message.v === 2 && config.refresh !== false) return { kind: "refresh", code: "URL_EXPIRED", message };
  return reject("URL_EXPIRED", "The URL has expired.");
}

/** Whence and whereto. */
function judgePlace(message: ArtifactMessage, config: ConsumerConfig): Rejection | undefined {
  if (message.v === 2 && !isFromSource(message.source, config)) {
    return reject("WRONG_SOURCE", "The message names another source than this consumer's distributor.");
  }
  if (!isAllowedKey(message.ArtifactKey))
    return reject("KEY_INVALID", "Nothing may be stored under the message's key.");
  return undefined;
}

function judgeRetirement(message: AnnouncedMessage, { retire = false }: ConsumerConfig): MessageDecision {
  if (retire) return { kind: "retire", message };
  return reject("RETIRE_OFF", "The message asks to delete a file, which this consumer is not set up to do.");
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

/** What the size and earlier messages of the same key say. */
function judgePast(
  message: AnnouncedMessage,
  { maxBytes = DEFAULT_MAX_BYTES }: ConsumerConfig,
  known: KnownArtifact | undefined,
): MessageDecision | undefined {
  const { name, version, size, sha256 } = message.artifact;
  if (size > maxBytes) return reject("TOO_LARGE", `The file has ${size} bytes, more than the ${maxBytes} allowed.`);
  if (known?.sourceSha256 === sha256) return { kind: "skip", code: "ALREADY_PRESENT", receipt: "present", message };
  if (known?.sourceSha256 !== undefined && known.name === name && known.version === version) {
    return reject("VERSION_CONFLICT", `${name} ${version} is known with another digest.`);
  }
  if (known?.sequence !== undefined && message.sequence !== undefined && known.sequence > message.sequence) {
    return { kind: "skip", code: "SUPERSEDED", receipt: null, message };
  }
  return undefined;
}

/** When the distributor says that the URL ends. */
function readEnd(message: ArtifactMessage): number {
  const said = message.v === 2 && message.urlExpiresAt !== undefined ? Date.parse(message.urlExpiresAt) : Number.NaN;
  return Number.isNaN(said) ? Number.POSITIVE_INFINITY : said;
}

function reject(code: RejectCode, reason: string): Rejection {
  return { kind: "reject", code, reason };
}

/** A message of SQS as a function is given it. Raw delivery: the attributes are those of the topic's message. */
export interface MessageRecord {
  readonly body: string;
  readonly messageId?: string;
  readonly messageAttributes?: Readonly<Record<string, MessageAttribute>>;
}

/** A text attribute. */
export interface MessageAttribute {
  readonly stringValue?: string;
}

/** What a record says, once an envelope of SNS is taken off. */
type OpenedRecord =
  | { readonly kind: "opened"; readonly body: JsonObject; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: "refused"; readonly code: "MESSAGE_TOO_LARGE" | "MESSAGE_INVALID" | "WRONG_TOPIC" };

/** A topic takes messages of up to 256 KiB by default; ours stay within a quarter of that. */
const MAX_BYTES = 65_536;

/** Opens a record: its body, or the one inside of an envelope of the topic that is listened to. */
export function openRecord(record: MessageRecord, topicArn: string): OpenedRecord {
  // Whoever invokes the function by hand may leave it out, and the other messages of the batch are not to suffer.
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

/** Source: Amazon SNS developer guide, "Parsing message formats": `{ "Type": "String", "Value": "…" }` by name. */
function toEnvelopeAttributes(attributes: unknown): ReadonlyMap<string, string> {
  if (!isObject(attributes)) return new Map();
  const entries = Object.entries(attributes).map(([name, attribute]) => {
    const value = isObject(attribute) ? attribute["Value"] : undefined;
    return [name, typeof value === "string" ? value : ""] as const;
  });
  return new Map(entries);
}

const MAX_BYTES_ALLOWED_KEY = 1_024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/;
/** What the consumer keeps for itself. */
const RESERVED = ".stackyard";

/**
 * May an artifact stand under this key? One to 1,024 bytes of UTF-8 without control characters and backslashes, in segments that
 * are neither empty nor dots, and not under `.stackyard/`; also for whoever decodes the key once or twice.
 */
export function isAllowedKey(key: string): boolean {
  if (key === "" || !key.isWellFormed() || Buffer.byteLength(key) > MAX_BYTES_ALLOWED_KEY) return false;
  const once = decodeBytes(key);
  return [key, once, decodeBytes(once)].every(isPlain);
}

function isPlain(key: string): boolean {
  const segments = key.split("/");
  if (FORBIDDEN.test(key) || segments[0] === RESERVED) return false;
  return segments.every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

/** Percent sequences as the bytes that they are; broken ones stay as text. What is forbidden is ASCII, so bytes will do. */
function decodeBytes(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_sequence, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** An object of JSON, whose fields nobody has looked at yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that a text holds; undefined for any other text, and for one that names a prototype anywhere. */
function parseJsonObject(text: string): JsonObject | undefined {
  const value = parse(text);
  return isObject(value) && !namesPrototype(value) ? value : undefined;
}

/** True for objects, not for lists. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Without recursion: a text of brackets is deeper than the stack. */
function namesPrototype(root: object): boolean {
  const left: object[] = [root];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (Object.hasOwn(value, "__proto__")) return true;
    for (const part of Object.values(value)) if (typeof part === "object" && part !== null) left.push(part);
  }
  return false;
}
