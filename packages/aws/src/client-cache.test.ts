import { describe, expect, it } from "vitest";
import { createClientCache } from "./client-cache.ts";

class A {}
class B {}

const target = (account: string) => ({ account, region: "eu-west-1", partition: "aws" });

describe("a client cache", () => {
  it("keeps one client per class and target", () => {
    const cache = createClientCache();
    const first = cache.find(A, target("1"), () => new A());

    expect(cache.find(A, target("1"), () => new A())).toBe(first);
    expect(cache.find(A, target("2"), () => new A())).not.toBe(first);
    expect(cache.find(A, undefined, () => new A())).not.toBe(first);
    expect(cache.find(B, target("1"), () => new B())).toBeInstanceOf(B);
    expect(cache.find(A, { ...target("1"), externalId: "x" }, () => new A())).not.toBe(first);
  });

  it("lets go of the client that was not used for longest", () => {
    const cache = createClientCache(2);
    const first = cache.find(A, target("1"), () => new A());
    const second = cache.find(A, target("2"), () => new A());
    cache.find(A, target("1"), () => new A());

    cache.find(A, target("3"), () => new A());

    expect(cache.find(A, target("1"), () => new A())).toBe(first);
    expect(cache.find(A, target("2"), () => new A())).not.toBe(second);
  });
});
