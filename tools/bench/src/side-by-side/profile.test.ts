import { expect, it } from "vitest";
import { toStatementTable } from "./profile.ts";

it("shows what a statement costs a job", () => {
  const { rows } = toStatementTable([{ calls: 50, ms: 20, wal: 10_000, blocks: 300, text: "select 1" }], 100);

  expect(rows).toEqual([["select 1", "0.500", "200.0", "100", "3.0"]]);
});
