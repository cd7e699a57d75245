import type { RawHook } from "./raw-release.ts";
import type { LifecycleHook } from "./release.ts";

type HookResult = NonNullable<LifecycleHook["default_result"]>;

/** Where the names of roles and topics are. */
export interface HookScope {
  readonly account: string;
  readonly region: string;
}

/** Hooks with the ARNs that their names stand for, of a document that breaks no rule. */
export function toHooks(
  hooks: Readonly<Record<string, RawHook | null>>,
  scope: HookScope,
): Readonly<Record<string, LifecycleHook>> {
  return Object.fromEntries(Object.entries(hooks).map(([name, hook]) => [name, toHook(name, hook ?? {}, scope)]));
}

function toHook(name: string, raw: RawHook, { account, region }: HookScope): LifecycleHook {
  const partition = toPartition(region);
  return {
    name,
    transition: raw.transition as LifecycleHook["transition"],
    ...(raw.role === undefined ? {} : { role: raw.role }),
    ...(raw.sns === undefined ? {} : { sns: raw.sns }),
    ...(raw.heartbeat_timeout === undefined ? {} : { heartbeat_timeout: raw.heartbeat_timeout }),
    ...(raw.default_result === undefined ? {} : { default_result: raw.default_result as HookResult }),
    // EventBridge is told of every hook; whoever else is told needs a role to do so.
    ...(raw.event_bridge === true
      ? {}
      : {
          role_arn: raw.role_arn ?? `arn:${partition}:iam::${account}:role/${raw.role}`,
          notification_target_arn:
            raw.notification_target_arn ?? `arn:${partition}:sns:${region}:${account}:${raw.sns}`,
        }),
  };
}

/** The partition of a region, by its name (IAM User Guide, ARNs). */
export function toPartition(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}
