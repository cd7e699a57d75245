import { describe, expect, it } from "vitest";
import { findYardName } from "./open-server.ts";

describe("the yard that a command means", () => {
  it("is that of its flag, before all that the environment says", () => {
    expect(findYardName({ yard: "a" }, { STACKYARD_YARD: "b", STACKYARD_URL: "http://c" })).toBe("a");
  });

  it("is that of the environment where no address is named", () => {
    expect(findYardName({}, { STACKYARD_YARD: "b" })).toBe("b");
    expect(findYardName({}, { STACKYARD_YARD: "b", STACKYARD_URL: "" })).toBe("b");
    expect(findYardName({}, { STACKYARD_YARD: "b", STACKYARD_URL: "http://c" })).toBeUndefined();
    expect(findYardName({ url: "http://c" }, { STACKYARD_YARD: "b" })).toBeUndefined();
    expect(findYardName({}, { STACKYARD_YARD: "" })).toBeUndefined();
  });

  it("cannot be named beside an address", () => {
    expect(() => findYardName({ yard: "a", url: "http://c" }, {})).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});
