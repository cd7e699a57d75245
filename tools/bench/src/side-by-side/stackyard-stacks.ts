import type { AddedJobs } from "./contender.ts";
import { CHAIN_LENGTH } from "./stackyard-machine.ts";

/** The stacks that run so many tasks between them, a chain each: new ones, or ones spread evenly over what was filled in. */
export function toStackIds({ first, count, spread }: AddedJobs): readonly string[] {
  const chains = Math.ceil(count / CHAIN_LENGTH);
  const start = Math.ceil(first / CHAIN_LENGTH);
  if (spread === 0) return Array.from({ length: chains }, (_, index) => `stack-${start + index}`);
  const stride = Math.floor(spread / chains);
  if (stride === 0) throw new Error(`${chains} chains need as many stacks; there are ${spread}.`);
  return Array.from({ length: chains }, (_, index) => `filled-${(start + index * stride) % spread}`);
}
