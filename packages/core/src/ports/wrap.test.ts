import { describe, expect, it } from "vitest";
import { wrap } from "./wrap.ts";

interface Door {
  readonly open: () => string;
  readonly close: () => string;
  readonly lock?: () => string;
}

const door = { open: () => "open", close: () => "close", ring: () => "ring" };

describe("wrap", () => {
  it("replaces what is decided, and passes the rest and what a port does not know", () => {
    const wrapped = wrap<Door>({ open: () => "wrapped", close: "pass", lock: "pass" })(door);

    expect([wrapped.open(), wrapped.close(), wrapped.ring()]).toEqual(["wrapped", "close", "ring"]);
    expect(wrapped).not.toHaveProperty("lock");
  });

  it("does not compile until each member is decided, optional ones too", () => {
    // @ts-expect-error: `lock` is not decided.
    const wrapper = wrap<Door>({ open: "pass", close: "pass" });

    expect(wrapper(door)).toEqual(door);
  });
});
