import { type SimCall, textOf } from "../sim-call.ts";
import { openTargetGroup, type TargetGroups } from "./target-groups.ts";
import type { TargetNow, TargetState } from "./target-states.ts";

/** "TargetHealth", Reason: the code that goes with a state; a healthy target has none. */
const REASONS: Readonly<Record<TargetState, string | undefined>> = {
  initial: "Elb.InitialHealthChecking",
  healthy: undefined,
  unhealthy: "Target.FailedHealthChecks",
  unused: "Target.NotRegistered",
  draining: "Target.DeregistrationInProgress",
  unavailable: "Elb.InternalError",
};

/** DescribeTargetHealth: of all targets, or of those that are named; a stranger is `unused`. */
export function describeTargetHealth(groups: TargetGroups, call: SimCall): unknown {
  const { input, now } = call;
  const registered = openTargetGroup(groups, textOf(input, "TargetGroupArn"), call).targets.list(now);
  const asked: readonly string[] | undefined = Array.isArray(input["Targets"])
    ? input["Targets"].map(({ Id }) => Id)
    : undefined;
  const named = registered.filter(({ id }) => asked?.includes(id) ?? true);
  const strangers = (asked ?? []).filter((id) => !named.some((each) => each.id === id));
  const unused = strangers.map((id): TargetNow => ({ id, port: undefined, state: "unused" }));
  return { TargetHealthDescriptions: [...named, ...unused].map(toDescription) };
}

function toDescription({ id, port, state }: TargetNow): object {
  const Reason = REASONS[state];
  return {
    Target: { Id: id, ...(port === undefined ? {} : { Port: port }) },
    ...(port === undefined ? {} : { HealthCheckPort: String(port) }),
    TargetHealth: { State: state, ...(Reason && { Reason }) },
  };
}
