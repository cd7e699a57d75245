import type { RawHook } from "../raw-release.ts";
import { type Fault, pointTo, quote } from "../release-problem.ts";
import { HEARTBEAT, TRANSITIONS } from "../schema/lifecycle-schema.ts";

/** The longest name of a hook (Auto Scaling, PutLifecycleHook). */
const MAX_HOOK_NAME = 255;

/** The rules of lifecycle hooks. */
export function* checkHooks(
  hooks: Readonly<Record<string, RawHook | null>> | undefined,
  pointer: string,
): Generator<Fault> {
  for (const [name, hook] of Object.entries(hooks ?? {})) {
    const place = pointTo(pointer, name);
    if (hook === null) {
      yield { code: "release-hook-null", pointer: place, message: `Lifecycle hook ${quote(name)} is null.` };
    } else yield* checkHook(name, hook, place);
  }
}

function* checkHook(name: string, hook: RawHook, pointer: string): Generator<Fault> {
  const fault: MakeFault = (key, code, message, other) => {
    const rest = other === undefined ? {} : { with: [pointTo(pointer, other)] };
    return { code, pointer: pointTo(pointer, key), message: `Lifecycle hook ${quote(name)}: ${message}`, ...rest };
  };
  if (name === "" || name.length > MAX_HOOK_NAME) {
    const message = `A lifecycle hook's name has 1 to ${MAX_HOOK_NAME} characters.`;
    yield { code: "release-hook-name", pointer, message };
  }
  const known = TRANSITIONS.map(quote).join(" or ");
  const { transition, heartbeat_timeout = HEARTBEAT.minimum } = hook;
  if (transition === undefined) {
    yield fault("transition", "release-hook-transition-missing", `transition must be given: ${known}.`);
  }
  yield* hook.event_bridge === true ? checkNoTopic(hook, fault) : checkTopic(hook, fault);
  if (transition !== undefined && !TRANSITIONS.some((one) => one === transition)) {
    const message = `transition must equal ${known}, not ${quote(transition)}.`;
    yield fault("transition", "release-hook-transition-unknown", message);
  }
  if (heartbeat_timeout < HEARTBEAT.minimum || heartbeat_timeout > HEARTBEAT.maximum) {
    const range = `${HEARTBEAT.minimum} to ${HEARTBEAT.maximum}`;
    const message = `heartbeat_timeout is ${heartbeat_timeout} s; ${range} are allowed.`;
    yield fault("heartbeat_timeout", "release-hook-heartbeat", message);
  }
}

type MakeFault = (key: string, code: Fault["code"], message: string, other?: string) => Fault;

function* checkTopic(hook: RawHook, fault: MakeFault): Generator<Fault> {
  if (!(hook.role_arn ?? hook.role)) {
    yield fault("role", "release-hook-role-missing", "role must be given, or role_arn.", "role_arn");
  }
  if (!(hook.notification_target_arn ?? hook.sns)) {
    const message = "sns must be given, or notification_target_arn.";
    yield fault("sns", "release-hook-topic-missing", message, "notification_target_arn");
  }
}

const OF_TOPICS = ["role", "role_arn", "sns", "notification_target_arn"] as const;

function* checkNoTopic(hook: RawHook, fault: MakeFault): Generator<Fault> {
  for (const key of OF_TOPICS.filter((one) => hook[one] !== undefined)) {
    const message = `${key} says nothing beside event_bridge; remove one of them.`;
    yield fault(key, "release-hook-topic-foreign", message, "event_bridge");
  }
}
