import { describe, expect, it } from "vitest";
import { toBatches } from "./to-batches.ts";

const entriesOf = (...names: readonly string[]) =>
  names.map((name) => ({ name, stackId: name.slice(0, 1), bytes: 10 }));
const namesOf = (batches: readonly (readonly { readonly name: string }[])[]) =>
  batches.map((batch) => batch.map(({ name }) => name));

describe("toBatches", () => {
  it("puts at most ten entries into a batch, and no more bytes than fit", () => {
    const entries = Array.from({ length: 12 }, (_, index) => ({ stackId: "s", bytes: index === 11 ? 90 : 1 }));

    expect(toBatches(entries, { maxBytes: 100, ordered: false }).map((batch) => batch.length)).toEqual([10, 2]);
    expect(toBatches(entries, { maxBytes: 90, ordered: false }).map((batch) => batch.length)).toEqual([10, 1, 1]);
  });

  it("has events of one stack follow each other where order counts", () => {
    const entries = entriesOf("a1", "a2", "b1", "a3", "b2");

    expect(namesOf(toBatches(entries, { maxBytes: 1_000, ordered: true }))).toEqual([
      ["a1", "b1"],
      ["a2", "b2"],
      ["a3"],
    ]);
    expect(namesOf(toBatches(entries, { maxBytes: 1_000, ordered: false }))).toEqual([["a1", "a2", "b1", "a3", "b2"]]);
  });
});
