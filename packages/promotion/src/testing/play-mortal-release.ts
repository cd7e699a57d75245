import { isMap } from "@stackyard/core";
import { aReleaseYard, type ReleaseYard, type ReleaseYardInput } from "./a-release-yard.ts";

/** The call of the store at which a process dies, counted over all processes. */
export interface Death {
  readonly call: number;
  readonly when: "before" | "after";
}

/** The result of a release and its undo, although a process has died. */
export interface MortalRelease {
  readonly hasDied: boolean;
  readonly deployed: string;
  readonly undone: string;
  readonly task: string;
  /** The versions that were applied, in their order, by stack. */
  readonly applied: Readonly<Record<string, readonly string[]>>;
}

const TENANTS = 2;

/** A dead process keeps what it has taken from the queue for so long. */
const LAPSE_MS = 70_000;

/** Sends a release to two tenants, and undoes it. */
export async function playMortalRelease(
  crashAt: Death,
  given: Pick<ReleaseYardInput, "store" | "plant"> = {},
): Promise<MortalRelease> {
  const input = { config: { concurrency: 1 }, engines: 1, workers: 1, leaseMs: 10_000, crashAt };
  const bench = aReleaseYard({ ...input, ...given });
  await bench.addTenants(TENANTS);
  await bench.yard.advance(LAPSE_MS);
  await bench.start("1.42.0");
  await bench.yard.advance(LAPSE_MS);
  await bench.finish("1.42.0");
  const deployed = await bench.tallyOf("1.42.0");
  await bench.send("shop-1.42.0", "ROLLBACK");
  await bench.yard.advance(LAPSE_MS);
  await bench.finish("1.42.0");
  return {
    hasDied: bench.yard.crashes() > 0,
    deployed,
    undone: await bench.tallyOf("1.42.0", "undo"),
    task: await bench.taskOf("1.42.0", "undo"),
    applied: await listApplied(bench),
  };
}

/** The result without a death. */
export const WHOLE: Omit<MortalRelease, "hasDied"> = {
  deployed: "done 2",
  undone: "done 2",
  task: "DONE",
  applied: { t0: ["1.42.0", "1.41.0"], t1: ["1.42.0", "1.41.0"] },
};

async function listApplied({ yard }: ReleaseYard): Promise<MortalRelease["applied"]> {
  const lists: Record<string, readonly string[]> = {};
  for (let index = 0; index < TENANTS; index += 1) {
    const { items } = await yard.store.queries.listHistory({ stackId: `t${index}` }, { limit: 1_000 });
    const applied = items.filter(({ event, outcome }) => event === "RELEASED" && outcome === "applied");
    lists[`t${index}`] = applied.map(({ metadata }) => (isMap(metadata) ? String(metadata["api"]) : "none"));
  }
  return lists;
}
