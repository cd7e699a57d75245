import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../engine/index.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import type { Store } from "../ports/store.ts";
import { hideSensitive } from "./sensitive-now.ts";

const page = { limit: 10 };
const line = (stackId: string) => ({
  position: 1,
  stackId,
  at: 0,
  eventId: "e",
  event: "GO",
  outcome: "applied" as const,
  sent: [],
  notes: [],
  metadata: { region: "eu" },
});

/** A store whose stacks fail so to load, with a line of the history of each. */
function readLines(failures: Readonly<Record<string, StackyardError>>) {
  const plain = createMemoryStore();
  const store: Store = {
    ...plain,
    async load(ids) {
      const failure = ids.flatMap((id) => failures[id] ?? [])[0];
      if (failure !== undefined) throw failure;
      return plain.load(ids);
    },
    queries: { ...plain.queries, listHistory: async () => ({ items: ["a", "b"].map(line) }) },
  };
  return hideSensitive(store, { find: async () => ({ kind: "unknown" }) }).queries.listHistory({}, page);
}

describe("hideSensitive", () => {
  it("shows no value of a stack that cannot be read, and those of the others", async () => {
    const { items } = await readLines({ a: new StackyardError("STORE_CORRUPT", "It is not JSON.") });

    expect(items.map(({ metadata }) => metadata)).toEqual([{ region: "***" }, { region: "eu" }]);
  });

  it("fails where the store does not answer: what a revision has hidden is not known then", async () => {
    const reading = readLines({ a: new StackyardError("UNREACHABLE", "No answer.") });

    await expect(reading).rejects.toMatchObject({ code: "UNREACHABLE" });
  });
});
