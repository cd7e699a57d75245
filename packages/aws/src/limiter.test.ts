import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createLimiter, type LimitedCall } from "./limiter.ts";

const call: LimitedCall = {
  account: "own",
  region: "eu-west-1",
  service: "Lambda",
  operation: "GetFunctionConfiguration",
};

function createWorld() {
  const clock = createFakeClock();
  const limiter = createLimiter({ clock });
  const went: string[] = [];
  const ask = (name: string, of: Partial<LimitedCall> = {}, signal?: AbortSignal): Promise<void> =>
    limiter.acquire({ ...call, ...of }, signal).then(
      () => void went.push(name),
      () => void went.push(`${name} left`),
    );
  return { clock, limiter, went, ask };
}

const names = (count: number, of: string): readonly string[] => Array.from({ length: count }, (_, n) => `${of}${n}`);

describe("a limiter", () => {
  it("lets as many calls go as the service documents, in the order of asking", async () => {
    const { clock, went, ask } = createWorld();
    for (const name of names(30, "a")) void ask(name);

    await clock.advance(0);
    expect(went).toEqual(names(30, "a").slice(0, 15));
    await clock.advance(1_000);

    expect(went).toEqual(names(30, "a"));
  });

  it("counts operations together that share a quota, and others apart", async () => {
    const { clock, went, ask } = createWorld();
    for (const name of names(15, "a")) void ask(name);

    void ask("same", { operation: "UpdateFunctionCode" });
    void ask("own quota", { operation: "GetPolicy" });
    void ask("other account", { account: "444455556666" });
    void ask("other region", { region: "eu-central-1" });
    void ask("other service", { service: "STS", operation: "AssumeRole" });
    await clock.advance(0);

    expect(went.slice(15)).toEqual(["own quota", "other account", "other region", "other service"]);
    await clock.advance(100);
    expect(went.at(-1)).toBe("same");
  });

  it("counts each bucket of S3 apart", async () => {
    const { clock, went } = createWorld();
    const limiter = createLimiter({
      clock,
      quotas: [{ service: "S3", operations: "others", perSecond: 1, scope: "Bucket" }],
    });
    const put = (Bucket: string) =>
      limiter
        .acquire({ ...call, service: "S3", operation: "PutObject", input: { Bucket } })
        .then(() => went.push(Bucket));
    void put("a");
    void put("a");
    void put("b");

    await clock.advance(0);

    expect(went).toEqual(["a", "b"]);
  });

  it("slows all down that share a quota when one of them is throttled", async () => {
    const { clock, limiter, went, ask } = createWorld();
    void ask("first");
    await clock.advance(0);

    limiter.noteThrottled(call);
    void ask("second", { operation: "ListFunctions" });
    await clock.advance(0);
    expect(went).toEqual(["first"]);
    await clock.advance(2_000);

    expect(went).toEqual(["first", "second"]);
  });

  it("remembers that it was throttled while thousands of other accounts come and go", async () => {
    const { clock, limiter, went, ask } = createWorld();
    limiter.noteThrottled(call);
    for (let other = 0; other < 6_000; other += 1) {
      void ask("other", { account: `${other}` });
      // The process's own calls go on meanwhile.
      if (other % 1_000 === 0) void ask("own");
    }

    await clock.advance(0);

    expect(went.includes("own")).toBe(false);
  });

  it("lets go who is no longer waited for, and the others do not wait longer", async () => {
    const { clock, went, ask } = createWorld();
    const aborted = new AbortController();
    for (const name of names(15, "a")) void ask(name);
    void ask("gone", {}, aborted.signal);
    void ask("next");
    await clock.advance(0);

    aborted.abort();
    await clock.advance(70);

    expect(went.slice(15)).toEqual(["gone left", "next"]);
    await ask("late", {}, aborted.signal);
    expect(went.at(-1)).toBe("late left");
  });

  it("has as many calls as an account that was given more", async () => {
    const clock = createFakeClock();
    const limiter = createLimiter({ clock, quotas: [{ service: "Lambda", operations: "others", perSecond: 500 }] });
    let went = 0;

    for (let n = 0; n < 500; n += 1) void limiter.acquire(call).then(() => (went += 1));
    await clock.advance(0);

    expect(went).toBe(500);
  });
});
