/** One instance of EC2 as the simulation keeps it. */
export interface SimInstance {
  readonly account: string;
  readonly region: string;
  readonly instanceId: string;
  readonly reservationId: string;
  readonly platform: "windows" | undefined;
  readonly instanceType: string;
  readonly launchedAt: number;
  /** DescribeInstances knows nothing of it before. */
  readonly visibleAt: number;
  readonly states: readonly StateAt[];
  readonly tags: Readonly<Record<string, string>>;
}

/** A state and since when. */
export interface StateAt {
  readonly at: number;
  readonly state: InstanceState;
}

/** As EC2 names them. */
export type InstanceState = keyof typeof STATE_CODES;

/** API reference, "InstanceState", Code. */
export const STATE_CODES = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;

/** The state at an instant. */
export function stateOf({ states }: SimInstance, now: number): InstanceState {
  return states.findLast(({ at }) => at <= now)?.state ?? "pending";
}

/** "Instance", LaunchTime: "updated for instances that are stopped and then started". */
export function launchTimeOf({ states, launchedAt }: SimInstance, now: number): number {
  const past = states.filter(({ at }) => at <= now);
  const started = past.findLast(({ state }, index) => state !== "stopped" && past[index - 1]?.state === "stopped");
  return started?.at ?? launchedAt;
}

/** An instance as DescribeInstances answers it, as far as anything here reads it. */
export function toInstance(instance: SimInstance, now: number): Readonly<Record<string, unknown>> {
  const { instanceId, instanceType, platform, tags } = instance;
  const state = stateOf(instance, now);
  return {
    InstanceId: instanceId,
    InstanceType: instanceType,
    LaunchTime: new Date(launchTimeOf(instance, now)),
    State: { Code: STATE_CODES[state], Name: state },
    // Absent for Linux ("Instance", Platform: "The value is `Windows` for Windows instances; otherwise blank").
    ...(platform === undefined ? {} : { Platform: platform }),
    PlatformDetails: platform === undefined ? "Linux/UNIX" : "Windows",
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  };
}
