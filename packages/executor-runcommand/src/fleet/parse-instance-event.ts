import { readField, readText } from "./read-field.ts";

/** Where the app is at home. What is absent is not compared. */
export interface EventHome {
  readonly account?: string;
  readonly region?: string;
}

/** An instance that has just started, as EventBridge tells it. */
export interface StartedInstance {
  readonly instanceId: string;
  readonly account: string;
  readonly region: string;
  readonly time: string;
  /** The same for each delivery of one event. */
  readonly eventId: string;
}

/** What is to be done about an event of EC2. */
export type InstanceDecision =
  | { readonly kind: "ignore"; readonly code: IgnoredCode }
  | ({ readonly kind: "consider" } & StartedInstance);

/** Why an event concerns nobody here. */
export type IgnoredCode =
  | "NOT_EC2_STATE_CHANGE"
  | "STATE_NOT_RUNNING"
  | "INVALID_INSTANCE_ID"
  | "WRONG_ACCOUNT"
  | "WRONG_REGION";

/** EC2 has no `mi-` ids: those are nodes outside of it, which send no such events. */
export const EC2_INSTANCE_ID: RegExp = /^i-([0-9a-f]{8}|[0-9a-f]{17})$/;

/**
 * Reads an "EC2 Instance State-change Notification". Pure; the order of the checks is that of the codes above. `resources` is
 * not believed, `detail` is.
 */
export function parseInstanceEvent(event: unknown, home: EventHome = {}): InstanceDecision {
  const isStateChange =
    readText(event, "source") === "aws.ec2" &&
    readText(event, "detail-type") === "EC2 Instance State-change Notification";
  if (!isStateChange) return { kind: "ignore", code: "NOT_EC2_STATE_CHANGE" };
  const detail = readField(event, "detail");
  if (readText(detail, "state") !== "running") return { kind: "ignore", code: "STATE_NOT_RUNNING" };
  return toConsidered(event, readText(detail, "instance-id"), home);
}

/** The checks that every event about an instance has in common. */
export function toConsidered(event: unknown, instanceId: string | undefined, home: EventHome): InstanceDecision {
  if (instanceId === undefined || !EC2_INSTANCE_ID.test(instanceId)) {
    return { kind: "ignore", code: "INVALID_INSTANCE_ID" };
  }
  const account = readText(event, "account") ?? "";
  const region = readText(event, "region") ?? "";
  if (home.account !== undefined && home.account !== account) return { kind: "ignore", code: "WRONG_ACCOUNT" };
  if (home.region !== undefined && home.region !== region) return { kind: "ignore", code: "WRONG_REGION" };
  const time = readText(event, "time") ?? "";
  return { kind: "consider", instanceId, account, region, time, eventId: toEventId(event, instanceId, time) };
}

/** EventBridge's ids are UUIDs. An event without one, made by hand, is known by what it says. */
function toEventId(event: unknown, instanceId: string, time: string): string {
  const id = readText(event, "id");
  return id !== undefined && /^[\x21-\x7e]{1,128}$/.test(id) ? id : `${instanceId}@${time}`;
}
