import { createMemoryRecords, createRandom } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideCovered } from "./cell-status.ts";
import { PLACE, T0 } from "./testing/a-cell.ts";
import { createPassingClock } from "./testing/passing-clock.ts";
import {
  decideRetention,
  expectedSet,
  findCurrent,
  type KeptVersion,
  nextSequence,
  toSubscription,
} from "./versions.ts";

function aVersion(name: string, sequence: number, labels: Record<string, string> = {}, retired = false) {
  return { name, version: `1.${sequence}`, sequence, labels, retired };
}

const EVERYTHING = toSubscription([]);

describe("expectedSet", () => {
  it("has the version of each name that was published last", () => {
    const versions = [aVersion("a", 1), aVersion("a", 3), aVersion("a", 2), aVersion("b", 4)];

    expect(expectedSet(versions, EVERYTHING).map(({ sequence }) => sequence)).toEqual([3, 4]);
  });

  it("has one of each channel, and none that is retired", () => {
    const versions = [
      aVersion("a", 1, { channel: "stable" }),
      aVersion("a", 2, { channel: "beta" }),
      aVersion("a", 3, { channel: "beta" }, true),
    ];

    expect(expectedSet(versions, EVERYTHING).map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(expectedSet(versions, toSubscription(["v2", "channel:beta"])).map(({ sequence }) => sequence)).toEqual([2]);
  });

  it("has what carries all labels of a subscription", () => {
    const versions = [aVersion("a", 1, { team: "billing" }), aVersion("b", 2, { team: "shop" }), aVersion("c", 3)];

    expect(expectedSet(versions, toSubscription(["label:team=billing"])).map(({ name }) => name)).toEqual(["a"]);
  });

  it("has at most one version of a name and channel, the highest, in any order of publication", () => {
    const version = fc.record({ name: fc.constantFrom("a", "b"), sequence: fc.nat(50), retired: fc.boolean() });
    fc.assert(
      fc.property(fc.uniqueArray(version, { selector: ({ sequence }) => sequence }), (drawn) => {
        const versions = drawn.map(({ name, sequence, retired }) => aVersion(name, sequence, {}, retired));
        const current = findCurrent(versions);

        expect(new Set(current.map(({ name }) => name)).size).toBe(current.length);
        for (const each of versions.filter(({ retired }) => !retired)) {
          const best = current.find(({ name }) => name === each.name);
          expect(best?.sequence).toBeGreaterThanOrEqual(each.sequence);
        }
      }),
    );
  });
});

describe("toSubscription", () => {
  it("reads channels and labels, and leaves other capabilities alone", () => {
    expect(toSubscription(["v2", "retire", "channel:beta", "label:a=b=c", "label:=x", "label:y"])).toEqual({
      channels: ["beta"],
      labels: { a: "b=c" },
    });
  });
});

describe("decideCovered", () => {
  const other = { account: "444455556666", region: "us-east-1" };
  const full = { ...PLACE, files: "SsPp" };

  it("is covered when every consumer that should have it has every file", () => {
    expect(decideCovered({ cells: [full], expected: [PLACE] })).toEqual({ kind: "covered", consumers: 1 });
  });

  it("names who lacks something, with a cell or without", () => {
    const cells = [{ ...full, files: "Ss-p" }];

    expect(decideCovered({ cells, expected: [PLACE, other] })).toEqual({ kind: "open", missing: [PLACE, other] });
  });

  it("is not covered when no consumer should have it, and ignores consumers that left", () => {
    expect(decideCovered({ cells: [full], expected: [] }).kind).toBe("open");
    expect(decideCovered({ cells: [full, { ...other, files: "-" }], expected: [PLACE] }).kind).toBe("covered");
  });
});

/** Records of which each call takes five milliseconds. */
function createDeps() {
  const [memory, clock] = [createMemoryRecords(), createPassingClock(T0)];
  const slow =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await clock.sleep(5);
      return call(...args);
    };
  const { get, put, remove, list } = memory;
  const records = { get: slow(get), put: slow(put), remove: slow(remove), list: slow(list) };
  return { memory, records, clock, random: createRandom(1) };
}

describe("nextSequence", () => {
  it("gives each number once, in order, also to three hundred at a time", async () => {
    const deps = createDeps();

    const given = await Promise.all(Array.from({ length: 300 }, () => nextSequence(deps)));

    expect(given.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    expect(await nextSequence(deps)).toBe(301);
  });

  it("does not begin anew where something else lies", async () => {
    const deps = createDeps();
    await deps.memory.put({ key: "sequence", value: { last: "7" }, expected: "absent", now: T0 });

    await expect(nextSequence(deps)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});

const DAY = 86_400_000;

function aKeptVersion(sequence: number, changes: Partial<KeptVersion> = {}): KeptVersion {
  const publishedAt = T0 - 100 * DAY + sequence;
  const base = {
    name: "a",
    version: `1.${sequence}`,
    sequence,
    labels: {},
    retired: false,
    publishedAt,
    covered: true,
  };
  return { ...base, ...changes };
}

const decide = (versions: readonly KeptVersion[]) => decideRetention({ versions, now: T0, keepMs: 30 * DAY });

describe("decideRetention", () => {
  it("lets go what is old, covered and not current", () => {
    expect(decide([aKeptVersion(1), aKeptVersion(2)])).toEqual([aKeptVersion(1)]);
  });

  it.each([
    ["young", { publishedAt: T0 - 29 * DAY }],
    ["not covered", { covered: false }],
    ["current in its channel", { labels: { channel: "stable" } }],
  ])("keeps what is %s", (_, changes) => {
    expect(decide([aKeptVersion(1, changes), aKeptVersion(2)])).toEqual([]);
  });

  it("lets go what is retired, covered or not, once it is old", () => {
    const retired = { retired: true, covered: false };

    expect(decide([aKeptVersion(1, retired)])).toEqual([aKeptVersion(1, retired)]);
    expect(decide([aKeptVersion(1, { ...retired, publishedAt: T0 })])).toEqual([]);
  });

  it("never removes a current version, a young one, or one that a consumer still waits for", () => {
    const version = fc.record({
      sequence: fc.nat(30),
      covered: fc.boolean(),
      retired: fc.boolean(),
      publishedAt: fc.integer({ min: T0 - 60 * DAY, max: T0 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(version, { selector: ({ sequence }) => sequence }), (drawn) => {
        const versions = drawn.map((each) => aKeptVersion(each.sequence, each));
        const last = versions
          .filter(({ retired }) => !retired)
          .reduce((max, { sequence }) => Math.max(max, sequence), -1);

        for (const gone of decide(versions)) {
          expect(gone.sequence).not.toBe(last);
          expect(gone.publishedAt).toBeLessThanOrEqual(T0 - 30 * DAY);
          expect(gone.covered || gone.retired).toBe(true);
        }
      }),
    );
  });
});
