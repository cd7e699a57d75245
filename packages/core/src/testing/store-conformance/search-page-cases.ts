import assert from "node:assert/strict";
import type { StackFilter, Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { aPut, listAll, storeCase } from "./store-builders.ts";

/** Pages of a search in records, which a store may not be able to evaluate exactly before it has read them. */
export const searchPageCases: readonly ConformanceCase<Store>[] = [
  storeCase("says by no cursor that a stack which it leaves out contains what was looked for", async (store) => {
    const secret = { code: 470_815, "password#1": "hunter2" };
    const stacks = Array.from({ length: 3 }, (_, index) =>
      aPut({ id: `s${index}`, metadata: secret, secretVersions: { code: 1, password: 1, "password#1": 1 } }),
    );
    await store.commit(stacks);
    const filters: readonly StackFilter[] = [
      { metadata: { code: 470_815 } },
      { metadata: { code: 4 } },
      { metadata: { "password#1": "hunter2" } },
      { task: "hunter2" },
      { code: "hunter2" },
    ];

    for (const filter of filters)
      for (const sort of ["id", "-id", "createdAt", "-updatedAt"] as const)
        assert.deepEqual(await store.queries.listStacks(filter, { limit: 1, sort }), { items: [] });
  }),

  storeCase("reads on behind stacks that it leaves out, to those that fit", async (store) => {
    const ids = Array.from({ length: 230 }, (_, index) => `s${String(index).padStart(3, "0")}`);
    await store.commit(ids.map((id, index) => aPut({ id, metadata: { size: index % 115 === 114 ? 4 : 47 } })));
    const read = async (sort: "id" | "-createdAt") =>
      (await listAll((page) => store.queries.listStacks({ metadata: { size: 4 } }, { ...page, sort }), 1)).map(
        ({ stack }) => stack.id,
      );

    assert.deepEqual(await read("id"), ["s114", "s229"]);
    assert.deepEqual((await read("-createdAt")).toSorted(), ["s114", "s229"]);
  }),
];
