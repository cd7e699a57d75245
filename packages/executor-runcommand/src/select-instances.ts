import type { Instance } from "@aws-sdk/client-ec2";
import { defined } from "@stackyard/core";

/** The known facts about one instance. `ssm`: absent if not looked up, null if not registered. */
export interface KnownInstance {
  readonly instanceId: string;
  /** As EC2 spells it: `running`, `stopped`, … */
  readonly state?: string;
  readonly tags?: readonly InstanceTag[];
  /** `windows`, or absent, as in EC2. */
  readonly platform?: string;
  readonly ssm?: SsmAgent | null;
}

/** A tag as in EC2; both parts are case-sensitive. */
interface InstanceTag {
  readonly key: string;
  readonly value: string;
}

/** SSM's facts about an instance's agent. */
export interface SsmAgent {
  readonly pingStatus: string;
  readonly agentVersion?: string;
  /** `Linux`, `Windows` or `MacOS`. */
  readonly platformType?: string;
}

/** The options that select the instances of a fleet. */
export interface SelectOptions {
  /** Default: `has_ssm_agent`. */
  readonly tagKey?: string;
  /** Compared as they are: no trimming, no case folding, no wildcards. Default: `true`, `True`. */
  readonly tagValues?: readonly string[];
  /** Default: `running`. */
  readonly states?: readonly string[];
  /** Default: `any`. */
  readonly platform?: Platform | "any";
  /** Default: true if SSM was queried. */
  readonly requireOnline?: boolean;
}

/** The platform of commands. macOS counts as Linux: it has a shell. */
export type Platform = "linux" | "windows";

/** Why an instance is not part of the run, in the order of the checks. */
type SkipCode =
  | "INVALID_INSTANCE_ID"
  | "DUPLICATE"
  | "STATE_NOT_RUNNING"
  | "TAG_MISSING"
  | "TAG_VALUE"
  | "PLATFORM_MISMATCH"
  | "SSM_NOT_REGISTERED"
  | "SSM_NOT_ONLINE";

/** Each instance of the input is in exactly one of the two lists, both in the order of the input. */
export interface Selection {
  readonly selected: readonly string[];
  readonly skipped: readonly { readonly instanceId: string; readonly code: SkipCode }[];
}

/** The predecessor's tag, and its accepted values. */
export const DEFAULT_TAG_KEY = "has_ssm_agent";
export const DEFAULT_TAG_VALUES: readonly string[] = ["true", "True"];
export const DEFAULT_STATES: readonly string[] = ["running"];

/** Ids of EC2 instances (8 or 17 hex digits) and of managed nodes (17), stricter than the API's own word characters. */
const INSTANCE_ID = /^(i-([0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17})$/;

/** Selects the instances of a run, with the reasons for skipping the others. */
export function selectInstances(instances: readonly KnownInstance[], options: SelectOptions = {}): Selection {
  const seen = new Set<string>();
  const selected: string[] = [];
  const skipped: { instanceId: string; code: SkipCode }[] = [];
  for (const instance of instances) {
    const { instanceId } = instance;
    const code = findSkipCode(instance, options, seen);
    seen.add(instanceId);
    if (code === undefined) selected.push(instanceId);
    else skipped.push({ instanceId, code });
  }
  return { selected, skipped };
}

/** Returns the facts about an instance as EC2 describes it. */
export function toKnownInstance({ InstanceId = "", State, Tags = [], Platform }: Instance): KnownInstance {
  return {
    instanceId: InstanceId,
    state: State?.Name ?? "",
    tags: Tags.map(({ Key = "", Value = "" }) => ({ key: Key, value: Value })),
    ...defined({ platform: Platform }),
  };
}

/** Returns the platform of commands for this instance. */
export function toPlatform({ platform, ssm }: Pick<KnownInstance, "platform" | "ssm">): Platform {
  return isWindows(platform) || isWindows(ssm?.platformType) ? "windows" : "linux";
}

function findSkipCode(
  instance: KnownInstance,
  options: SelectOptions,
  seen: ReadonlySet<string>,
): SkipCode | undefined {
  const { instanceId, state = "" } = instance;
  if (typeof instanceId !== "string" || !INSTANCE_ID.test(instanceId)) return "INVALID_INSTANCE_ID";
  if (seen.has(instanceId)) return "DUPLICATE";
  if (!(options.states ?? DEFAULT_STATES).includes(state)) return "STATE_NOT_RUNNING";
  return findTagFault(instance, options) ?? findPlatformFault(instance, options) ?? findAgentFault(instance, options);
}

function findTagFault({ tags }: KnownInstance, options: SelectOptions): SkipCode | undefined {
  const { tagKey = DEFAULT_TAG_KEY, tagValues = DEFAULT_TAG_VALUES } = options;
  const tag = tags?.find(({ key }) => key === tagKey);
  if (tag === undefined) return "TAG_MISSING";
  return tagValues.includes(tag.value) ? undefined : "TAG_VALUE";
}

function findPlatformFault(instance: KnownInstance, { platform = "any" }: SelectOptions): SkipCode | undefined {
  return platform === "any" || platform === toPlatform(instance) ? undefined : "PLATFORM_MISMATCH";
}

function findAgentFault({ ssm }: KnownInstance, { requireOnline }: SelectOptions): SkipCode | undefined {
  if (!(requireOnline ?? ssm !== undefined)) return undefined;
  if (ssm === null) return "SSM_NOT_REGISTERED";
  return ssm?.pingStatus === "Online" ? undefined : "SSM_NOT_ONLINE";
}

function isWindows(name: string | undefined): boolean {
  return name?.toLowerCase() === "windows";
}

/** An inventory file, and the roles that it has a group for. */
export interface Inventory {
  readonly text: string;
  readonly roles: readonly string[];
}

/** Why a role tag makes no inventory. */
export interface InventoryFault {
  readonly code: "ROLE_NAME_INVALID" | "TOO_MANY_ROLES";
  /** The element that is not a valid role name. */
  readonly element?: string;
  readonly message: string;
}

const ROLE = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;
/** All that Unicode calls so, and what JavaScript does besides. */
const WHITE_SPACE = /[\s\p{White_Space}]+/gu;
const MAX_ROLES = 50;
const HOST = "localhost ansible_connection=local";

/**
 * Returns the Ansible inventory of one instance, by the value of its tag `Ansible_Roles`: a group for each role, with
 * the instance itself. Without a tag, or with a blank one: no groups. Everyone who may tag an instance writes this
 * file, so names are checked.
 */
export function inventory(tagValue: string | null | undefined): Inventory | InventoryFault {
  const elements = String(tagValue ?? "")
    .replace(WHITE_SPACE, "")
    .split(",");
  const roles = [...new Set(elements.filter((element) => element !== ""))];
  const invalid = roles.find((role) => !ROLE.test(role));
  if (invalid !== undefined) return toInvalidRole(invalid);
  if (roles.length > MAX_ROLES) {
    const message = `The tag names ${roles.length} roles; at most ${MAX_ROLES} are taken.`;
    return { code: "TOO_MANY_ROLES", message };
  }
  return { text: roles.map((role) => `[${role}]\n${HOST}\n`).join(""), roles };
}

function toInvalidRole(element: string): InventoryFault {
  const message = `${JSON.stringify(element)} is not a valid role: use a letter or "_", then letters, digits, "_" and "-", at most 63 in all.`;
  return { code: "ROLE_NAME_INVALID", element, message };
}

/** SendCommand takes at most 50 instance ids (API reference, "InstanceIds"). */
export const MAX_CHUNK_SIZE = 50;
