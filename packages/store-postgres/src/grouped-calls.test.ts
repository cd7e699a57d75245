import { describe, expect, it } from "vitest";
import { GroupedCalls, type Grouping } from "./grouped-calls.ts";

/** Groups that end when the test says so. */
function createGroups(overrides: Partial<Grouping<string, string>> = {}) {
  const sent: { readonly inputs: readonly string[]; end(error?: Error): void }[] = [];
  const calls = new GroupedCalls<string, string>({
    run: (inputs) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) =>
          error === undefined ? resolve(inputs.map((text) => text.toUpperCase())) : reject(error);
        sent.push({ inputs, end });
      }),
    maxWeight: 100,
    maxInFlight: 1,
    isOwnFault: (error) => error instanceof Error && error.message === "own",
    ...overrides,
  });
  return { calls, sent, groups: () => sent.map(({ inputs }) => inputs) };
}

/** Long enough for a group that has ended to send the next one. */
async function turn(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("GroupedCalls", () => {
  it("sends a call that is alone at once, and answers it", async () => {
    const { calls, sent } = createGroups();
    const answer = calls.call("a");

    await turn();
    sent[0]?.end();

    expect(await answer).toBe("A");
  });

  it("sends what waits while a group is on its way as the next group, each with its own answer", async () => {
    const { calls, sent, groups } = createGroups();
    const first = calls.call("a");
    await turn();
    const others = ["b", "c"].map((text) => calls.call(text));
    await turn();
    expect(groups()).toEqual([["a"]]);

    sent[0]?.end();
    await first;
    await turn();
    sent[1]?.end();

    expect(groups()).toEqual([["a"], ["b", "c"]]);
    expect(await Promise.all(others)).toEqual(["B", "C"]);
  });

  it("has as many groups on their way as it may", async () => {
    const { calls, groups } = createGroups({ maxInFlight: 2, maxWeight: 1 });
    for (const text of ["a", "b", "c"]) void calls.call(text);

    await turn();

    expect(groups()).toEqual([["a"], ["b"]]);
  });

  it("makes no group heavier than it may be, but sends one call that is heavier alone", async () => {
    const { calls, groups } = createGroups({ maxWeight: 3, weightOf: (text) => text.length, maxInFlight: 9 });
    for (const text of ["aa", "b", "c", "dddd"]) void calls.call(text);

    await turn();

    expect(groups()).toEqual([["aa", "b"], ["c"], ["dddd"]]);
  });

  it("never brings two calls with a key in common into one group, and keeps their order", async () => {
    const { calls, sent, groups } = createGroups({ keysOf: (text) => [...text] });
    const first = ["ab", "bc", "c", "d"].map((text) => calls.call(text));
    await turn();
    expect(groups()).toEqual([["ab", "d"]]);

    sent[0]?.end();
    await first[0];
    await turn();

    expect(groups()).toEqual([["ab", "d"], ["bc"]]);
  });

  it("runs each of a group alone when the fault may be one's own", async () => {
    const { calls, sent, groups } = createGroups();
    const answers = Promise.allSettled(["a", "b"].map((text) => calls.call(text)));
    await turn();
    sent[0]?.end(new Error("own"));
    await turn();
    sent[1]?.end(new Error("own"));
    await turn();
    sent[2]?.end();

    expect(await answers).toMatchObject([{ reason: { message: "own" } }, { value: "B" }]);
    expect(groups()).toEqual([["a", "b"], ["a"], ["b"]]);
  });

  it("rejects all calls of a group on a storage fault, and continues with the next group", async () => {
    const { calls, sent } = createGroups();
    const answers = ["a", "b"].map((text) => calls.call(text));
    await turn();
    sent[0]?.end(new Error("the server is gone"));
    expect(await Promise.allSettled(answers)).toMatchObject([{ status: "rejected" }, { status: "rejected" }]);

    const next = calls.call("c");
    await turn();
    sent[1]?.end();

    expect(await next).toBe("C");
  });

  it("is idle when all that waited was answered", async () => {
    const { calls, sent } = createGroups();
    await calls.idle();
    let isIdle = false;
    const answers = ["a", "b"].map((text) => calls.call(text));
    void calls.idle().then(() => {
      isIdle = true;
    });
    await turn();
    expect(isIdle).toBe(false);

    sent[0]?.end();
    await Promise.all(answers);
    await turn();

    expect(isIdle).toBe(true);
  });
});
