import { type EventHome, type IgnoredCode, type StartedInstance, toConsidered } from "./parse-instance-event.ts";
import { readField, readText } from "./read-field.ts";

/** What completes a lifecycle action. */
export interface LifecycleHook {
  readonly group: string;
  readonly hook: string;
  readonly token: string;
}

/** What is to be done about an event of a lifecycle hook. */
export type HookDecision =
  | { readonly kind: "ignore"; readonly code: IgnoredCode | "NOT_LAUNCH_HOOK" | "HOOK_INVALID" }
  | ({ readonly kind: "consider" } & StartedInstance & { readonly hook: LifecycleHook });

/** Auto Scaling API reference, `CompleteLifecycleAction`: names have at most 255 characters, the token is a UUID. */
const NAME = /^[^\p{Cc}]{1,255}$/u;
const TOKEN = /^[0-9a-fA-F-]{36}$/;

/** Reads an "EC2 Instance-launch Lifecycle Action" of Auto Scaling: the instance waits until somebody completes it. Pure. */
export function parseHookEvent(event: unknown, home: EventHome = {}): HookDecision {
  const detail = readField(event, "detail");
  const isLaunch =
    readText(event, "source") === "aws.autoscaling" &&
    readText(event, "detail-type") === "EC2 Instance-launch Lifecycle Action" &&
    readText(detail, "LifecycleTransition") === "autoscaling:EC2_INSTANCE_LAUNCHING";
  if (!isLaunch) return { kind: "ignore", code: "NOT_LAUNCH_HOOK" };
  const decision = toConsidered(event, readText(detail, "EC2InstanceId"), home);
  if (decision.kind === "ignore") return decision;
  const hook = findHook(detail);
  return hook === undefined ? { kind: "ignore", code: "HOOK_INVALID" } : { ...decision, hook };
}

function findHook(detail: unknown): LifecycleHook | undefined {
  const group = readText(detail, "AutoScalingGroupName") ?? "";
  const hook = readText(detail, "LifecycleHookName") ?? "";
  const token = readText(detail, "LifecycleActionToken") ?? "";
  return NAME.test(group) && NAME.test(hook) && TOKEN.test(token) ? { group, hook, token } : undefined;
}
