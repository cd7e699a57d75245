import assert from "node:assert/strict";
import type { Stack } from "../../machine/stack.ts";
import type { UnreadableRow } from "../../ports/records.ts";
import { type ListStacksInput, STACK_SORTS, type StackFilter, type StackSort, type Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import {
  type Chooser,
  createChooser,
  fits,
  pickFilter,
  pickLimit,
  pickStack,
  putRandom,
  type Written,
} from "./filter-cases.ts";
import { aChange, aPut, assertRejects, commitNow, storeCase, T0 } from "./store-builders.ts";

/** Sorts literally by the order. */
function sortPlainly(stacks: readonly Stack[], sort: StackSort): readonly Stack[] {
  const key = sort.replace("-", "") as "id" | "createdAt" | "updatedAt" | "enteredAt";
  const byId = stacks.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const sorted = key === "id" ? byId : byId.toSorted((a, b) => a[key] - b[key]);
  return sort.startsWith("-") ? sorted.toReversed() : sorted;
}

interface Listed {
  readonly ids: string[];
  readonly unreadable: UnreadableRow[];
}

/** Reads all stacks of a list page by page; `between` runs between two pages. */
async function readList(
  store: Store,
  filter: StackFilter,
  input: ListStacksInput,
  between: () => Promise<void> = async () => undefined,
): Promise<Listed> {
  const ids: string[] = [];
  const unreadable: UnreadableRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.queries.listStacks(filter, { ...input, ...(cursor !== undefined && { cursor }) });
    assert.ok(page.items.length <= input.limit);
    ids.push(...page.items.map(({ stack }) => stack.id));
    unreadable.push(...(page.unreadable ?? []));
    cursor = page.cursor;
    if (cursor !== undefined) await between();
  } while (cursor !== undefined);
  return { ids, unreadable };
}

/** Lists in every order. */
export const sortCases: readonly ConformanceCase<Store>[] = [
  storeCase("lists the stacks that a filter fits in every order", async (store) => {
    const pick = createChooser(2);
    const written = await putRandom(store, pick);

    for (let left = 96; left > 0; left -= 1) {
      const sort = STACK_SORTS[left % STACK_SORTS.length] ?? "id";
      const filter = left % 3 === 0 ? {} : pickFilter(pick);
      const { ids } = await readList(store, filter, { sort, limit: pickLimit(pick) });
      const wanted = written.filter((each) => fits(filter, each)).map(({ stack }) => stack);
      assert.deepEqual(
        ids,
        sortPlainly(wanted, sort).map(({ id }) => id),
        JSON.stringify({ sort, filter }),
      );
    }
  }),

  storeCase("skips and doubles no stack that stays in its place while others change between pages", async (store) => {
    const pick = createChooser(3);
    const standing = new Map((await putRandom(store, pick)).map((each) => [each.stack.id, each]));

    for (const sort of STACK_SORTS) {
      const filter: StackFilter = pick.maybe(() => ({ state: "UP" })) ?? {};
      const written = [...standing.values()];
      const movers = new Set(written.filter(() => pick.upTo(2) === 0).map(({ stack }) => stack.id));
      const stayers = written.filter((each) => !movers.has(each.stack.id) && fits(filter, each));
      const { ids } = await readList(store, filter, { sort, limit: 12 }, () =>
        changeSome({ store, pick, standing }, movers),
      );

      const wanted = new Set(stayers.map(({ stack }) => stack.id));
      assert.deepEqual(
        ids.filter((id) => wanted.has(id)),
        sortPlainly(
          stayers.map(({ stack }) => stack),
          sort,
        ).map(({ id }) => id),
        sort,
      );
      for (const { stack } of written) {
        if (standing.has(stack.id)) continue;
        await commitNow(store, aPut(stack));
        standing.set(stack.id, { stack, isParked: false });
      }
    }
  }),

  storeCase("ends pages by bytes in every order", async (store) => {
    const ids = Array.from({ length: 6 }, (_, index) => `s${index}`);
    for (const [index, id] of ids.entries()) {
      const at = T0 + index;
      const instants = { createdAt: at, updatedAt: at, enteredAt: at };
      await commitNow(store, aPut({ id, ...instants, metadata: { note: "x".repeat(60_000) } }));
    }

    for (const sort of STACK_SORTS) {
      const first = await store.queries.listStacks({}, { sort, limit: 9, maxBytes: 130_000 });
      assert.equal(first.items.length, 3, sort);
      const all = await readList(store, {}, { sort, limit: 9, maxBytes: 130_000 });
      assert.deepEqual(all.ids, sort.startsWith("-") ? ids.toReversed() : ids);
    }
  }),

  storeCase("refuses to sort more stacks by an instant than it may, and the cursor of another list", async (store) => {
    for (const id of ["a", "b", "c"]) await commitNow(store, aPut({ id, machine: id === "c" ? "db" : "web" }));
    const list = (filter: StackFilter, input: Partial<ListStacksInput>) =>
      store.queries.listStacks(filter, { limit: 1, ...input });

    await assertRejects(() => list({}, { sort: "-createdAt", mostSorted: 2 }), "FILTER_TOO_WIDE");
    assert.equal((await list({ machine: "web" }, { sort: "-createdAt", mostSorted: 2 })).items.length, 1);
    assert.equal((await list({}, { sort: "-id", mostSorted: 2 })).items[0]?.stack.id, "c");
    const { cursor = "" } = await list({}, { sort: "createdAt" });
    for (const sort of ["-createdAt", "updatedAt"] as const) {
      await assertRejects(() => list({}, { sort, cursor }), "USAGE");
    }
    await assertRejects(() => list({}, { sort: "createdAt", cursor: "a" }), "USAGE");
  }),
];

interface Standing {
  readonly store: Store;
  readonly pick: Chooser;
  /** The stacks of the store but the new ones, as they are. */
  readonly standing: Map<string, Written>;
}

/** Adds new stacks, and rewrites or removes some of the movers. */
async function changeSome({ store, pick, standing }: Standing, movers: ReadonlySet<string>): Promise<void> {
  await commitNow(store, aPut(pickStack(pick, `new-${pick.upTo(20)}`)));
  for (const id of movers) {
    if (pick.upTo(6) !== 0) continue;
    const stack = pick.upTo(2) === 0 ? undefined : pickStack(pick, id);
    await commitNow(store, stack ? aPut(stack) : aChange({ stackId: id, write: { kind: "remove" } }));
    if (stack) standing.set(id, { stack, isParked: standing.get(id)?.isParked ?? false });
    else standing.delete(id);
  }
}

/** A store, and a way to damage the row of a stack so that its record cannot be read. */
export interface DamageableStore {
  readonly store: Store;
  damage(stackId: string): Promise<void>;
}

/** The promises of lists about damaged rows. */
export const damagedListConformance: readonly ConformanceCase<DamageableStore>[] = [
  {
    name: "lists in every order report damaged rows, each once, and return all others",
    async run(create) {
      const { store, damage } = await create();
      try {
        await listDamaged(store, damage);
      } finally {
        await store.close();
      }
    },
  },
];

async function listDamaged(store: Store, damage: DamageableStore["damage"]): Promise<void> {
  const pick = createChooser(4);
  const written = await putRandom(store, pick);
  const damaged = new Set(written.filter(() => pick.upTo(5) === 0).map(({ stack }) => stack.id));
  for (const id of damaged) await damage(id);
  const isDamaged = ({ stack }: Written) => damaged.has(stack.id);

  for (let left = 64; left > 0; left -= 1) {
    const sort = STACK_SORTS[left % STACK_SORTS.length] ?? "id";
    const filter = left % 3 === 0 ? {} : pickFilter(pick);
    const { ids, unreadable } = await readList(store, filter, { sort, limit: pickLimit(pick) });

    const told = JSON.stringify({ sort, filter });
    const readable = written.filter((each) => !isDamaged(each) && fits(filter, each)).map(({ stack }) => stack);
    assert.deepEqual(
      ids,
      sortPlainly(readable, sort).map(({ id }) => id),
      told,
    );
    // A store needs only the machine, state and id of a damaged row.
    const { condition, mainCondition, needsPerson, behind, revision, metadata, task, code, ...known } = filter;
    const reported = unreadable.map(({ id }) => id).sort();
    const possible = written
      .filter((each) => isDamaged(each) && fits(known, each))
      .map(({ stack }) => stack.id)
      .sort();
    const others = [condition, mainCondition, needsPerson, behind, revision, metadata, task, code];
    const isKnown = others.every((each) => each === undefined);
    assert.deepEqual(reported, isKnown ? possible : possible.filter((id) => reported.includes(id)), told);
    assert.ok((await store.queries.countStacks(filter)).total >= readable.length, told);
  }
}
