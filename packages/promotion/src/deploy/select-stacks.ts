import { hash } from "node:crypto";
import { defined, type Failed, failed } from "@stackyard/core";
import type { YardService } from "@stackyard/core/engine";
import { toConcurrency } from "@stackyard/core/rollout";
import { MOST_STACKS } from "./definition.ts";
import type { SendJob, WaveJob } from "./deploy-job.ts";

/** A selected stack and its wave. */
export interface Selected {
  readonly stack: string;
  /** The incarnation, or undefined if the stack does not exist yet. */
  readonly incarnation?: string;
  readonly wave: number;
}

/** The stacks of a task. */
interface SelectedStacks {
  readonly selected: readonly Selected[];
  /** The count of stacks that fit and that the machine of the release may not read. */
  readonly unseen: number;
}

/** The facts that decide the order of the stacks in a wave: the same at each release of a machine. */
export interface OrderKey {
  readonly machine: string;
  readonly task: string;
}

/** Selects the stacks of a task, in the order in which they are sent to. Throws `FILTER_TOO_WIDE`, and `USAGE`. */
export async function selectStacks(
  yard: Pick<YardService, "load" | "select">,
  { stacks, waves }: Pick<SendJob, "stacks" | "waves">,
  key: OrderKey,
): Promise<SelectedStacks> {
  if (typeof stacks === "string") {
    const [loaded] = await yard.load([stacks]);
    const only = { stack: stacks, wave: 0, ...defined({ incarnation: loaded?.stack?.incarnation }) };
    return { selected: [only], unseen: 0 };
  }
  const { machine, where } = stacks;
  const found = await yard.select({ machine, limit: MOST_STACKS, ...defined({ where }) });
  const incarnations = new Map(found.stacks.map(({ stack: { id, incarnation } }) => [id, incarnation]));
  const fitting = await Promise.all(waves.map((wave) => listFitting(yard, { machine, where }, wave)));
  const selected = assignWaves([...incarnations.keys()], { waves, fitting, key }).map((each) => {
    return { ...each, ...defined({ incarnation: incarnations.get(each.stack) }) };
  });
  return { selected, unseen: found.unseen };
}

async function listFitting(
  yard: Pick<YardService, "select">,
  { machine, where: selected }: { readonly machine: string; readonly where: string | undefined },
  { where }: WaveJob,
): Promise<ReadonlySet<string> | undefined> {
  if (where === undefined) return undefined;
  // A comment ends with its line.
  const both = selected === undefined ? where : `(${selected}\n) && (${where}\n)`;
  const fitting = await yard.select({ machine, where: both, limit: MOST_STACKS });
  return new Set(fitting.stacks.map(({ stack }) => stack.id));
}

/** Returns a sentence about stacks that the machine of the release may not read; empty without one. */
export function formatUnseen(unseen: number, seen: number): string {
  return unseen === 0 ? "" : ` ${unseen} of ${unseen + seen} are not seen by its grant.`;
}

/**
 * Returns why a selection has fewer stacks than it needs, as a whole or in a wave; undefined: it has enough. A wave with
 * `where` needs one: a typo in it would let all others pass without those that should have been first.
 */
export function findTooFew(
  { selected, unseen }: SelectedStacks,
  { stacks, waves }: Pick<SendJob, "stacks" | "waves">,
): Failed | undefined {
  if (typeof stacks === "string") return undefined;
  const { min = 1, machine } = stacks;
  if (selected.length < min) {
    const message = `${selected.length} stacks of "${machine}" are selected, and at least ${min} must be.${formatUnseen(unseen, selected.length)} Check where, or set min.`;
    return failed({ code: "TOO_FEW_STACKS", message, retryable: false });
  }
  const counts = waves.map((_, wave) => selected.filter((each) => each.wave === wave).length);
  const short = waves.findIndex((wave, index) => selected.length > 0 && (counts[index] ?? 0) < toLeast(wave));
  if (short < 0) return undefined;
  const message = `The wave "${waves[short]?.name}" has ${counts[short]} stacks, fewer than it needs. Check its where, or set its min; 0 says that it may be empty.`;
  return failed({ code: "TOO_FEW_STACKS", message, retryable: false });
}

/** Returns how many stacks a wave needs. */
export function toLeast({ where, min = where === undefined ? 0 : 1 }: Pick<WaveJob, "where" | "min">): number {
  return min;
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
