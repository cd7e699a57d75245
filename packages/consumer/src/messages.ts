import {
  ARTIFACT_NAME,
  ARTIFACT_VERSION,
  type ConsumerPlace,
  type ReceivedReceipt,
  ServedHeaders,
} from "@stackyard/sdk/artifacts";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import type { TLocalizedValidationError } from "typebox/error";

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const instant = Type.String({
  pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?(Z|[+-]\\d{2}:\\d{2})$",
});

const Place = Type.Object({ account: Type.Optional(text(64)), region: Type.Optional(text(64)) });

/** A message of version 2. Unknown fields are ignored: a newer distributor can send more. */
const MessageV2 = Type.Object({
  v: Type.Literal(2),
  ArtifactKey: text(1_024),
  ArtifactUrl: Type.Optional(text(65_536)),
  /** A UUID. Receipts repeat it, so the pattern excludes text that could be a signature. */
  distributionId: Type.Optional(Type.String({ pattern: "^[\\w.:-]{1,128}$" })),
  sequence: Type.Optional(whole),
  issuedAt: Type.Optional(instant),
  urlExpiresAt: Type.Optional(instant),
  artifact: Type.Object({
    name: Type.String({ pattern: ARTIFACT_NAME }),
    version: Type.String({ pattern: ARTIFACT_VERSION }),
    size: whole,
    sha256,
    contentType: Type.Optional(Type.String({ pattern: "^[\\u0020-\\u007e]{1,255}$" })),
    headers: Type.Optional(Type.Object(ServedHeaders.properties)),
    rewrite: Type.Optional(Type.Enum(["none", "template"])),
  }),
  source: Type.Object({
    account: Type.Optional(text(64)),
    region: Type.Optional(text(64)),
    bucket: text(255),
    versionId: Type.Optional(text(1_024)),
  }),
  target: Type.Optional(Place),
  /** `url`: for large files, when the consumer's role cannot read the manifest. */
  manifest: Type.Optional(Type.Object({ key: text(1_024), sha256, url: Type.Optional(text(65_536)) })),
  /** True: delete the file. Sent only to consumers with the capability `retire`. */
  retire: Type.Optional(Type.Unknown()),
});
type MessageV2 = Static<typeof MessageV2>;

const MessageV1 = Type.Object({ ArtifactKey: text(1_024), ArtifactUrl: text(65_536) });
type MessageV1 = Static<typeof MessageV1>;

const [v1, v2] = [Compile(MessageV1), Compile(MessageV2)];

/** The announcement of a file. */
export type ArtifactMessage =
  /** Version 1, of the predecessor: a key and a URL. */
  (MessageV1 & { readonly v: 1 }) | MessageV2;

/** A message, or the paths of its invalid fields, without values. */
type ParsedMessage =
  | { readonly kind: "message"; readonly message: ArtifactMessage }
  | { readonly kind: "faulty"; readonly places: readonly string[] };

/** Parses a message of either version. The key may have any length here; `isManifestKey` checks it later. */
export function parseArtifactMessage(body: Readonly<Record<string, unknown>>): ParsedMessage {
  const probe = { ...body, ArtifactKey: shorten(body["ArtifactKey"]) };
  if (body["v"] === undefined) {
    if (!v1.Check(probe)) return { kind: "faulty", places: listPlaces(v1.Errors(probe)) };
    const message = { v: 1, ArtifactKey: String(body["ArtifactKey"]), ArtifactUrl: probe.ArtifactUrl } as const;
    return { kind: "message", message };
  }
  if (!v2.Check(probe)) return { kind: "faulty", places: listPlaces(v2.Errors(probe)) };
  const unreal = (["issuedAt", "urlExpiresAt"] as const).filter((name) => !isReal(probe[name]));
  if (unreal.length > 0) return { kind: "faulty", places: unreal.map((name) => `/${name}`) };
  if (probe.ArtifactUrl === undefined && probe.source.versionId === undefined) {
    return { kind: "faulty", places: ["/ArtifactUrl"] };
  }
  return { kind: "message", message: { ...probe, ArtifactKey: String(body["ArtifactKey"]) } };
}

/** Rejects days such as February 30, which `Date.parse` reads as a day in March. */
function isReal(instant: string | undefined): boolean {
  if (instant === undefined) return true;
  const day = instant.slice(0, "2026-11-20".length);
  const midnight = Date.parse(`${day}T00:00:00Z`);
  const isDay = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
  return isDay && !Number.isNaN(Date.parse(instant));
}

function shorten(key: unknown): unknown {
  return typeof key === "string" ? key.slice(0, 1) : key;
}

/** Returns the paths of invalid fields; for a missing field, its own path. */
function listPlaces(errors: readonly TLocalizedValidationError[]): readonly string[] {
  const places = errors.flatMap(({ instancePath, ...error }) =>
    error.keyword === "required"
      ? error.params.requiredProperties.map((name) => `${instancePath}/${name}`)
      : [instancePath || "/"],
  );
  return [...new Set(places)].slice(0, 8);
}

/** A consumer's report on one file: what a distributor reads, and more for people. */
export interface Receipt extends Readonly<ReceivedReceipt> {
  readonly distributionId: string | null;
  readonly messageId: string | null;
  readonly size: number | null;
  readonly versionId: string | null;
  readonly attempt: number;
  readonly durationMs: number;
}

/** The sender, message and time of a receipt. */
export interface ReceiptInput {
  readonly consumer: { readonly account: string; readonly region: string; readonly bucket: string };
  /** The message; undefined for an invalid one. */
  readonly message: ArtifactMessage | undefined;
  readonly messageId?: string;
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** The outcome to report. */
export type ReceiptOutcome = Pick<Receipt, "status"> &
  Partial<Pick<Receipt, "code" | "verified" | "sourceSha256" | "storedSha256" | "size" | "versionId">>;

/** Creates a receipt. */
export function toReceipt(input: ReceiptInput, outcome: ReceiptOutcome): Receipt {
  const { message, consumer, startedAt, endedAt } = input;
  const announced = message?.v === 2 ? message : undefined;
  return {
    v: 1,
    distributionId: announced?.distributionId ?? null,
    messageId: input.messageId ?? null,
    artifact: {
      name: announced?.artifact.name ?? null,
      version: announced?.artifact.version ?? null,
      key: message?.ArtifactKey ?? null,
    },
    account: consumer.account,
    region: consumer.region,
    bucket: consumer.bucket,
    code: null,
    verified: false,
    sourceSha256: announced?.artifact.sha256 ?? null,
    storedSha256: null,
    size: announced?.artifact.size ?? null,
    versionId: null,
    ...outcome,
    attempt: input.attempt,
    at: new Date(endedAt).toISOString(),
    durationMs: Math.max(0, endedAt - startedAt),
  };
}

/** An event for the distributor's bus. */
export interface ConsumerEvent {
  readonly detailType: "artifact.receipt" | "artifact.refresh" | "consumer.registered" | "consumer.unregistered";
  readonly detail: object;
}

/** Creates the event of a receipt. */
export function toReceiptEvent(receipt: Receipt): ConsumerEvent {
  return { detailType: "artifact.receipt", detail: receipt };
}

/** Creates the event that requests an announcement with a new URL. */
export function toRefreshEvent({ account, region }: ConsumerPlace, message: AnnouncedMessage): ConsumerEvent {
  const { distributionId, ArtifactKey: key, artifact } = message;
  const { name, version } = artifact;
  return { detailType: "artifact.refresh", detail: { v: 1, distributionId, key, account, region, name, version } };
}

/** The capabilities that `toRegisteredEvent` reports. */
export interface Capabilities {
  readonly transfer: "identity" | "presigned" | "auto";
  readonly retire: boolean;
  /** False: its subscription has no filter policy. Default: true. */
  readonly topicFilter?: boolean;
}

/** Creates the event that registers the consumer. */
export function toRegisteredEvent(
  { account, region }: ConsumerPlace,
  bucket: string,
  capabilities: Capabilities,
): ConsumerEvent {
  const detail = { v: 1, account, region, bucket, capabilities: toCapabilities(capabilities) };
  return { detailType: "consumer.registered", detail };
}

/** Creates the event that unregisters the consumer. */
export function toUnregisteredEvent({ account, region }: ConsumerPlace): ConsumerEvent {
  return { detailType: "consumer.unregistered", detail: { v: 1, account, region } };
}

function toCapabilities({ transfer, retire, topicFilter = true }: Capabilities): readonly string[] {
  const identity = transfer === "presigned" ? [] : ["identity"];
  return [
    "v2",
    "sha256",
    "refresh",
    ...identity,
    "multipart",
    ...(retire ? ["retire"] : []),
    ...(topicFilter ? [] : ["unfiltered"]),
  ];
}

/** A message of the second version. */
export type AnnouncedMessage = Extract<ArtifactMessage, { readonly v: 2 }>;
