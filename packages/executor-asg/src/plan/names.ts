import { createHash } from "node:crypto";
import { parseInstant } from "../document/decode.ts";
import type { Release, ScalingPolicy, Service } from "../document/release.ts";
import type { ReleaseConstants, ReleaseKey, ReleaseState, ServiceResources } from "../release-state.ts";

/** The longest name of a group (Auto Scaling, CreateAutoScalingGroup), and of its policies and alarms. */
export const MAX_GROUP_NAME = 255;

/** What the first generation draws afresh for each name. */
export interface SeedDraw {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Seven. */
  readonly letters: string;
}

/**
 * The name of a service's group: `<project>-<config>-<created_at>-<service>`, the time in UTC to the second, the same in every
 * state of the release. With a draw as the first generation has it: `<project>-<config>-<service>-<time>-<letters>`. A release
 * whose `created_at` is no time throws a RangeError.
 */
export function serviceId(
  release: Pick<Release, "project_name" | "config_name" | "created_at">,
  service: string | { readonly service_name: string },
  draw?: SeedDraw,
): string {
  const name = typeof service === "string" ? service : service.service_name;
  const project = `${release.project_name}-${release.config_name}`;
  if (draw) return `${project}-${name}-${toStamp(draw.at)}-${draw.letters}`;
  return `${project}-${toStamp(parseInstant(release.created_at) ?? Number.NaN)}-${name}`;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** The id of a new release, or of one execution of it: `release-<time>-<letters>`. */
export function toReleaseId(at: number, letters: string): string {
  return `release-${toStamp(at)}-${letters}`;
}

/** Seven lower-case letters. `random` gives numbers from 0 to below 1. */
export function toLetters(random: () => number): string {
  return Array.from({ length: 7 }, () => LETTERS.charAt(Math.floor(random() * LETTERS.length))).join("");
}

/** An instant in names: UTC, seconds, without the colons that names of AWS may not hold. `2020-01-02T03-04-05Z`. */
function toStamp(at: number): string {
  return `${new Date(at).toISOString().slice(0, -5).replaceAll(":", "-")}Z`;
}

type Project = Pick<Release, "project_name" | "config_name">;

/**
 * How many characters project and config may have together: the name of an execution has at most 80 (Step Functions API,
 * StartExecution), of which the rest of ours takes 37.
 */
const MAX_PROJECT_AND_CONFIG = 43;

/**
 * What the names of all executions of a project-config begin with. Other project-configs' can begin with it, too: compare what
 * comes after it, or the input of the execution.
 */
export function toExecutionPrefix({ project_name, config_name }: Project): string {
  return `deploy-${project_name.replaceAll("/", "-")}-${config_name}-`;
}

/** The name of a new execution. */
export function toExecutionName(project: Project, at: number, letters: string): string {
  return `${toExecutionPrefix(project)}${toStamp(at)}-${letters}`;
}

/** Why there can be no execution for a project-config; `undefined`: there can. */
export function findProjectFault({ project_name, config_name }: Project): string | undefined {
  const length = project_name.length + config_name.length;
  if (length <= MAX_PROJECT_AND_CONFIG) return undefined;
  return `project_name and config_name have ${length} characters together, and ${MAX_PROJECT_AND_CONFIG} are the limit: shorten one.`;
}

/** Where a bucket keeps what belongs to a release. Keys, without a slash before them. */
interface ReleasePaths {
  /** Of the project-config. */
  readonly root: string;
  /** Of all configs of the project. */
  readonly shared: string;
  /** Of the release. */
  readonly dir: string;
  readonly release: string;
  readonly userData: string;
  /** Of the project-config. */
  readonly lock: string;
  readonly userLock: string;
  /** That the release was there once. */
  readonly releaseLock: string;
  /** Addressed to whichever release runs. */
  readonly halt: string;
  /** Addressed to this release. */
  readonly ownHalt: string;
}

/** The keys of a release; those of the first generation have no level for the account. */
export function toReleasePaths(key: ReleaseKey, generation: ReleaseConstants["generation"]): ReleasePaths {
  const account = generation === "odin" ? `${key.aws_account_id}/` : "";
  const project = `${account}${key.project_name}`;
  const root = `${project}/${key.config_name}`;
  const dir = `${root}/${key.release_id}`;
  return {
    root,
    shared: `${project}/_shared`,
    dir,
    release: `${dir}/release`,
    userData: `${dir}/userdata`,
    lock: `${root}/lock`,
    userLock: `${root}/user-lock`,
    releaseLock: `${dir}/lock`,
    halt: `${root}/halt`,
    ownHalt: `${dir}/halt`,
  };
}

const LETTERS_TO_GROUP_NAME = 7;
const ALPHABET = 26;

/**
 * Name of the group of a service: of the document alone, or, in the first generation, of the time and of letters. Those are of this
 * execution, so that a state which is repeated means the same group.
 */
export function toGroupName(
  release: Release,
  service: Service,
  {
    state,
    constants,
  }: { readonly state: Pick<ReleaseState, "uuid" | "started_at">; readonly constants: ReleaseConstants },
): string {
  if (constants.generation === "odin") return serviceId(release, service);
  return serviceId(release, service, { at: Date.parse(state.started_at), letters: toLettersToGroupName(state.uuid) });
}

function toLettersToGroupName(uuid: string): string {
  const bytes = createHash("sha256").update(uuid).digest().subarray(0, LETTERS_TO_GROUP_NAME);
  return [...bytes].map((byte) => String.fromCharCode(97 + (byte % ALPHABET))).join("");
}

/** Name of a policy in its group. The seed's was the type alone. */
export function toPolicyName(
  serviceId: string,
  policy: Pick<ScalingPolicy, "type" | "name">,
  { generation }: Pick<ReleaseConstants, "generation">,
): string {
  return generation === "odin" ? toAlarmName(serviceId, policy) : policy.type;
}

/** Name of the alarm that works a policy: unique in the account, since the group's name is. */
export function toAlarmName(serviceId: string, { type, name }: Pick<ScalingPolicy, "type" | "name">): string {
  return [serviceId, type, ...(name === undefined ? [] : [name])].join("-");
}

/** EC2 API reference, "CreateLaunchTemplate": 3–128 characters of these. */
const TAKEN = /^[a-zA-Z0-9().\-/_]{3,128}$/;
const OTHERS = /[^a-zA-Z0-9().\-/_]/g;
const HASH_CHARS = 16;

/**
 * Name of a service's launch template: the name of its group, where EC2 takes that. Else what EC2 takes of it, and a hash: groups
 * may have longer names than templates, and of more characters.
 */
export function toTemplateName(serviceId: string): string {
  if (TAKEN.test(serviceId)) return serviceId;
  const hash = createHash("sha256").update(serviceId).digest("hex").slice(0, HASH_CHARS);
  return `${serviceId.replace(OTHERS, "_").slice(0, 128 - HASH_CHARS - 1)}-${hash}`;
}

/** All that the requests of one service are made of. */
export interface LaunchFacts {
  readonly constants: ReleaseConstants;
  readonly release: Release;
  readonly state: ReleaseState;
  readonly service: Service;
  readonly resources: ServiceResources;
  /** Name of the group, and what the names of all that belongs to it begin with. */
  readonly serviceId: string;
  /** Who deploys, and which source revision; each as far as it is known. */
  readonly actor?: { readonly name?: string; readonly revision?: string };
}

/** Keys of the tags by which a release knows its own. The first six are the predecessor's. */
export const RELEASE_TAGS = {
  project: "ProjectName",
  config: "ConfigName",
  service: "ServiceName",
  releaseId: "ReleaseID",
  uuid: "ReleaseUUID",
  name: "Name",
  /** Grows with each release of the project-config: who comes late is known by it. */
  fencingToken: "stackyard:fencing-token",
  actor: "stackyard:actor",
  revision: "stackyard:revision",
  /** The release that this one replaces. */
  previousRelease: "stackyard:previous-release",
  /** Since when a group is kept for a rollback. */
  retiredAt: "stackyard:retired-at",
} as const;

/** EC2 user guide, "Tag restrictions". */
const MAX_VALUE_CHARS = 256;
/** What every service takes in a value besides letters, digits and spaces of any script (the same page). */
const NOT_TAKEN = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu;

/** Auto Scaling user guide, "Tag restrictions": of one group. */
const MAX_TAGS = 50;

/**
 * The tags of everything that a release makes for a service: the service's own, then those of the deployer, which win. Those that
 * only tell something are left out where a service's own leave no room.
 */
export function toReleaseTags(facts: Omit<LaunchFacts, "resources">): Readonly<Record<string, string>> {
  const { release, service, state } = facts;
  const needed: Readonly<Record<string, string>> = {
    ...service.tags,
    [RELEASE_TAGS.project]: release.project_name,
    [RELEASE_TAGS.config]: release.config_name,
    [RELEASE_TAGS.service]: service.service_name,
    [RELEASE_TAGS.releaseId]: release.release_id,
    [RELEASE_TAGS.uuid]: state.uuid,
    [RELEASE_TAGS.name]: toName(facts),
  };
  const keys = new Set(Object.keys(needed));
  const telling = toTelling(facts).filter(([key]) => keys.has(key) || keys.add(key).size <= MAX_TAGS);
  return { ...needed, ...Object.fromEntries(telling) };
}

/** The most important first. */
function toTelling({ state, actor }: Omit<LaunchFacts, "resources">): readonly (readonly [string, string])[] {
  const tags = [
    [RELEASE_TAGS.fencingToken, state.fencing_token],
    [RELEASE_TAGS.previousRelease, state.previous_release_id],
    [RELEASE_TAGS.actor, actor?.name && toValue(actor.name)],
    [RELEASE_TAGS.revision, actor?.revision && toValue(actor.revision)],
  ] as const;
  return tags.flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)] as const]));
}

/** The same tags as EC2 and CloudWatch take them. */
export function toTagList(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function toName({ constants, release, service, serviceId }: Omit<LaunchFacts, "resources">): string {
  if (constants.generation === "odin") return serviceId;
  return [release.project_name, release.config_name, service.service_name, release.release_id].join("-");
}

function toValue(text: string): string {
  return text.replace(NOT_TAKEN, "_").slice(0, MAX_VALUE_CHARS);
}

/**
 * The services in the order in which all states go through them: after those that they depend on, else by name. The order of keys
 * in the document says nothing, since not every store of documents keeps it.
 */
export function toServiceOrder({ services }: Pick<Release, "services">): readonly Service[] {
  const names = Object.keys(services).toSorted();
  const ordered = new Map<string, Service>();
  while (ordered.size < names.length) {
    const next = names.find((name) => !ordered.has(name) && isFree(services[name], ordered, services));
    // Of a circle, which no parsed release has, the first.
    const name = next ?? names.find((each) => !ordered.has(each));
    const service = name === undefined ? undefined : services[name];
    if (name === undefined || service === undefined) break;
    ordered.set(name, service);
  }
  return [...ordered.values()];
}

function isFree(
  service: Service | undefined,
  ordered: ReadonlyMap<string, Service>,
  services: Release["services"],
): boolean {
  return service?.depends_on.every((name) => ordered.has(name) || services[name] === undefined) ?? false;
}

/** A list in parts of at most so many, for calls that take no more. An empty list has no parts. */
export function chunk<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
