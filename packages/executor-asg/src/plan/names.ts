import { createHash } from "node:crypto";
import { keepStart } from "@stackyard/core";
import { parseInstant } from "../document/decode.ts";
import type { Release, ScalingPolicy, Service } from "../document/release.ts";
import type { ReleaseConstants } from "../presets.ts";
import type { ReleaseState, ServiceResources } from "../release-state.ts";

/** The longest name of a group (Auto Scaling, CreateAutoScalingGroup), and of its policies and alarms. */
export const MAX_GROUP_NAME = 255;

/** Time and random letters of a name in the first generation. */
export interface SeedDraw {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Seven lower-case letters. */
  readonly letters: string;
}

/**
 * Returns the name of a service's group: `<project>-<config>-<created_at>-<service>`, with the time in UTC, to the
 * second. The name is the same in every state of the release. With `draw`, as in the first generation:
 * `<project>-<config>-<service>-<time>-<letters>`. Throws a RangeError if `created_at` is not a valid time.
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

/** Returns the id of a new release or execution: `release-<time>-<letters>`. */
export function toReleaseId(at: number, letters: string): string {
  return `release-${toStamp(at)}-${letters}`;
}

/** Returns seven random lower-case letters. `random` returns numbers from 0 to below 1. */
export function toLetters(random: () => number): string {
  return Array.from({ length: 7 }, () => LETTERS.charAt(Math.floor(random() * LETTERS.length))).join("");
}

/** Formats an instant for names, in UTC, to the second, with hyphens instead of colons: `2020-01-02T03-04-05Z`. */
function toStamp(at: number): string {
  return `${new Date(at).toISOString().slice(0, -5).replaceAll(":", "-")}Z`;
}

type Project = Pick<Release, "project_name" | "config_name">;

/**
 * Maximum length of project and config together. The name of an execution has at most 80 characters (Step Functions
 * API, StartExecution), of which the other parts take 37.
 */
const MAX_PROJECT_AND_CONFIG = 43;

/**
 * Returns the prefix of the names of all executions of a project and config. Names of other projects can start with it
 * too: also compare the rest, or the input of the execution.
 */
export function toExecutionPrefix({ project_name, config_name }: Project): string {
  return `deploy-${project_name.replaceAll("/", "-")}-${config_name}-`;
}

/** Returns the name of a new execution. */
export function toExecutionName(project: Project, at: number, letters: string): string {
  return `${toExecutionPrefix(project)}${toStamp(at)}-${letters}`;
}

/** Returns why an execution for this project and config is not possible, or undefined. */
export function findProjectFault({ project_name, config_name }: Project): string | undefined {
  const length = project_name.length + config_name.length;
  if (length <= MAX_PROJECT_AND_CONFIG) return undefined;
  return `project_name and config_name have ${length} characters together, and ${MAX_PROJECT_AND_CONFIG} are the limit: shorten one.`;
}

const LETTER_COUNT = 7;

const ALPHABET = 26;

/**
 * Returns the name of a service's group. In the first generation it contains the time and letters of the execution, so
 * that a repeated state uses the same group.
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
  return serviceId(release, service, { at: Date.parse(state.started_at), letters: toUuidLetters(state.uuid) });
}

function toUuidLetters(uuid: string): string {
  const bytes = createHash("sha256").update(uuid).digest().subarray(0, LETTER_COUNT);
  return [...bytes].map((byte) => String.fromCharCode(97 + (byte % ALPHABET))).join("");
}

/** Returns the name of a scaling policy in its group. In the first generation it is the type alone. */
export function toPolicyName(
  serviceId: string,
  policy: Pick<ScalingPolicy, "type" | "name">,
  { generation }: Pick<ReleaseConstants, "generation">,
): string {
  return generation === "odin" ? toAlarmName(serviceId, policy) : policy.type;
}

/** Returns the name of a policy's alarm. It is unique in the account, because the group's name is. */
export function toAlarmName(serviceId: string, { type, name }: Pick<ScalingPolicy, "type" | "name">): string {
  return [serviceId, type, ...(name === undefined ? [] : [name])].join("-");
}

/** EC2 API reference, "CreateLaunchTemplate": allowed names. */
const TAKEN = /^[a-zA-Z0-9().\-/_]{3,128}$/;

const OTHERS = /[^a-zA-Z0-9().\-/_]/g;

const HASH_CHARS = 16;

/**
 * Returns the name of a service's launch template: the name of its group if EC2 accepts it. Otherwise the accepted
 * characters and a hash, because groups may have longer names with more characters than templates.
 */
export function toTemplateName(serviceId: string): string {
  if (TAKEN.test(serviceId)) return serviceId;
  const hash = createHash("sha256").update(serviceId).digest("hex").slice(0, HASH_CHARS);
  return `${serviceId.replace(OTHERS, "_").slice(0, 128 - HASH_CHARS - 1)}-${hash}`;
}

/** Everything that the requests of one service are built from. */
export interface LaunchFacts {
  readonly constants: ReleaseConstants;
  readonly release: Release;
  readonly state: ReleaseState;
  readonly service: Service;
  readonly resources: ServiceResources;
  /** Name of the group; prefix of the names of everything that belongs to it. */
  readonly serviceId: string;
  /** Who deploys, and from which source revision; each may be missing. */
  readonly actor?: { readonly name?: string; readonly revision?: string };
}

/** Keys of the tags that identify the resources of a release. The first six are the predecessor's. */
export const RELEASE_TAGS = {
  project: "ProjectName",
  config: "ConfigName",
  service: "ServiceName",
  releaseId: "ReleaseID",
  uuid: "ReleaseUUID",
  name: "Name",
  /** Increases with each release of the project and config; identifies late writers. */
  fencingToken: "stackyard:fencing-token",
  actor: "stackyard:actor",
  revision: "stackyard:revision",
  /** Id of the release that this one replaces. */
  previousRelease: "stackyard:previous-release",
  /** When a group was retired for a rollback. */
  retiredAt: "stackyard:retired-at",
} as const;

/** EC2 user guide, "Tag restrictions". */
const MAX_VALUE_CHARS = 256;

/** Characters other than letters, digits and spaces that every service accepts in a tag value (same page). */
const NOT_TAKEN = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu;

/** Auto Scaling user guide, "Tag restrictions": of one group. */
const MAX_TAGS = 50;

/**
 * Returns the tags of everything that a release creates for a service: the service's own tags, overridden by those of
 * the deployer. Informational tags are left out if the service's own tags leave no room.
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
  const telling = toOptionalTags(facts).filter(([key]) => keys.has(key) || keys.add(key).size <= MAX_TAGS);
  return { ...needed, ...Object.fromEntries(telling) };
}

/** Returns the optional tags, most important first. */
function toOptionalTags({ state, actor }: Omit<LaunchFacts, "resources">): readonly (readonly [string, string])[] {
  const tags = [
    [RELEASE_TAGS.fencingToken, state.fencing_token],
    [RELEASE_TAGS.previousRelease, state.previous_release_id],
    [RELEASE_TAGS.actor, actor?.name && toValue(actor.name)],
    [RELEASE_TAGS.revision, actor?.revision && toValue(actor.revision)],
  ] as const;
  return tags.flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)] as const]));
}

/** Converts tags to the list format of EC2 and CloudWatch. */
export function toTagList(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function toName({ constants, release, service, serviceId }: Omit<LaunchFacts, "resources">): string {
  if (constants.generation === "odin") return serviceId;
  return [release.project_name, release.config_name, service.service_name, release.release_id].join("-");
}

function toValue(text: string): string {
  return keepStart(text.replace(NOT_TAKEN, "_"), MAX_VALUE_CHARS);
}
