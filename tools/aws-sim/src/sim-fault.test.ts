import { describe, expect, it } from "vitest";
import { cutPage, SimFault } from "./sim-fault.ts";

const ROWS = [1, 2, 3, 4, 5];
const cut = (token?: string) => cutPage(ROWS, { size: 2, token }, () => new SimFault("Unknown", 400, "Unknown token."));

describe("the token of a page", () => {
  it("says where the page begins", () => {
    const first = cut();
    const second = cut(first.next);
    const last = cut(second.next);

    expect([first, second, last].map(({ rows }) => rows)).toEqual([[1, 2], [3, 4], [5]]);
    expect(last.next).toBeUndefined();
  });

  it("is missing after the last page, also when that is full", () => {
    expect(cutPage(ROWS, { size: 5, token: undefined }, () => new SimFault("Unknown", 400, "")).next).toBeUndefined();
  });

  it.each(["", "x", "from:1", Buffer.from("from:-1").toString("base64")])("is not %j", (token) => {
    expect(() => cut(token)).toThrow("Unknown token.");
  });
});
