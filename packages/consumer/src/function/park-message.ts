import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { toAwsError } from "@stackyard/aws";
import { openRecord } from "../message-record.ts";
import { isObject, type JsonObject } from "../parse-json.ts";
import { hideSecrets } from "./hide-secrets.ts";
import type { SqsRecord } from "./sqs-event.ts";

/** Why a message is parked. */
export interface ParkingReason {
  readonly code: string;
  readonly reason: string;
}

/** Where and by whom. */
export interface ParkingPlace {
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
  readonly topicArn: string;
  /** ISO 8601. */
  readonly at: string;
}

/** What stays of a message: names of the format alone, for others may hold anything. */
const KEPT = {
  message: ["v", "ArtifactKey", "ArtifactUrl", "distributionId", "sequence", "issuedAt", "urlExpiresAt", "retire"],
  artifact: ["name", "version", "size", "sha256", "contentType", "rewrite"],
  source: ["account", "region", "bucket", "versionId"],
  target: ["account", "region"],
  manifest: ["key", "sha256"],
} as const;
const MAX_TEXT = 1_024;
/** What JSON leaves as it is, and a queue does not take (Amazon SQS API reference, "SendMessage", `MessageBody`). */
const REFUSED = /[\ufffe\uffff]/g;

/** The message for the parking queue: what was wrong with which message. A body that nobody can read is told by its length only. */
export function toParkedText(record: SqsRecord, { code, reason }: ParkingReason, place: ParkingPlace): string {
  const { topicArn, ...facts } = place;
  const opened = openRecord(record, topicArn);
  const message = opened.kind === "opened" ? toKept(opened.body) : null;
  const { messageId } = record;
  const bytes = Buffer.byteLength(String(record.body ?? ""));
  const text = JSON.stringify({ v: 1, code, reason: hideSecrets(reason), messageId, ...facts, bytes, message });
  return text.replace(REFUSED, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}

/** Puts it there. */
export async function parkMessage(client: SQSClient, QueueUrl: string, MessageBody: string): Promise<void> {
  try {
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  } catch (error) {
    throw toAwsError(error, "A message could not be parked.", "Allow sqs:SendMessage on the parking queue.");
  }
}

function toKept({ artifact, source, target, manifest, ...message }: JsonObject): object {
  const parts = Object.entries({ artifact, source, target, manifest }).flatMap(([name, part]) => {
    return isObject(part) ? [[name, pick(part, KEPT[name as keyof typeof KEPT])]] : [];
  });
  return { ...pick(message, KEPT.message), ...Object.fromEntries(parts) };
}

function pick(from: JsonObject, names: readonly string[]): object {
  const kept = names.flatMap((name) => (Object.hasOwn(from, name) ? [[name, toShort(from[name])]] : []));
  return Object.fromEntries(kept);
}

function toShort(value: unknown): unknown {
  if (typeof value === "string") return hideSecrets(value).slice(0, MAX_TEXT);
  return typeof value === "number" || typeof value === "boolean" ? value : null;
}
