import { createTargetStates, type TargetStates } from "../load-balancing/targets.ts";
import type { SimCall } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

/** A classic load balancer to make. */
export interface ClassicInput extends ClassicRef {
  readonly tags?: Readonly<Record<string, string>>;
  /** Connection draining. Default: off, as a load balancer that is made by the API has it. */
  readonly drainSeconds?: number;
  /** How long connections really live after a deregistration; `Infinity`: a drain that never ends. Default: `drainSeconds`. */
  readonly drainsForMs?: number;
}

/** Names are unique in an account and region. */
export interface ClassicRef {
  readonly account: string;
  readonly region: string;
  readonly name: string;
}

/** The stored state of a classic load balancer. */
export interface ClassicLoadBalancer extends ClassicRef {
  tags: Readonly<Record<string, string>>;
  readonly drainSeconds: number | undefined;
  readonly drainMs: number;
  readonly instances: TargetStates;
  readonly madeAt: number;
}

/** By account, region and name. */
export type ClassicLoadBalancers = ReadonlyMap<string, ClassicLoadBalancer>;

/** A new one. */
export function createClassic(input: ClassicInput, madeAt: number): ClassicLoadBalancer {
  const { account, region, name, tags = {}, drainSeconds, drainsForMs = (drainSeconds ?? 0) * 1_000 } = input;
  return { account, region, name, tags, drainSeconds, drainMs: drainsForMs, instances: createTargetStates(), madeAt };
}

/** Where it lies in the map. */
export function toClassicKey({ account, region, name }: ClassicRef): string {
  return [account, region, name].join("/");
}

/** The caller's own, by its name. */
export function openClassic(all: ClassicLoadBalancers, name: string, call: SimCall): ClassicLoadBalancer {
  const found = all.get(toClassicKey({ account: call.identity.account, region: call.region, name }));
  if (found === undefined) throw classicFaults.notFound(name);
  return found;
}

/** Errors of classic load balancers. Source: API reference (2012-06-01), "DescribeLoadBalancers", "DescribeInstanceHealth". */
export const classicFaults = {
  notFound: (name: string) =>
    new SimFault("AccessPointNotFoundException", 400, `There is no ACTIVE Load Balancer named '${name}'`),
  invalidInstance: (id: string) => new SimFault("InvalidEndPointException", 400, `Could not find EC2 instance ${id}.`),
} as const;
