import { cutText } from "@stackyard/core";
import type { View } from "@stackyard/core/api";
import type {
  AutoscalingDocument,
  HookDocument,
  PolicyDocument,
  RELEASE_SERVER_FIELDS,
  ReleaseDocument,
  SERVICE_SERVER_FIELDS,
  ServiceDocument,
  VolumeDocument,
} from "./schema.ts";

/** A part of a document, in which these members always have a value. */
type Filled<Part, Keys extends keyof Part> = Omit<Part, Keys> & Required<Pick<Part, Keys>>;

/**
 * A release that has passed every check, with its defaults filled in. Names and units are those of the document:
 * durations in seconds. Values that the deployer determines are in `ReleaseState`.
 */
export type Release = Omit<
  Required<View<typeof ReleaseDocument>>,
  keyof typeof RELEASE_SERVER_FIELDS | "lifecycle" | "services"
> & {
  readonly services: Readonly<Record<string, Service>>;
  readonly lifecycle: Readonly<Record<string, LifecycleHook>>;
  /** Seed documents carry it themselves; `user_data_sha256` is its hash. */
  readonly user_data?: string;
  /** Seconds between two health checks, derived from the timeout. */
  readonly wait_for_healthy: number;
};

type ServicePart = Omit<View<typeof ServiceDocument>, keyof typeof SERVICE_SERVER_FIELDS>;

/** A group of equal servers: one Auto Scaling group. */
export type Service = Omit<
  Filled<
    ServicePart,
    "instance_types" | "elbs" | "target_groups" | "tags" | "metadata_tokens" | "metadata_hop_limit" | "depends_on"
  >,
  "autoscaling" | "lifecycle" | "volumes"
> & {
  readonly service_name: string;
  readonly autoscaling: Autoscaling;
  readonly volumes: readonly Volume[];
  /** In place of the release's. */
  readonly lifecycle?: Readonly<Record<string, LifecycleHook>>;
};

/** A block device. The type of the first one may be any text. */
export type Volume = Omit<View<typeof VolumeDocument>, "type"> & { readonly type: string };

/** The number of servers, and the pace at which they start. */
export type Autoscaling = Omit<
  Required<View<typeof AutoscalingDocument>>,
  "default_cooldown" | "default_instance_warmup" | "policies"
> &
  Pick<View<typeof AutoscalingDocument>, "default_cooldown" | "default_instance_warmup"> & {
    readonly policies: readonly ScalingPolicy[];
  };

/** Instances, or a share of the target such as `"25%"`. */
export type RolloutStep = Autoscaling["steps"][number];

/** The six of the predecessor are paced by polls; the gated ones wait for health at each step. */
export type Strategy = Autoscaling["strategy"];

/** A scaling policy: the way in which a group follows its load. */
export type ScalingPolicy = AlarmPolicy | TargetTrackingPolicy;

type PolicyPart = View<typeof PolicyDocument>;

/** One alarm on the CPU and a change in capacity. */
export type AlarmPolicy = { readonly type: "cpu_scale_up" | "cpu_scale_down" } & Pick<PolicyPart, "name"> &
  Required<Pick<PolicyPart, "scaling_adjustment" | "threshold" | "period" | "evaluation_periods" | "cooldown">>;

/** Keeps a metric at a value. */
export type TargetTrackingPolicy = { readonly type: "target_tracking" } & Pick<
  PolicyPart,
  "name" | "target_group" | "disable_scale_in"
> &
  Required<Pick<PolicyPart, "metric" | "target_value">> & {
    readonly custom_metric?: Required<NonNullable<PolicyPart["custom_metric"]>>;
  };

/** A lifecycle hook of a group. Those that only EventBridge receives have no role and no target. */
export type LifecycleHook = Omit<Filled<View<typeof HookDocument>, "name" | "transition">, "event_bridge">;

/** A problem of a release document. */
export interface ReleaseProblem {
  /** The predecessor's class: cannot be decoded, or breaks a rule. */
  readonly class: "UnmarshalError" | "BadReleaseError";
  /** Kebab-case, begins with `release-`; never renamed. */
  readonly code: `release-${string}`;
  /** JSON pointer (RFC 6901) to the place, also of a member that is missing. */
  readonly pointer: string;
  /** The fault, its place, and the remedy. */
  readonly message: string;
}

/** A warning about a valid but discouraged setting. */
export type ReleaseWarning = Omit<ReleaseProblem, "class">;

/** A broken rule, before its message is prefixed with the release and service. */
export interface Fault {
  readonly code: ReleaseProblem["code"];
  readonly pointer: string;
  readonly message: string;
  /** Other members that the rule depends on. */
  readonly with?: readonly string[];
}

/** Returns the JSON pointer to a member. */
export function pointTo(pointer: string, ...keys: readonly (string | number)[]): string {
  return [pointer, ...keys.map((key) => String(key).replaceAll("~", "~0").replaceAll("/", "~1"))].join("/");
}

/** Formats a value for a message: as JSON, truncated to one line. */
export function quote(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return cutText(text, 120);
}

/**
 * Returns the services in the order used by all states: dependencies first, otherwise by name. The order of keys in the
 * document is ignored, because not every store preserves it.
 */
export function toServiceOrder({ services }: Pick<Release, "services">): readonly Service[] {
  const names = Object.keys(services).toSorted();
  const ordered = new Map<string, Service>();
  while (ordered.size < names.length) {
    const next = names.find((name) => !ordered.has(name) && isFree(services[name], ordered, services));
    // Parsed releases have no cycles; in a cycle, take the first.
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
