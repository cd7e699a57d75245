import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toStateAddress, toStateKey } from "./state-key.ts";

const owner = { machine: "review-app", stackId: "pr-12" };

describe("toStateKey", () => {
  it.each([
    [{ type: "s3", key: "terraform/ecs" }, "review-app/pr-12/terraform/ecs"],
    [{ type: "s3", key: "terraform/ecs/" }, "review-app/pr-12/terraform/ecs/"],
    [{ type: "s3", key: "/a//b c" }, "review-app/pr-12//a//b c"],
    [{ type: "local", location: "./network" }, "review-app/pr-12/local/./network"],
  ] as const)("of %j is %s", (source, key) => {
    expect(toStateKey(owner, source)).toBe(key);
  });

  it("is unknown without a source that names files", () => {
    expect([toStateKey(owner, undefined), toStateKey(owner, { key: "a" })]).toEqual([undefined, undefined]);
  });

  it("joins what is given byte for byte", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (machine, stackId, key) => {
        expect(toStateKey({ machine, stackId }, { type: "s3", key })).toBe(`${machine}/${stackId}/${key}`);
        expect(toStateKey({ machine, stackId }, { type: "local", location: key })).toBe(
          `${machine}/${stackId}/local/${key}`,
        );
      }),
    );
  });
});

describe("toStateAddress", () => {
  it("escapes each part of the key", () => {
    expect(toStateAddress("https://yard/state/", "m/a?b/local/ä #1/")).toBe(
      "https://yard/state/m/a%3Fb/local/%C3%A4%20%231/",
    );
  });

  it.each(["m/s/local/./network", "m/s/../../other"])("keeps the dots of %s", (key) => {
    const { pathname } = new URL(toStateAddress("https://yard/state", key));

    expect(decodeURIComponent(pathname)).toBe(`/state/${key}`);
  });

  it("gives the key back byte for byte, and never another place", () => {
    const part = fc.oneof(fc.constantFrom(".", "..", ""), fc.string({ unit: "grapheme" }));

    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        const key = `m/s/${parts.join("/")}`;
        const url = new URL(toStateAddress("https://yard/state", key));
        expect([url.host, url.search, url.hash]).toEqual(["yard", "", ""]);
        expect(decodeURIComponent(url.pathname.slice("/state/".length))).toBe(key);
      }),
    );
  });
});
