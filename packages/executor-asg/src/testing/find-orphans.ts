import { findLeftOvers } from "../repair/find-left-overs.ts";
import { loadRepairFacts } from "../repair/load-repair-facts.ts";
import { aRelease } from "./a-release.ts";
import type { ReleaseWorld } from "./a-release-world.ts";

/** What stands in the account without a group, or a release that serves: one line each. */
export async function findOrphans({ deps, clock }: Pick<ReleaseWorld, "deps" | "clock">): Promise<readonly string[]> {
  const facts = await loadRepairFacts(deps, aRelease());
  return findLeftOvers(facts, { now: clock.now(), running: [] }).map(
    ({ kind, name, why }) => `${kind} ${name}: ${why}`,
  );
}
