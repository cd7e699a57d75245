import type { LocatedMachine, Locator } from "../ports/locator.ts";
import type { Store } from "../ports/store.ts";
import { remember } from "./revision-cache.ts";
import type { StackInput } from "./stack-input.ts";

/** Notices that a machine has another revision, so that what the last one refused is decided again. */
export interface RevisionWatch {
  /** What events were just decided on. */
  note(name: string, located: LocatedMachine): void;
  /** A stack that is not there yet has parked events; undefined: it has none any more. */
  noteWaiting(stackId: string, machine: string | undefined): void;
  /** Some stacks whose machine has changed; none when there is nothing parked in the yard. */
  takeRevised(): Promise<readonly StackInput[]>;
}

/** What the watch works with. */
export interface RevisionWatchDeps {
  readonly locator: Locator;
  readonly store: Pick<Store, "listStacks" | "nextDueAt">;
  /** True for a revision that its stacks keep: a newer one means nothing to them before they are upgraded. */
  readonly pins: (hash: string) => Promise<boolean>;
}

const PAGE = 256;

/** Watches the machines that this process has decided on. What changed before is found by the parked events' timed tries. */
export function createRevisionWatch({ locator, store, pins }: RevisionWatchDeps): RevisionWatch {
  const seen = new Map<string, string>();
  const waiting = new Map<string, string>();
  const revised = new Map<string, string | undefined>();

  /** Compares each machine that was seen with its newest revision. */
  async function look(): Promise<void> {
    for (const [name, before] of [...seen]) {
      const located = await locator.find(name);
      const now = toMark(located);
      if (now === before) continue;
      seen.set(name, now);
      // A machine that is gone or invalid allows nothing that was refused before.
      if (located.kind === "found") revised.set(name, undefined);
    }
  }

  async function takePage(name: string, cursor: string | undefined): Promise<readonly string[]> {
    const page = await store.listStacks(
      { machine: name },
      { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) },
    );
    if (page.cursor === undefined) revised.delete(name);
    else revised.set(name, page.cursor);
    const ids: string[] = [];
    for (const { stack } of page.items) if (!(await pins(stack.machineHash))) ids.push(stack.id);
    if (cursor !== undefined) return ids;
    return [...ids, ...[...waiting].flatMap(([stackId, machine]) => (machine === name ? [stackId] : []))];
  }

  return {
    note(name, located) {
      // An older revision that was seen before stays, so that the stacks that it refused something are found.
      if (!seen.has(name) || located.kind !== "found") remember(seen, name, toMark(located));
    },
    noteWaiting(stackId, machine) {
      if (machine === undefined) waiting.delete(stackId);
      else remember(waiting, stackId, machine);
    },
    async takeRevised() {
      if (seen.size === 0) return [];
      if ((await store.nextDueAt(["parked", "timer"])) === undefined) return [];
      await look();
      const [first] = revised;
      if (first === undefined) return [];
      return (await takePage(...first)).map((stackId) => ({ kind: "revised", stackId }));
    },
  };
}

function toMark(located: LocatedMachine): string {
  return located.kind === "found" ? located.revision.hash : located.kind;
}
