import { isMap } from "@stackyard/core";
import { type TSchema, Type } from "typebox";
import { findProjectFault } from "../plan/names.ts";
import type { ReleaseConstants } from "../presets.ts";
import { parseInstant, type RawRelease, type RawService } from "./decode.ts";
import { type Fault, pointTo, quote } from "./release.ts";
import { DETACH_STRATEGIES, MAX_SERVICES, MAX_TIMEOUT_SECONDS, PLACEMENT_STRATEGIES } from "./schema.ts";

/** Values outside the document that rules use. */
export interface RuleContext {
  readonly generation: ReleaseConstants["generation"];
  /** The deployer's clock, epoch milliseconds. Missing: the age of the document is not checked. */
  readonly now?: number | undefined;
}

/** Rules of every kind of release. Their messages have no release prefix. */
export function* checkBase(raw: RawRelease, context: RuleContext): Generator<Fault> {
  for (const [key, code, what] of NAMES) {
    if (!raw[key]) yield { code, pointer: `/${key}`, message: `${key} must be defined: ${what}.` };
  }
  if (raw.created_at === undefined) {
    yield { code: "release-created-at-missing", pointer: "/created_at", message: "created_at must be defined." };
  } else yield* checkAge(raw.created_at, context);
  yield* checkNames(raw);
}

const NAMES = [
  ["aws_account_id", "release-account-missing", "the account to deploy to"],
  ["aws_region", "release-region-missing", "the region to deploy to"],
  ["release_id", "release-id-missing", "a name that no release had before"],
  ["project_name", "release-project-missing", "such as org/name"],
  ["config_name", "release-config-missing", "such as production"],
  ["bucket", "release-bucket-missing", "where the deployer keeps releases"],
] as const;

/** Maximum age of a document, and maximum time ahead of the deployer's clock, in seconds. */
const WINDOWS = { odin: [864_000, 120], "step-asg-deployer": [300, 120] } as const;

function* checkAge(createdAt: string, { generation, now }: RuleContext): Generator<Fault> {
  const at = parseInstant(createdAt);
  if (at === undefined || now === undefined) return;
  const [past, future] = WINDOWS[generation];
  const pointer = "/created_at";
  const seconds = (now - at) / 1000;
  const clock = `the deployer's clock is ${toIso(now)}`;
  if (seconds >= past) {
    const message = `created_at ${createdAt} is ${Math.floor(seconds)} s old; it must be younger than ${past} s (${clock}). Deploy again.`;
    yield { code: "release-created-at-too-old", pointer, message };
  } else if (seconds <= -future) {
    const message = `created_at ${createdAt} is ${Math.floor(-seconds)} s ahead; less than ${future} s are allowed (${clock}). Set the clock of the client.`;
    yield { code: "release-created-at-in-future", pointer, message };
  }
}

function toIso(now: number): string {
  return Math.abs(now) <= 8.64e15 ? new Date(now).toISOString() : String(now);
}

/** Maximum length of a tag value (Auto Scaling, Tag): the release id is one. */
const MAX_RELEASE_ID = 256;

function* checkNames(raw: RawRelease): Generator<Fault> {
  const { release_id = "", project_name = "", config_name = "" } = raw;
  for (const [key, name] of Object.entries({ release_id, project_name, config_name })) {
    if (name !== "" && !isSafe(name)) {
      const message = `${key} is ${quote(name)}. It is part of paths, so it must not contain control characters, or a part that is empty, "." or "..".`;
      yield { code: "release-name-unsafe", pointer: `/${key}`, message };
    }
  }
  if (release_id.length > MAX_RELEASE_ID) {
    const message = `release_id has ${release_id.length} characters; the limit is ${MAX_RELEASE_ID}.`;
    yield { code: "release-id-too-long", pointer: "/release_id", message };
  }
  const message = findProjectFault({ project_name, config_name });
  if (message !== undefined) {
    yield { code: "release-name-too-long", pointer: "/project_name", with: ["/config_name"], message };
  }
}

/** Returns whether a name is safe as part of a path. */
export function isSafe(name: string): boolean {
  if (/\p{Cc}/u.test(name) || !name.isWellFormed()) return false;
  return name.split("/").every((part) => !["", ".", ".."].includes(part));
}

/** Rules of the release, without its services. */
export function* checkOwn(raw: RawRelease, { generation }: RuleContext): Generator<Fault> {
  const { timeout = 1, detach_strategy = "Detach" } = raw;
  if (timeout > MAX_TIMEOUT_SECONDS && generation === "odin") {
    const message = `timeout is ${timeout} s; the limit is ${MAX_TIMEOUT_SECONDS} s (48 hours).`;
    yield { code: "release-timeout-too-long", pointer: "/timeout", message };
  } else if (timeout <= 0) {
    const message = `timeout is ${timeout} s. It must be at least 1.`;
    yield { code: "release-timeout-not-positive", pointer: "/timeout", message };
  }
  if (!DETACH_STRATEGIES.some((known) => known === detach_strategy)) {
    const message = `detach_strategy is ${quote(detach_strategy)}; it must be one of ${DETACH_STRATEGIES.join(", ")}.`;
    yield { code: "release-detach-strategy-unknown", pointer: "/detach_strategy", message };
  }
  if (raw.ami === undefined) {
    yield { code: "release-ami-missing", pointer: "/ami", message: "AMI image must be provided: an id, or a Name." };
  }
  if (generation === "odin" && !raw.user_data_sha256) {
    const message = "user_data_sha256 must be defined: the SHA-256 of the stored user data.";
    yield { code: "release-user-data-hash-missing", pointer: "/user_data_sha256", message };
  }
  if (generation === "step-asg-deployer" && !raw.user_data) {
    yield { code: "release-user-data-missing", pointer: "/user_data", message: "user_data must be defined." };
  }
}

/** Checks that every service has subnets, its own or the release's. */
export function* checkSubnets(raw: RawRelease): Generator<Fault> {
  if (raw.subnets !== undefined && raw.subnets.length > 0) return;
  const services = Object.values(raw.services ?? {});
  if (raw.subnets === undefined && services.length > 0 && services.every((service) => service?.subnets)) return;
  const message = "subnets must have at least one: an id, or the value of a tag Name.";
  yield { code: "release-subnets-missing", pointer: "/subnets", message };
}

/** Default limit of lists and maps. */
const MAX_ITEMS = 1000;

/**
 * Returns violations of the schema's limits, in its order: required members, numbers, lengths, patterns, enums and
 * lists. The value was decoded with the same schema.
 */
export function* checkBounds(schema: TSchema, value: unknown, pointer: string): Generator<Fault> {
  if (value === null) {
    yield { code: "release-item-null", pointer, message: `${pointer} is null. Set a value, or remove it.` };
  } else if (Type.IsObject(schema)) yield* checkMembers(schema, value, pointer);
  else if (Type.IsRecord(schema)) yield* checkMap(schema, value, pointer);
  else if (Type.IsArray(schema)) yield* checkList(schema, value, pointer);
  else if (Type.IsUnion(schema)) yield* checkBounds(findBranch(schema.anyOf, value), value, pointer);
  else yield* checkScalar(schema, value, pointer);
}

function* checkMembers(schema: TSchema, value: unknown, pointer: string): Generator<Fault> {
  const { properties = {}, required = [] } = toLimits(schema);
  for (const [key, inner] of Object.entries(properties)) {
    const place = pointTo(pointer, key);
    const member = isMap(value) ? value[key] : undefined;
    if (member !== undefined) yield* checkBounds(inner, member, place);
    else if (required.includes(key)) {
      yield { code: "release-member-missing", pointer: place, message: `${place} is required.` };
    }
  }
}

function* checkMap(schema: TSchema, value: unknown, pointer: string): Generator<Fault> {
  const { patternProperties = {}, minProperties = 0, maxProperties = MAX_ITEMS } = toLimits(schema);
  const members = Object.entries(Object(value));
  if (members.length < minProperties || members.length > maxProperties) {
    const message = `${pointer} has ${members.length} members; ${minProperties} to ${maxProperties} are allowed.`;
    yield { code: "release-map-size", pointer, message };
  }
  const inner = Object.values(patternProperties)[0] ?? Type.Unknown();
  for (const [key, item] of members) yield* checkBounds(inner, item, pointTo(pointer, key));
}

function* checkList(schema: TSchema, value: unknown, pointer: string): Generator<Fault> {
  const { minItems = 0, maxItems = MAX_ITEMS, uniqueItems = false, items = Type.Unknown() } = toLimits(schema);
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  if (list.length < minItems || list.length > maxItems) {
    const message = `${pointer} has ${list.length} items; ${minItems} to ${maxItems} are allowed.`;
    yield { code: "release-list-length", pointer, message };
  }
  const before = new Set<unknown>();
  for (const [index, item] of list.entries()) {
    const place = pointTo(pointer, index);
    yield* checkBounds(items, item, place);
    if (uniqueItems && item !== null && before.has(item)) {
      yield { code: "release-item-duplicate", pointer: place, message: `${place} repeats ${quote(item)}. Remove it.` };
    }
    before.add(item);
  }
}

function* checkScalar(schema: TSchema, value: unknown, pointer: string): Generator<Fault> {
  const limits = toLimits(schema);
  if (limits.enum && !limits.enum.includes(value)) {
    const message = `${pointer} is ${quote(value)}; it must be one of ${limits.enum.map(quote).join(", ")}.`;
    yield { code: "release-value-unknown", pointer, message };
  } else if (typeof value === "number") yield* checkNumber(limits, value, pointer);
  else if (typeof value === "string") yield* checkText(limits, value, pointer);
}

function* checkNumber(limits: Limits, value: number, pointer: string): Generator<Fault> {
  const { minimum, maximum, exclusiveMinimum } = limits;
  const fits =
    value >= (minimum ?? value) &&
    value <= (maximum ?? value) &&
    value > (exclusiveMinimum ?? Number.NEGATIVE_INFINITY);
  if (fits) return;
  const least = exclusiveMinimum === undefined ? `at least ${minimum}` : `above ${exclusiveMinimum}`;
  const most = maximum === undefined ? "" : ` and at most ${maximum}`;
  yield { code: "release-out-of-range", pointer, message: `${pointer} is ${value}; it must be ${least}${most}.` };
}

function* checkText(limits: Limits, value: string, pointer: string): Generator<Fault> {
  if (value.length < (limits.minLength ?? 0)) {
    yield { code: "release-text-empty", pointer, message: `${pointer} is empty. Set a value, or remove it.` };
  } else if (value.length > (limits.maxLength ?? value.length)) {
    const message = `${pointer} has ${value.length} characters; the limit is ${limits.maxLength}.`;
    yield { code: "release-text-too-long", pointer, message };
  } else if (limits.pattern !== undefined && !new RegExp(limits.pattern).test(value)) {
    const message = `${pointer} is ${quote(value)}; it must match ${limits.pattern}.`;
    yield { code: "release-text-unknown", pointer, message };
  }
}

function findBranch(branches: readonly TSchema[], value: unknown): TSchema {
  const fits = (branch: TSchema) => (typeof value === "number") === Type.IsInteger(branch);
  return branches.find(fits) ?? Type.Unknown();
}

interface Limits {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
  readonly items?: TSchema;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

function toLimits(schema: TSchema): Limits {
  return schema as Limits;
}

/** Rules of placement groups. Without a name the other settings are ignored, as in the predecessor. */
export function* checkPlacement(service: RawService, pointer: string): Generator<Fault> {
  const { placement_group_name: name, placement_group_strategy: strategy } = service;
  if (name === undefined) return;
  const at = pointTo(pointer, "placement_group_strategy");
  const known = PLACEMENT_STRATEGIES.map(quote).join(", ");
  if (strategy === undefined) {
    const message = `placement_group_strategy must be defined with placement_group_name: one of ${known}.`;
    yield { code: "release-placement-strategy-missing", pointer: at, message };
  } else if (!PLACEMENT_STRATEGIES.some((one) => one === strategy)) {
    const message = `placement_group_strategy is ${quote(strategy)}; it must be one of ${known}.`;
    yield { code: "release-placement-strategy-unknown", pointer: at, message };
  } else yield* checkCount(service.placement_group_partition_count, strategy, pointer);
  if (name === "") {
    const message = "placement_group_name is empty. Set a name, or remove it.";
    yield { code: "release-placement-name-empty", pointer: pointTo(pointer, "placement_group_name"), message };
  }
}

/** Maximum number of partitions in one Availability Zone (EC2 User Guide, partition placement groups). */
const MAX_PARTITIONS = 7;

function* checkCount(count: number | undefined, strategy: string, pointer: string): Generator<Fault> {
  const at = pointTo(pointer, "placement_group_partition_count");
  const rest = { pointer: at, with: [pointTo(pointer, "placement_group_strategy")] };
  if (strategy !== "partition") {
    if (count === undefined) return;
    const message = `placement_group_partition_count is only valid for the strategy "partition", not for ${quote(strategy)}.`;
    yield { code: "release-placement-count-foreign", message, ...rest };
  } else if (count === undefined) {
    const message = 'placement_group_partition_count must be defined for the strategy "partition".';
    yield { code: "release-placement-count-missing", message, ...rest };
  } else if (count < 1 || count > MAX_PARTITIONS) {
    const message = `placement_group_partition_count is ${count}; 1 to ${MAX_PARTITIONS} are possible.`;
    yield { code: "release-placement-count-range", message, ...rest };
  }
}

/** Checks `depends_on`: services of the release, without cycles. */
export function* checkOrder({ services = {} }: RawRelease): Generator<Fault> {
  // Too many are refused for that alone.
  if (Object.keys(services).length > MAX_SERVICES) return;
  for (const [name, service] of Object.entries(services)) {
    const pointer = pointTo("/services", name, "depends_on");
    for (const [index, needed] of (service?.depends_on ?? []).entries()) {
      if (needed === null || Object.hasOwn(services, needed)) continue;
      const message = `depends_on names ${quote(needed)}, which is not a service of the release.`;
      yield { code: "release-depends-on-unknown", pointer: pointTo(pointer, index), message };
    }
  }
  const circle = findCircle(services);
  if (circle === undefined) return;
  const [first = ""] = circle;
  const message = `Services wait for each other: ${[...circle, first].map(quote).join(" → ")}. Remove one depends_on.`;
  yield { code: "release-depends-on-circle", pointer: pointTo("/services", first, "depends_on"), message };
}

type Services = NonNullable<RawRelease["services"]>;

// Repeatedly removes services without remaining dependencies. The rest contains a cycle: follow it until a name
// repeats.
function findCircle(services: Services): readonly string[] | undefined {
  const left = new Map(Object.entries(services).map(([name, service]) => [name, toNeeded(services, service)]));
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const [name, needed] of left) if (!needed.some((one) => left.has(one))) left.delete(name);
  }
  const path: string[] = [];
  let next = [...left.keys()][0];
  while (next !== undefined && !path.includes(next)) {
    path.push(next);
    next = left.get(next)?.find((one) => left.has(one));
  }
  return next === undefined ? undefined : path.slice(path.indexOf(next));
}

function toNeeded(services: Services, service: Services[string]): readonly string[] {
  return (service?.depends_on ?? []).flatMap((name) => (name !== null && Object.hasOwn(services, name) ? [name] : []));
}
