import type { Store } from "@stackyard/core";
import { REVISION_LOST } from "@stackyard/core/engine";
import { JOB_MACHINE } from "@stackyard/core/machine";
import type { Stackyard } from "@stackyard/sdk";
import { type Finding, fail, warn } from "@stackyard/sdk/commands";

/** What is wrong with the documents and revisions that lead a yard's stacks. */
interface LedStacks {
  /** Stacks whose revision is lost: each needs a person. */
  readonly lost: readonly LostStack[];
  /** Machines without a document, with the number of their other stacks. */
  readonly gone: readonly { readonly machine: string; readonly count: number }[];
}

interface LostStack {
  readonly id: string;
  readonly machine: string;
}

/** A lost revision is one of the reasons for which a stack is behind. */
const LOST = { condition: "stalled", behind: true } as const;
/** The most stacks that are read. More are listed by `stackyard stacks ls --needs-person`. */
const MOST = 1_000;

/** Asks a server for the stacks whose revision is lost. */
export async function listLost(
  { stacks }: Pick<Stackyard, "stacks">,
  signal: AbortSignal,
): Promise<readonly LostStack[]> {
  const { items } = await stacks.list(LOST, { limit: MOST, signal });
  return items.filter(({ stalled }) => stalled?.code === REVISION_LOST);
}

/** Asks a server what leads its stacks. */
export async function askLedStacks(
  yard: Pick<Stackyard, "stacks" | "machines">,
  signal: AbortSignal,
): Promise<LedStacks> {
  const { groups } = await yard.stacks.counts({ jobs: false }, { by: "machine", signal });
  const known = (await yard.machines.list({ signal })).map(({ name }) => name);
  const lost = await listLost(yard, signal);
  return { lost, gone: findGone(groups, known, lost) };
}

/** Looks into a store for the stacks whose revision is lost. Which documents its servers read is not known there. */
export async function readLedStacks({ queries }: Pick<Store, "queries">): Promise<LedStacks> {
  const { items } = await queries.listStacks(LOST, { limit: MOST });
  const lost = items.filter(({ stack }) => stack.heldBack?.code === REVISION_LOST).map(({ stack }) => stack);
  return { lost, gone: [] };
}

function findGone(
  groups: readonly { readonly machine?: string; readonly count: number }[],
  known: readonly string[],
  lost: readonly LostStack[],
): LedStacks["gone"] {
  return groups.flatMap(({ machine, count: all }) => {
    if (machine === undefined || machine === JOB_MACHINE || known.includes(machine)) return [];
    const count = all - lost.filter((stack) => stack.machine === machine).length;
    return count > 0 ? [{ machine, count }] : [];
  });
}

/** Formats `2 stacks cannot continue: their revision is lost, such as that of pr-1.` */
export function formatLost([first, ...others]: readonly LostStack[]): string {
  if (others.length === 0) return `The stack ${first?.id} cannot continue: its revision is lost.`;
  return `${others.length + 1} stacks cannot continue: their revisions are lost, such as that of ${first?.id}.`;
}

/** Says which stacks cannot continue, and which continue without a document. */
export function toLedFindings({ lost, gone }: LedStacks): readonly Finding[] {
  const names = gone.map(({ machine, count }) => `${machine} (${count} ${count === 1 ? "stack" : "stacks"})`);
  return [
    ...(lost.length === 0
      ? []
      : [fail("stacks", formatLost(lost), "List them with `stackyard stacks ls --needs-person`.")]),
    ...(gone.length === 0
      ? []
      : [
          warn(
            "stacks",
            `The yard has no document of ${names.join(", ")}: these stacks continue with their stored revisions.`,
            "Bring the document back, or end these stacks.",
          ),
        ]),
  ];
}
