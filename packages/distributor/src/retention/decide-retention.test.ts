import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { T0 } from "../testing/a-cell.ts";
import { decideRetention, type KeptVersion } from "./decide-retention.ts";

const DAY = 86_400_000;

function aVersion(sequence: number, changes: Partial<KeptVersion> = {}): KeptVersion {
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
    expect(decide([aVersion(1), aVersion(2)])).toEqual([aVersion(1)]);
  });

  it.each([
    ["young", { publishedAt: T0 - 29 * DAY }],
    ["not covered", { covered: false }],
    ["current in its channel", { labels: { channel: "stable" } }],
  ])("keeps what is %s", (_, changes) => {
    expect(decide([aVersion(1, changes), aVersion(2)])).toEqual([]);
  });

  it("lets go what is retired, covered or not, once it is old", () => {
    const retired = { retired: true, covered: false };

    expect(decide([aVersion(1, retired)])).toEqual([aVersion(1, retired)]);
    expect(decide([aVersion(1, { ...retired, publishedAt: T0 })])).toEqual([]);
  });

  it("never lets go a current version, a young one, or one that somebody still waits for", () => {
    const version = fc.record({
      sequence: fc.nat(30),
      covered: fc.boolean(),
      retired: fc.boolean(),
      publishedAt: fc.integer({ min: T0 - 60 * DAY, max: T0 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(version, { selector: ({ sequence }) => sequence }), (drawn) => {
        const versions = drawn.map((each) => aVersion(each.sequence, each));
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
