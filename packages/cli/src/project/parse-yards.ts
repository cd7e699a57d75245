import type { StackyardConfig } from "@stackyard/core";
import { findNearestName } from "../shell/nearest-name.ts";

/** A yard of a configuration. */
export type YardOptions = NonNullable<StackyardConfig["yards"]>[string];

/** A yard in an AWS account. */
export type AwsYardOptions = Extract<YardOptions, { readonly type: "aws" }>;

/** How a value must look: what people are told, and its pattern. */
interface Form {
  readonly pattern: RegExp;
  readonly must: string;
}

type Fields = Readonly<Record<string, unknown>>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const TEXT: Form = { pattern: /^[^\p{Cc}]{1,2048}$/u, must: "text" };
const QUEUE: Form = { pattern: /^https?:\/\/[^\s/]+\/\S{1,2000}$/, must: "the URL of a queue" };
const STANDARD: Form = {
  pattern: /^https?:\/\/[^\s/]+\/\S{1,2000}(?<!\.fifo)$/,
  must: "the URL of a standard queue: FIFO queues delay no single message",
};
const TABLE: Form = {
  pattern: /^[a-zA-Z0-9_.-]{3,255}$/,
  must: 'the name of a table: 3 to 255 letters, digits, "_", "-" and "."',
};
const BUCKET: Form = { pattern: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, must: "the name of a bucket" };
const PREFIX: Form = { pattern: /^[^\p{Cc}]{0,1024}$/u, must: "the beginning of keys" };

const OF_SERVER: ReadonlyMap<string, Form> = new Map([
  ["url", { pattern: /^https?:\/\/\S{1,2000}$/, must: "an address such as https://stackyard.example.org" }],
  ["token", { pattern: /^[\x21-\x7e]{1,256}$/, must: "a token" }],
]);
const OF_AWS: ReadonlyMap<string, Form> = new Map([
  ["type", TEXT],
  ["region", { pattern: /^[a-z]{2,4}(-[a-z0-9]+)+$/, must: "a region such as eu-west-1" }],
  ["profile", TEXT],
  ["role", { pattern: /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, must: "the ARN of a role" }],
  [
    "externalId",
    { pattern: /^[\w+=,.@:/-]{2,1224}$/, must: "an external id: 2 to 1,224 letters, digits and _+=,.@:/-" },
  ],
  ["eventQueueUrl", QUEUE],
  [
    "eventTopicArn",
    { pattern: /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/, must: "the ARN of a topic" },
  ],
  ["taskQueueUrl", QUEUE],
  ["longTaskQueueUrl", QUEUE],
  ["tickQueueUrl", STANDARD],
  ["eventDeadLetterQueueUrl", QUEUE],
  ["taskDeadLetterQueueUrl", QUEUE],
  ["stacksTable", TABLE],
  ["workTable", TABLE],
  ["connectionSecret", TEXT],
]);
const PLACES = ["machines", "messages"] as const;
const OF_PLACE: ReadonlyMap<string, Form> = new Map([
  ["bucket", BUCKET],
  ["prefix", PREFIX],
]);
/** Who leads to an account names no more than these. */
const OF_ACCOUNT: ReadonlySet<string> = new Set(["type", "region", "profile", "role", "externalId"]);

/** Everything that is wrong with the yards of a configuration. No value is shown that may be a secret. */
export function findYardFaults(yards: unknown): readonly string[] {
  if (yards === undefined) return [];
  if (!isMap(yards)) return ["yards must be a map of names and yards."];
  return Object.entries(yards).flatMap(([name, yard]) => {
    const place = `yards.${name}`;
    if (!NAME.test(name)) return [`${place}: a yard's name has 1 to 64 letters, digits, "_", "-" and ".".`];
    if (!isMap(yard)) return [`${place} must be { url, token } or { type: "aws", … }.`];
    return findFaults(place, withoutUndefined(yard));
  });
}

/** True for a yard in an AWS account. */
export function isAwsYard(yard: YardOptions): yard is AwsYardOptions {
  return "type" in yard;
}

function findFaults(place: string, yard: Fields): readonly string[] {
  if (yard["type"] === undefined) {
    const missing = yard["url"] === undefined ? [`${place}.url is missing; a yard on AWS has type: "aws".`] : [];
    return [...missing, ...findUnknown(place, yard, [...OF_SERVER.keys()]), ...findForms(place, yard, OF_SERVER)];
  }
  if (yard["type"] !== "aws") return [`${place}.type must be "aws".`];
  return [
    ...findUnknown(place, yard, [...OF_AWS.keys(), ...PLACES]),
    ...findForms(place, yard, OF_AWS),
    ...PLACES.flatMap((key) => findPlaceFaults(`${place}.${key}`, yard[key])),
    ...findMissing(place, yard),
    ...findContradictions(place, yard),
  ];
}

function findUnknown(place: string, yard: Fields, known: readonly string[]): readonly string[] {
  const unknown = Object.keys(yard).filter((key) => !known.includes(key));
  return unknown.map((key) => {
    const near = findNearestName(key, known);
    return `${place}.${key} is no known key. ${near ? `Did you mean "${near}"?` : `Known: ${known.join(", ")}.`}`;
  });
}

function findForms(place: string, yard: Fields, forms: ReadonlyMap<string, Form>): readonly string[] {
  return [...forms].flatMap(([key, { pattern, must }]) => {
    const value = yard[key];
    if (value === undefined || (typeof value === "string" && pattern.test(value))) return [];
    return [`${place}.${key} must be ${must}.`];
  });
}

function findPlaceFaults(place: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!isMap(value)) return [`${place} must be { bucket, prefix }.`];
  const fields = withoutUndefined(value);
  const missing = fields["bucket"] === undefined ? [`${place}.bucket is missing.`] : [];
  return [...missing, ...findUnknown(place, fields, [...OF_PLACE.keys()]), ...findForms(place, fields, OF_PLACE)];
}

function findMissing(place: string, yard: Fields): readonly string[] {
  if (Object.keys(yard).every((key) => OF_ACCOUNT.has(key))) return [];
  const groups = [
    ["eventQueueUrl", "eventTopicArn"],
    ["taskQueueUrl"],
    ["stacksTable", "connectionSecret"],
    ["machines"],
  ];
  return groups
    .filter((group) => group.every((key) => yard[key] === undefined))
    .map((group) => `${place}.${group.join(" or ")} is missing.`);
}

function findContradictions(place: string, yard: Fields): readonly string[] {
  const has = (key: string): boolean => yard[key] !== undefined;
  return [
    ...(has("stacksTable") && has("connectionSecret")
      ? [`${place}: state lies in stacksTable or behind connectionSecret, not in both.`]
      : []),
    ...(has("workTable") && !has("stacksTable") ? [`${place}.workTable goes with stacksTable.`] : []),
    ...(has("externalId") && !has("role") ? [`${place}.externalId goes with role.`] : []),
    ...findOrderFaults(place, yard, "eventQueueUrl", "eventDeadLetterQueueUrl"),
    ...findOrderFaults(place, yard, "taskQueueUrl", "taskDeadLetterQueueUrl"),
  ];
}

/** "Using dead-letter queues in Amazon SQS": that of a FIFO queue is a FIFO queue, that of a standard one is standard. */
function findOrderFaults(place: string, yard: Fields, queue: string, deadLetters: string): readonly string[] {
  const [first, second] = [yard[queue], yard[deadLetters]];
  if (typeof first !== "string" || typeof second !== "string") return [];
  if (first.endsWith(".fifo") === second.endsWith(".fifo")) return [];
  return [`${place}.${deadLetters} must be a FIFO queue where ${queue} is one, and only there.`];
}

/** What comes from the environment may be undefined. */
function withoutUndefined(value: Fields): Fields {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}

function isMap(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
