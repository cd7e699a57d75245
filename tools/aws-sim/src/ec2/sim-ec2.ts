import type { Clock } from "@stackyard/core";
import type { SimService } from "../sim-call.ts";
import { describeInstances } from "./describe-instances.ts";
import { ec2Faults } from "./ec2-faults.ts";
import type { InstanceState, SimInstance, StateAt } from "./sim-instance.ts";

/** Instances with tags and states. */
export interface SimEc2 {
  readonly service: SimService;
  /** Gives the id. */
  addInstance(input: InstanceInput): string;
  /** It enters this state now, or will at an instant to come. */
  changeState(instanceId: string, state: InstanceState, at?: number): void;
  /** All of its tags from now on. */
  setTags(instanceId: string, tags: Readonly<Record<string, string>>): void;
  findInstance(instanceId: string): SimInstance | undefined;
  /** Of one account and region. */
  listInstances(account: string, region: string): readonly SimInstance[];
}

/** An instance that was launched. */
export interface InstanceInput {
  readonly account: string;
  readonly region: string;
  /** Default: the next free one. */
  readonly instanceId?: string;
  /** Instances of one reservation are answered together. Default: one of its own. */
  readonly reservationId?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Default: `running`. */
  readonly state?: InstanceState;
  /** Linux has none. */
  readonly platform?: "windows";
  readonly instanceType?: string;
  readonly launchedAt?: number;
  /** EC2 is eventually consistent: until then DescribeInstances does not know it. */
  readonly visibleAt?: number;
}

/** EC2 without instances. Sources: API reference, "DescribeInstances", and "Ensuring idempotency ... eventual consistency". */
export function createEc2({ clock }: { readonly clock: Clock }): SimEc2 {
  const instances = new Map<string, SimInstance>();
  const change = (instanceId: string, by: (instance: SimInstance) => Partial<SimInstance>): void => {
    const instance = instances.get(instanceId);
    if (instance === undefined) throw new Error(`The simulation has no instance ${instanceId}.`);
    instances.set(instanceId, { ...instance, ...by(instance) });
  };
  return {
    service: {
      operations: { DescribeInstances: (call) => describeInstances([...instances.values()], call) },
      toAction: (operation) => `ec2:${operation}`,
      faults: ec2Faults,
    },
    addInstance(input) {
      const number = (instances.size + 1).toString(16).padStart(17, "0");
      const { instanceId = `i-${number}`, state = "running", launchedAt = clock.now() } = input;
      const base = { account: input.account, region: input.region, instanceId, launchedAt };
      instances.set(instanceId, {
        ...base,
        reservationId: input.reservationId ?? `r-${number}`,
        platform: input.platform,
        instanceType: input.instanceType ?? "t3.micro",
        visibleAt: input.visibleAt ?? 0,
        states: [{ at: 0, state }],
        tags: input.tags ?? {},
      });
      return instanceId;
    },
    changeState: (instanceId, state, at = clock.now()) =>
      change(instanceId, ({ states }) => ({ states: insertState(states, { at, state }) })),
    setTags: (instanceId, tags) => change(instanceId, () => ({ tags })),
    findInstance: (instanceId) => instances.get(instanceId),
    listInstances: (account, region) =>
      [...instances.values()].filter((each) => each.account === account && each.region === region),
  };
}

function insertState(states: readonly StateAt[], next: StateAt): readonly StateAt[] {
  return [...states, next].toSorted((left, right) => left.at - right.at);
}
