import type { SimCall } from "../sim-call.ts";
import type { Tagged } from "./match-filter.ts";

/** What belongs to an account in a region, and is seen from an instant on. */
export interface Ec2Resource extends Tagged {
  readonly account: string;
  readonly region: string;
  /** EC2 is eventually consistent: until then Describe operations do not know it. */
  readonly visibleAt: number;
}

/** Is it the caller's, in the region of the call? */
export function isOwn({ account, region }: Pick<Ec2Resource, "account" | "region">, call: SimCall): boolean {
  return account === call.identity.account && region === call.region;
}

/** Those that the caller owns and sees. */
export function ownOf<Resource extends Ec2Resource>(all: Iterable<Resource>, call: SimCall): readonly Resource[] {
  return [...all].filter((each) => isOwn(each, call) && each.visibleAt <= call.now);
}
