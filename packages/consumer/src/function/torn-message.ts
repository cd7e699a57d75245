import { type ArtifactMessage, parseArtifactMessage } from "../artifact-message.ts";
import { openRecord } from "../message-record.ts";
import { isObject, type JsonObject } from "../parse-json.ts";
import { hideSecrets } from "./hide-secrets.ts";
import type { SqsRecord } from "./sqs-event.ts";

/** What can be told of a message that was not taken: ids that were read, as far as they are what they should be. */
export interface TornMessage {
  readonly distributionId: string | null;
  readonly name: string | null;
  readonly version: string | null;
  readonly key: string | null;
}

/** A record as far as it can be read without judging it. */
export interface PeekedRecord {
  readonly body: JsonObject | undefined;
  /** The key that it names, of whatever form. */
  readonly key: string | undefined;
  /** In bytes. */
  readonly size: number;
}

/** Looks what a record is about, before anybody decides on it. */
export function peekRecord(record: SqsRecord, topicArn: string): PeekedRecord {
  const opened = openRecord(record, topicArn);
  if (opened.kind === "refused") return { body: undefined, key: undefined, size: 0 };
  const { ArtifactKey: key, artifact } = opened.body;
  return { body: opened.body, key: typeof key === "string" ? key : undefined, size: toSize(opened.body, artifact) };
}

/** The first version names none. */
function toSize(body: JsonObject, artifact: unknown): number {
  if (body["v"] === undefined) return Number.POSITIVE_INFINITY;
  return isObject(artifact) && typeof artifact["size"] === "number" ? artifact["size"] : 0;
}

/** Whom a refusal is told of: the message where its form is right, else the ids that can be told apart. */
export function findTold(body: JsonObject | undefined): {
  readonly message?: ArtifactMessage;
  readonly torn: TornMessage;
} {
  if (body === undefined) return { torn: { distributionId: null, name: null, version: null, key: null } };
  const parsed = parseArtifactMessage(body);
  const torn = toTorn(body);
  return parsed.kind === "message" ? { message: parsed.message, torn } : { torn };
}

/** Bounded, and without what may sign a URL that stands in the wrong field. */
export function toTorn({ distributionId, artifact, ArtifactKey }: JsonObject): TornMessage {
  const { name, version } = isObject(artifact) ? artifact : {};
  return {
    distributionId: toText(distributionId, 128),
    name: toText(name, 128),
    version: toText(version, 64),
    key: toText(ArtifactKey, 1_024),
  };
}

function toText(value: unknown, maxLength: number): string | null {
  return typeof value === "string" && value !== "" ? hideSecrets(value.slice(0, maxLength)) : null;
}
