import { createHash } from "node:crypto";
import { type TObject, type TSchema, Type } from "typebox";
import { findUserDataFault, renderUserData } from "../plan/user-data.ts";
import { PRESETS, type ReleaseConstants } from "../release-state.ts";
import {
  decode,
  isMap,
  MAX_PROBLEMS,
  type RawAutoscaling,
  type RawRelease,
  type RawService,
  readJson,
} from "./decode.ts";
import { type Fault, pointTo, quote, type Release, type ReleaseProblem, type ReleaseWarning } from "./release.ts";
import { checkBase, checkBounds, checkOrder, checkOwn, checkSubnets, type RuleContext } from "./release-rules.ts";
import { ReleaseDocument, SeedDocument } from "./schema.ts";
import { checkHooks, checkRequests, checkService, checkStorage, type ServicePlace } from "./service-rules.ts";
import { DEFAULT_TIMEOUT_SECONDS, toRelease } from "./to-release.ts";

/** What a document is read with. */
export interface ParseReleaseOptions {
  /** Whose documents. Default: `PRESETS.stackyard`. */
  readonly constants?: ReleaseConstants | undefined;
  /** The deployer's clock, epoch milliseconds. Absent: the age of `created_at` is not checked. */
  readonly now?: number | undefined;
  /** Default for `aws_account_id`. */
  readonly account?: string | undefined;
  /** Default for `aws_region`. */
  readonly region?: string | undefined;
  /** The account whose bucket is the default; absent: `account`, which in its absence is this one. */
  readonly deployerAccount?: string | undefined;
}

/** A release, or everything that is wrong with its document. */
export type ParsedRelease =
  | { readonly kind: "parsed"; readonly release: Release; readonly warnings: readonly ReleaseWarning[] }
  | { readonly kind: "refused"; readonly problems: readonly ReleaseProblem[] };

/**
 * Reads a release document: its text, or the value that it is. Keys and JSON types first (`UnmarshalError`), then the rules
 * (`BadReleaseError`), each in the order of the document's description whatever the document's own; at most 100 of each. A
 * rule that looks at something undecodable keeps silent. Never throws. What deployers have written into it is passed over.
 */
export function parseRelease(document: unknown, options: ParseReleaseOptions = {}): ParsedRelease {
  const read = typeof document === "string" ? readJson(document) : { kind: "value" as const, value: document };
  if (read.kind === "refused") return read;
  const constants: ReleaseConstants = options.constants ?? PRESETS.stackyard;
  const { generation, bucketPrefix } = constants;
  const schema = generation === "odin" ? ReleaseDocument : SeedDocument;
  const decoded = decode(schema, read.value, generation === "odin" ? "refused" : "ignored");
  if (decoded.problems.some(({ pointer }) => pointer === "")) return { kind: "refused", problems: decoded.problems };
  const raw = dropPlacements(fillPlaces(decoded.value, bucketPrefix, options));
  const faults = checkDocument(schema, raw, { generation, now: options.now }).filter(
    (fault) => !decoded.problems.some((problem) => touches(fault, problem)),
  );
  const problems = [...decoded.problems, ...faults.slice(0, MAX_PROBLEMS).map(toProblem)];
  if (problems.length > 0) return { kind: "refused", problems };
  return { kind: "parsed", release: toRelease(raw, constants), warnings: findWarnings(raw) };
}

// Empty texts stay: who gives one has not left it out.
function fillPlaces(raw: RawRelease, bucketPrefix: string, options: ParseReleaseOptions): RawRelease {
  const { account, region, deployerAccount = account } = options;
  const bucket = deployerAccount === undefined ? undefined : `${bucketPrefix}${deployerAccount}`;
  return {
    ...raw,
    aws_account_id: raw.aws_account_id ?? account ?? deployerAccount,
    aws_region: raw.aws_region ?? region,
    bucket: raw.bucket ?? bucket,
  };
}

// As the predecessor does: without a name the rest says nothing, and may be whatever it is.
function dropPlacements(raw: RawRelease): RawRelease {
  if (raw.services === undefined) return raw;
  const services = Object.entries(raw.services).map(([name, service]) => {
    if (service === null || service.placement_group_name !== undefined) return [name, service] as const;
    const { placement_group_strategy, placement_group_partition_count, ...rest } = service;
    return [name, rest] as const;
  });
  return { ...raw, services: Object.fromEntries(services) };
}

// What could not be decoded is absent for the rules, which must not complain of that, too. An unknown key hides nothing.
function touches(fault: Fault, problem: ReleaseProblem): boolean {
  if (problem.code === "release-unknown-key") return false;
  const undecodable = `${problem.pointer}/`;
  return [fault.pointer, ...(fault.with ?? [])].some((pointer) => {
    return `${pointer}/`.startsWith(undecodable) || undecodable.startsWith(`${pointer}/`);
  });
}

function toProblem({ code, pointer, message }: Fault): ReleaseProblem {
  return { class: "BadReleaseError", code, pointer, message };
}

/**
 * Every broken rule, in the predecessor's order: what all releases have, the release, its services by name, with the release's
 * hooks after the first one; then subnets, the order of services, and the limits of the schema where no rule has spoken.
 */
function checkDocument(schema: TObject, raw: RawRelease, context: RuleContext): readonly Fault[] {
  const spoken = [...checkBase(raw, context), ...prefixed(toPrefix(raw), checkRelease(raw, context))];
  const places = new Set(spoken.map(({ pointer }) => pointer));
  const bounds = Array.from(checkBounds(schema, raw, "")).filter(({ pointer }) => !places.has(pointer));
  return [...spoken, ...bounds.flatMap((fault) => [...prefixed(toPlacePrefix(raw, fault), [fault])])];
}

function* checkRelease(raw: RawRelease, context: RuleContext): Generator<Fault> {
  yield* checkOwn(raw, context);
  yield* checkServices(raw, context);
  yield* checkSubnets(raw);
  yield* checkOrder(raw);
}

function* checkServices(raw: RawRelease, context: RuleContext): Generator<Fault> {
  const pointer = "/services";
  if (raw.services === undefined) {
    yield { code: "release-services-missing", pointer, message: "Services must be defined." };
  }
  const services = Object.entries(raw.services ?? {});
  if (raw.services !== undefined && services.length === 0) {
    yield { code: "release-services-empty", pointer, message: "Services are empty; a release has at least one." };
  }
  const [first, ...others] = services;
  if (first) yield* checkOne(raw, first, context, checkHooks(raw.lifecycle, "/lifecycle"));
  else yield* checkHooks(raw.lifecycle, "/lifecycle");
  for (const service of others) yield* checkOne(raw, service, context, []);
}

type Entry = readonly [string, NonNullable<RawRelease["services"]>[string]];

function* checkOne(
  release: RawRelease,
  [name, service]: Entry,
  context: RuleContext,
  hooks: Iterable<Fault>,
): Generator<Fault> {
  const pointer = pointTo("/services", name);
  if (service === null) {
    yield { code: "release-service-null", pointer, message: `Service ${quote(name)} is null.` };
    yield* hooks;
    return;
  }
  const place: ServicePlace = { release, name, service, pointer };
  const prefix = toServicePrefix(name);
  yield* prefixed(prefix, checkService(place, context));
  yield* hooks;
  yield* prefixed(prefix, checkRequests(place));
  yield* prefixed(prefix, checkStorage(service, pointer));
  yield* prefixed(prefix, checkHooks(service.lifecycle, pointTo(pointer, "lifecycle")));
  yield* prefixed(prefix, checkUserData(place));
}

// Only documents that bring their user data along: of the others it is known when it is loaded.
function* checkUserData({ release, name }: ServicePlace): Generator<Fault> {
  const { user_data: template, release_id = "", project_name = "", config_name = "" } = release;
  if (template === undefined) return;
  const facts = { release_id, project_name, config_name, service_name: name };
  const message = findUserDataFault(renderUserData(template, facts, "step-asg-deployer"));
  if (message !== undefined) yield { code: "release-user-data-too-large", pointer: "/user_data", message };
}

function* prefixed(prefix: string, faults: Iterable<Fault>): Generator<Fault> {
  for (const fault of faults) yield { ...fault, message: `${prefix} ${fault.message}` };
}

function toPrefix({ release_id }: RawRelease): string {
  return release_id === undefined ? "Release Error:" : `Release(${release_id}) Error:`;
}

function toServicePrefix(name: string): string {
  return `Service(${name}) Error:`;
}

function toPlacePrefix(raw: RawRelease, { pointer }: Fault): string {
  const names = Object.keys(raw.services ?? {});
  const service = names.find((name) => `${pointer}/`.startsWith(`${pointTo("/services", name)}/`));
  return service === undefined ? toPrefix(raw) : `${toPrefix(raw)} ${toServicePrefix(service)}`;
}

/** Strategies that go on by looks, whether or not what they started is healthy. */
const UNGATED = /NoCanary$/;

/** What of a document is allowed, and had better be done in another way. */
function findWarnings(raw: RawRelease): readonly ReleaseWarning[] {
  const { timeout = DEFAULT_TIMEOUT_SECONDS } = raw;
  return Object.entries(raw.services ?? {}).flatMap(([name, service]) => {
    const pointer = pointTo("/services", name);
    const warnings = [...warnOf(service ?? {}, pointer), ...warnOfBaking(service?.autoscaling ?? {}, timeout, pointer)];
    return warnings.map((warning) => ({ ...warning, message: `Service(${name}): ${warning.message}` }));
  });
}

function* warnOf(service: RawService, pointer: string): Generator<ReleaseWarning> {
  const { strategy = "AllAtOnce" } = service.autoscaling ?? {};
  const ungated = toUngated(strategy);
  if (ungated !== undefined) {
    yield { code: "release-strategy-ungated", pointer: pointTo(pointer, "autoscaling", "strategy"), message: ungated };
  }
  if (service.elbs?.length) {
    const message = "Classic load balancers are deprecated. Use target_groups.";
    yield { code: "release-elbs-deprecated", pointer: pointTo(pointer, "elbs"), message };
  }
  if (service.ebs_volume_type === "gp2") {
    const message = "gp3 costs less than gp2 and is at least as fast.";
    yield { code: "release-ebs-gp2", pointer: pointTo(pointer, "ebs_volume_type"), message };
  }
  yield* warnOfFirstVolume(service, pointer);
  yield* warnOfVolumes(service, pointer);
  yield* warnOfPeriods(service.autoscaling?.policies ?? [], pointTo(pointer, "autoscaling", "policies"));
  if (service.spot_price !== undefined && !service.instance_types?.length) {
    const message = "Spot capacity of one type alone is often not to be had. Name more in instance_types.";
    yield { code: "release-spot-one-type", pointer: pointTo(pointer, "spot_price"), message };
  }
  if (service.metadata_tokens === "optional") {
    const message = "Instance metadata without tokens can be read through a proxy on the instance. Use required.";
    yield { code: "release-metadata-tokens-optional", pointer: pointTo(pointer, "metadata_tokens"), message };
  }
}

function toUngated(strategy: string): string | undefined {
  if (UNGATED.test(strategy)) return `The steps of ${strategy} do not wait for health. Use GatedCanary or GatedSteps.`;
  if (strategy !== "OneThenAllWithCanary") return undefined;
  return `${strategy} goes on at the first healthy look, and where one instance is enough it ends with it. Use GatedCanary.`;
}

function* warnOfFirstVolume(service: RawService, pointer: string): Generator<ReleaseWarning> {
  if (service.ebs_volume_size !== undefined) return;
  for (const key of ["ebs_volume_type", "ebs_device_name"] as const) {
    if (service[key] === undefined) continue;
    const message = `${key} is of no effect without ebs_volume_size. Give the size, or remove it.`;
    yield { code: "release-ebs-without-size", pointer: pointTo(pointer, key), message };
  }
}

/** CloudWatch API reference, PutMetricAlarm, `Period`. */
function* warnOfPeriods(policies: NonNullable<RawAutoscaling["policies"]>, pointer: string): Generator<ReleaseWarning> {
  for (const [index, policy] of policies.entries()) {
    const { type, period = 300 } = policy ?? {};
    if ([10, 20, 30].includes(period) || period % 60 === 0) continue;
    const message = `Policy ${type}: period is ${period} s, and CloudWatch takes 10, 20, 30 and whole minutes alone.`;
    yield { code: "release-policy-period", pointer: pointTo(pointer, index, "period"), message };
  }
}

function* warnOfVolumes({ volumes = [] }: RawService, pointer: string): Generator<ReleaseWarning> {
  for (const [index, volume] of volumes.entries()) {
    if (volume?.type !== "gp2") continue;
    const message = "gp3 costs less than gp2 and is at least as fast.";
    yield { code: "release-ebs-gp2", pointer: pointTo(pointer, "volumes", index, "type"), message };
  }
}

function* warnOfBaking(raw: RawAutoscaling, timeout: number, pointer: string): Generator<ReleaseWarning> {
  const { strategy, steps = [], bake_time = 0 } = raw;
  const seconds = bake_time * (strategy === "GatedCanary" ? 1 : steps.length);
  if (seconds < timeout) return;
  const message = `The steps bake for ${seconds} s in all, and the release has ${timeout} s. Raise the release's timeout.`;
  yield { code: "release-bake-time-above-timeout", pointer: pointTo(pointer, "autoscaling", "bake_time"), message };
}

type Generation = Pick<ReleaseConstants, "generation">;

/**
 * SHA-256 (hex) of a document as it was sent, to be compared with that of the same document from another channel. Take it before
 * any default is filled in.
 */
export function hashRelease(document: unknown, constants: Generation = PRESETS.stackyard): string {
  return createHash("sha256").update(canonicalRelease(document, constants), "utf8").digest("hex");
}

/**
 * A document in the one form that it can have: known keys only, in the schema's order; those of maps in order; absent members and
 * null left out. Of a document that does not decode it is still some text, and never throws.
 */
export function canonicalRelease(document: unknown, { generation }: Generation = PRESETS.stackyard): string {
  const schema = generation === "odin" ? KNOWN : SeedDocument;
  return JSON.stringify(toCanonical(schema, document)) ?? "null";
}

// The task that is asked for is not part of what was stored.
const { Task: _, ...properties } = ReleaseDocument.properties;
const KNOWN = Type.Object(properties);

function toCanonical(schema: TSchema, value: unknown): unknown {
  if (Type.IsObject(schema) && isMap(value)) return toMembers(schema, value);
  if (Type.IsRecord(schema) && isMap(value)) return toSorted(schema, value);
  if (Type.IsArray(schema) && Array.isArray(value)) return value.map((item) => toCanonical(schema.items, item));
  return typeof value === "object" || typeof value === "bigint" ? null : value;
}

function toMembers(schema: TObject, value: Readonly<Record<string, unknown>>): unknown {
  const known = Object.entries(schema.properties).filter(([key]) => Object.hasOwn(value, key) && value[key] !== null);
  return Object.fromEntries(known.map(([key, inner]) => [key, toCanonical(inner, value[key])]));
}

// As a list of pairs: numbers would come first in an object, whatever their order.
function toSorted(schema: TSchema, value: Readonly<Record<string, unknown>>): unknown {
  const inner = Object.values(Object(schema).patternProperties ?? {}).find(Type.IsSchema) ?? Type.Unknown();
  return Object.keys(value)
    .sort()
    .map((key) => [key, toCanonical(inner, value[key])]);
}
