import { createHash } from "node:crypto";
import { isMap } from "@stackyard/core";
import { type TObject, type TSchema, Type } from "typebox";
import { findUserDataFault, renderUserData } from "../plan/user-data.ts";
import { PRESETS, type ReleaseConstants } from "../presets.ts";
import { decode, MAX_PROBLEMS, type RawAutoscaling, type RawRelease, type RawService, readJson } from "./decode.ts";
import { type Fault, pointTo, quote, type Release, type ReleaseProblem, type ReleaseWarning } from "./release.ts";
import { checkBase, checkBounds, checkOrder, checkOwn, checkSubnets, type RuleContext } from "./release-rules.ts";
import { ReleaseDocument, SeedDocument } from "./schema.ts";
import { checkHooks, checkRequests, checkService, checkStorage, type ServicePlace } from "./service-rules.ts";
import { DEFAULT_TIMEOUT_SECONDS, toRelease } from "./to-release.ts";

/** Options of `parseRelease`. */
export interface ParseReleaseOptions {
  /** Constants of the installation. Default: `PRESETS.stackyard`. */
  readonly constants?: ReleaseConstants | undefined;
  /** The deployer's clock, epoch milliseconds. Missing: the age of `created_at` is not checked. */
  readonly now?: number | undefined;
  /** Default for `aws_account_id`. */
  readonly account?: string | undefined;
  /** Default for `aws_region`. */
  readonly region?: string | undefined;
  /** The account in the default bucket's name. Default: `account`, or else the document's account. */
  readonly deployerAccount?: string | undefined;
}

/** A release, or all problems of its document. */
export type ParsedRelease =
  | { readonly kind: "parsed"; readonly release: Release; readonly warnings: readonly ReleaseWarning[] }
  | { readonly kind: "refused"; readonly problems: readonly ReleaseProblem[] };

/**
 * Parses a release document, given as text or as a parsed value. Checks keys and JSON types first (`UnmarshalError`),
 * then the rules (`BadReleaseError`), each in the order of the schema; at most 100 of each. Rules skip members that
 * cannot be decoded. Ignores the fields of deployers. Never throws.
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

// Empty texts stay: they are not missing.
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

// As in the predecessor: without a name, the other placement settings are ignored.
function dropPlacements(raw: RawRelease): RawRelease {
  if (raw.services === undefined) return raw;
  const services = Object.entries(raw.services).map(([name, service]) => {
    if (service === null || service.placement_group_name !== undefined) return [name, service] as const;
    const { placement_group_strategy, placement_group_partition_count, ...rest } = service;
    return [name, rest] as const;
  });
  return { ...raw, services: Object.fromEntries(services) };
}

// Undecodable members are missing for the rules, which must not report that as well. Unknown keys hide nothing.
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
 * Returns all broken rules, in the predecessor's order: rules for all releases, the release, its services by name, with
 * the release's hooks after the first service; then subnets, the order of services, and the schema's limits where no
 * rule applies.
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
    yield { code: "release-services-empty", pointer, message: "Services are empty; a release needs at least one." };
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

// Only for documents that contain their user data; otherwise its size is checked when it is loaded.
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

/** Strategies that advance with every check, whether or not the instances are healthy. */
const UNGATED = /NoCanary$/;

/** Returns warnings about valid but discouraged settings. */
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
    const message = "Spot capacity of one type is often unavailable. Add more instance_types.";
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
  return `${strategy} continues at the first healthy check, and succeeds with one instance if one is enough. Use GatedCanary.`;
}

function* warnOfFirstVolume(service: RawService, pointer: string): Generator<ReleaseWarning> {
  if (service.ebs_volume_size !== undefined) return;
  for (const key of ["ebs_volume_type", "ebs_device_name"] as const) {
    if (service[key] === undefined) continue;
    const message = `${key} has no effect without ebs_volume_size. Set the size, or remove it.`;
    yield { code: "release-ebs-without-size", pointer: pointTo(pointer, key), message };
  }
}

/** Yields warnings about periods that CloudWatch rejects (API reference, PutMetricAlarm, `Period`). */
function* warnOfPeriods(policies: NonNullable<RawAutoscaling["policies"]>, pointer: string): Generator<ReleaseWarning> {
  for (const [index, policy] of policies.entries()) {
    const { type, period = 300 } = policy ?? {};
    if ([10, 20, 30].includes(period) || period % 60 === 0) continue;
    const message = `Policy ${type}: period is ${period} s; CloudWatch accepts only 10, 20, 30 and whole minutes.`;
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
  const message = `The steps bake for ${seconds} s in total, but the timeout of the release is ${timeout} s. Raise the timeout.`;
  yield { code: "release-bake-time-above-timeout", pointer: pointTo(pointer, "autoscaling", "bake_time"), message };
}

type Generation = Pick<ReleaseConstants, "generation">;

/**
 * Returns the SHA-256 (hex) of a document as sent, for comparison with the same document from another channel. Call it
 * before defaults are filled in.
 */
export function hashRelease(document: unknown, constants: Generation = PRESETS.stackyard): string {
  return createHash("sha256").update(canonicalRelease(document, constants), "utf8").digest("hex");
}

/**
 * Returns the canonical form of a document: known keys only, in the schema's order; sorted keys of maps; without
 * missing members and null. Never throws; undecodable documents return some text.
 */
export function canonicalRelease(document: unknown, { generation }: Generation = PRESETS.stackyard): string {
  const schema = generation === "odin" ? KNOWN : SeedDocument;
  return JSON.stringify(toCanonical(schema, document)) ?? "null";
}

// The requested task is not part of the stored document.
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

// A list of pairs, because objects order numeric keys first.
function toSorted(schema: TSchema, value: Readonly<Record<string, unknown>>): unknown {
  const inner = Object.values(Object(schema).patternProperties ?? {}).find(Type.IsSchema) ?? Type.Unknown();
  return Object.keys(value)
    .sort()
    .map((key) => [key, toCanonical(inner, value[key])]);
}
