import { describe, expect, it } from "vitest";
import { parsePageToken, toPageToken } from "./sim-fault.ts";

describe("the token of a page", () => {
  it("says where the page begins", () => {
    expect([0, 1, 1_000].map((from) => parsePageToken(toPageToken(from)))).toEqual([0, 1, 1_000]);
  });

  it("is missing on the first page", () => {
    expect(parsePageToken(undefined)).toBe(0);
  });

  it.each(["", "x", "from:1", Buffer.from("from:-1").toString("base64")])("is not %j", (token) => {
    expect(parsePageToken(token)).toBeUndefined();
  });
});
