import { Type } from "typebox";
import { expect, it } from "vitest";
import { readRows } from "./read-rows.ts";

it("reads the rows of a list that can be read, and returns the numbers of the others", () => {
  const schema = Type.Object({ iid: Type.Integer(), sha: Type.String() });
  const rows = [{ iid: 1, sha: "a" }, { iid: 2 }, { sha: "c" }, null, { iid: 3, sha: "d" }];

  expect(readRows(schema, rows, "iid")).toEqual({
    read: [
      { iid: 1, sha: "a" },
      { iid: 3, sha: "d" },
    ],
    unread: [2, undefined, undefined],
  });
});
