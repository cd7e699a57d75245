import { defined } from "@stackyard/core";
import type { TargetCourse, TrafficSourceRef, TrafficSources } from "../auto-scaling/sim-group.ts";

/** The health of one target, as a test sets it. */
export interface TargetInput extends TargetRef {
  readonly state: TargetState;
  /** Such as `Target.Timeout`. Default: the most frequent one of the state. */
  readonly reason?: string;
  /** Default: that of the reason. */
  readonly description?: string;
  /** From then on. Default: ever since. */
  readonly at?: number;
}

/** Targets differ by id and port ("TargetDescription": one instance can be registered several times, with different ports). */
interface TargetRef {
  readonly id: string;
  readonly port?: number;
}

/** API reference, "TargetHealth", State. */
export type TargetState = "initial" | "healthy" | "unhealthy" | "unused" | "draining" | "unavailable";

/** A target at a given time. */
export interface TargetNow {
  readonly id: string;
  readonly port: number | undefined;
  readonly state: TargetState;
  readonly reason?: string | undefined;
  readonly description?: string | undefined;
}

/** The targets of one load balancer and how they are as time goes by. */
export interface TargetStates {
  /** Sets the state of a target from an instant on; the latest one set counts. */
  set(target: TargetInput): void;
  /** Starts checks of a target, until its course changes. Replaces its earlier state. */
  register(target: TargetRef, course: TargetCourse): void;
  /** Drains and removes a target; without a port, under all of its ports. Returns when it is gone; if it is unknown: now. */
  deregister(target: TargetRef, period: DrainPeriod): number;
  list(now: number): readonly TargetNow[];
  find(id: string, now: number): TargetNow | undefined;
  /** Returns true if it ever was a target. */
  knows(id: string): boolean;
}

/** When draining begins and how long it takes. */
interface DrainPeriod {
  readonly now: number;
  readonly drainMs: number;
}

interface Change {
  readonly at: number;
  readonly state: TargetState | "gone";
  readonly reason?: string | undefined;
  readonly description?: string | undefined;
}

interface Target extends TargetRef {
  readonly changes: readonly Change[];
}

/** Creates an empty state. */
export function createTargetStates(): TargetStates {
  // By id and port: groups ask for each of a thousand instances at every look.
  const targets = new Map<string, Map<number | undefined, Target>>();
  const ofId = (id: string): readonly Target[] => [...(targets.get(id)?.values() ?? [])];
  const keep = ({ id, port }: TargetRef, changes: readonly Change[]): void => {
    const ports = targets.get(id) ?? new Map<number | undefined, Target>();
    targets.set(id, ports.set(port, defined({ id, port, changes })));
  };
  return {
    set(target) {
      const earlier = targets.get(target.id)?.get(target.port)?.changes ?? [];
      const { at = 0, state, reason, description } = target;
      keep(target, [...earlier, { at, state, reason, description }]);
    },
    // A registration may be late, for a time that has passed: the state was not read in between.
    register: (target, course) => keep(target, [{ at: 0, state: "initial" }, ...toChanges(course)]),
    deregister({ id, port }, { now, drainMs }) {
      const meant = ofId(id).filter((each) => port === undefined || each.port === port);
      const ends = meant.map((target) => {
        const changes = drain(target, now, now + drainMs);
        keep(target, changes);
        return changes.findLast(({ state }) => state === "gone")?.at ?? now;
      });
      return Math.max(now, ...ends);
    },
    list: (now) => [...targets.keys()].flatMap((id) => ofId(id).flatMap((target) => toNow(target, now))),
    find: (id, now) => ofId(id).flatMap((target) => toNow(target, now))[0],
    knows: (id) => targets.has(id),
  };
}

function toChanges({ healthyAt, unhealthyAt }: TargetCourse): readonly Change[] {
  const unhealthy: Change[] = unhealthyAt === undefined ? [] : [{ at: unhealthyAt, state: "unhealthy" }];
  return [{ at: healthyAt, state: "healthy" }, ...unhealthy];
}

/** Deregisters targets; a second request does not delay those that already drain. */
function drain(target: Target, now: number, endsAt: number): readonly Change[] {
  const state = toNow(target, now)[0]?.state;
  if (state === undefined || state === "draining") return target.changes;
  const past = target.changes.filter(({ at }) => at <= now);
  return [...past, { at: now, state: "draining" }, { at: endsAt, state: "gone" }];
}

function toNow({ id, port, changes }: Target, now: number): TargetNow[] {
  const { state = "gone", reason, description } = changes.findLast(({ at }) => at <= now) ?? {};
  return state === "gone" ? [] : [{ id, port, state, ...defined({ reason, description }) }];
}

/** One load balancer of one kind. */
interface TrafficSource {
  readonly targets: TargetStates;
  readonly drainMs: number;
  /** Instances are registered under it; undefined: the load balancer has many or none. */
  readonly port: number | undefined;
}

/** Undefined: it does not exist in that account and region. */
export type FindSource = (ref: TrafficSourceRef) => TrafficSource | undefined;

/** Creates the load balancers of both generations for Auto Scaling. In a deleted source no instance is healthy. */
export function createTrafficSources(findSource: FindSource): TrafficSources {
  return {
    exists: (ref) => findSource(ref) !== undefined,
    register(ref, id, course) {
      const source = findSource(ref);
      source?.targets.register(defined({ id, port: source.port }), course);
    },
    deregister(ref, id, now) {
      const source = findSource(ref);
      return source?.targets.deregister({ id }, { now, drainMs: source.drainMs }) ?? now;
    },
    isHealthy: (ref, id, now) => findSource(ref)?.targets.find(id, now)?.state === "healthy",
  };
}
