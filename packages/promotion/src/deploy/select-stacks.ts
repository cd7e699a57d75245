import { hash } from "node:crypto";
import { defined } from "@stackyard/core";
import type { YardService } from "@stackyard/core/engine";
import { toConcurrency } from "@stackyard/core/rollout";
import { MOST_STACKS } from "./definition.ts";
import type { SendJob, WaveJob } from "./deploy-job.ts";

/** A selected stack and its wave. */
export interface Selected {
  readonly stack: string;
  /** Undefined: it does not exist yet. */
  readonly incarnation?: string;
  readonly wave: number;
}

/** What decides the order of the stacks in a wave: the same at each release of a machine. */
export interface OrderKey {
  readonly machine: string;
  readonly task: string;
}

/** Selects the stacks of a task, in the order in which they are sent to. Throws `FILTER_TOO_WIDE`, and `USAGE`. */
export async function selectStacks(
  yard: Pick<YardService, "load" | "select">,
  { stacks, waves }: Pick<SendJob, "stacks" | "waves">,
  key: OrderKey,
): Promise<readonly Selected[]> {
  if (typeof stacks === "string") {
    const [loaded] = await yard.load([stacks]);
    return [{ stack: stacks, wave: 0, ...defined({ incarnation: loaded?.stack?.incarnation }) }];
  }
  const { machine, where } = stacks;
  const found = await yard.select({ machine, limit: MOST_STACKS, ...defined({ where }) });
  const incarnations = new Map(found.map(({ stack: { id, incarnation } }) => [id, incarnation]));
  const fitting = await Promise.all(waves.map((wave) => listFitting(yard, { machine, where }, wave)));
  return assignWaves([...incarnations.keys()], { waves, fitting, key }).map((each) => {
    return { ...each, ...defined({ incarnation: incarnations.get(each.stack) }) };
  });
}

async function listFitting(
  yard: Pick<YardService, "select">,
  { machine, where: selected }: { readonly machine: string; readonly where: string | undefined },
  { where }: WaveJob,
): Promise<ReadonlySet<string> | undefined> {
  if (where === undefined) return undefined;
  const both = selected === undefined ? where : `(${selected}) && (${where})`;
  const fitting = await yard.select({ machine, where: both, limit: MOST_STACKS });
  return new Set(fitting.map(({ stack }) => stack.id));
}

interface Waves {
  readonly waves: readonly WaveJob[];
  /** By wave: the stacks for which `where` is true; undefined: all. */
  readonly fitting: readonly (ReadonlySet<string> | undefined)[];
  readonly key: OrderKey;
}

/** Puts each stack into the first wave that it fits; the last wave takes the rest. Pure. */
export function assignWaves(
  stacks: readonly string[],
  { waves, fitting, key }: Waves,
): readonly Pick<Selected, "stack" | "wave">[] {
  const ordered = stacks
    .map((stack) => ({ stack, place: toPlace(key, stack) }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ stack }) => stack);
  const left = new Set(ordered);
  return waves.flatMap(({ share }, wave) => {
    const isLast = wave === waves.length - 1;
    const fits = [...left].filter((stack) => isLast || fitting[wave]?.has(stack) !== false);
    const taken = isLast || share === undefined ? fits : fits.slice(0, toConcurrency(share, stacks.length));
    for (const stack of taken) left.delete(stack);
    return taken.map((stack) => ({ stack, wave }));
  });
}

function toPlace({ machine, task }: OrderKey, stack: string): string {
  return hash("sha256", JSON.stringify([machine, task, stack]), "hex");
}
