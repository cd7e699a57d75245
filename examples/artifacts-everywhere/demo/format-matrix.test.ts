import { expect, it } from "vitest";
import { formatMatrix } from "./format-matrix.ts";
import { aCell, aRow } from "./testing/a-row.ts";

it("has a row for each version and a column for each consumer", () => {
  const rows = [
    aRow({ version: "1.0.0", cells: [aCell({ account: "1" }), aCell({ account: "2", status: "failed", code: "X" })] }),
    aRow({ version: "1.1.0-rc.1", cells: [aCell({ account: "2", status: "announced" })] }),
  ];
  const columns = ["1", "2"].map((account) => ({ plan: { name: `c${account}`, account, region: "eu-west-1" } }));

  expect(formatMatrix(rows, columns)).toEqual([
    "                c1      c2",
    "app 1.0.0       stored  failed X",
    "app 1.1.0-rc.1  -       announced",
  ]);
});
