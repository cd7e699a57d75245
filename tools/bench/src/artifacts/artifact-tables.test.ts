import { describe, expect, it } from "vitest";
import type { ArtifactFigures } from "./artifact-figures.ts";
import { toArtifactTables } from "./artifact-tables.ts";

const spread = (median: number) => ({ median, least: median / 2, most: median * 2 });
const NONE: ArtifactFigures = {
  plans: [],
  messages: [],
  decisions: [],
  copies: [],
  memories: [],
  publications: [],
};

function rowsOf(figures: Partial<ArtifactFigures>) {
  return toArtifactTables({ ...NONE, ...figures }).flatMap(({ rows }) => rows);
}

describe("toArtifactTables", () => {
  it("states the budget of a plan next to its time", () => {
    const plan = { consumers: 1_000, versions: 5, files: 20, messages: 100_000 };

    expect(rowsOf({ plans: [0.2, 1.5].map((seconds) => ({ ...plan, seconds: spread(seconds) })) })).toEqual([
      ["1,000", "5", "20", "100,000", "0.200 (0.100–0.400)", "within 1 s"],
      ["1,000", "5", "20", "100,000", "1.500 (0.750–3.000)", "above 1 s"],
    ]);
  });

  it("shows messages and decisions next to their baselines", () => {
    const figures = { bare: "b", perSecond: spread(2_000), barePerSecond: spread(4_000), ratio: spread(0.5) };
    const rest = ["2,000 (1,000–4,000)", "b", "4,000 (2,000–8,000)", "0.50 (0.25–1.00)"];

    expect(rowsOf({ messages: [{ name: "m", ...figures }], decisions: [{ name: "d", ...figures }] })).toEqual([
      ["m", ...rest],
      ["d", ...rest],
    ]);
  });

  it("judges memory by the most that was resident, and names sizes as they are", () => {
    const memory = { way: "w", seconds: 1.25, baseMb: 100, peakMb: 150.4 };

    expect(rowsOf({ memories: [1e9, 10e9].map((bytes) => ({ ...memory, bytes })) })).toEqual([
      ["w", "1 GB", "1.3", "100", "150", "above 150 MB"],
      ["w", "10 GB", "1.3", "100", "150", "above 150 MB"],
    ]);
    const copy = { way: "w", mibPerSecond: spread(200), ratio: spread(1) };
    expect(rowsOf({ copies: [2 ** 23, 2 ** 30].map((bytes) => ({ ...copy, bytes })) }).map((row) => row[1])).toEqual([
      "8 MiB",
      "1 GiB",
    ]);
  });

  it("judges a publication by its ratio to the slower half", () => {
    const [hashSeconds, uploadSeconds, seconds] = [spread(1), spread(2), spread(2.4)];
    const figures = { link: "loopback", bytes: 2 ** 29, hashSeconds, uploadSeconds, seconds, ratio: spread(1.2) };

    expect(rowsOf({ publications: [figures] })).toEqual([
      [
        ...["loopback", "512 MiB", "1.00 (0.50–2.00)", "2.00 (1.00–4.00)", "2.40 (1.20–4.80)", "1.20 (0.60–2.40)"],
        "within 1.3 ×",
      ],
    ]);
  });

  it("says why a contender is missing", () => {
    const titles = toArtifactTables({ ...NONE, awsMissing: "there is none" }).map(({ title }) => title);

    expect(titles.filter((title) => title.includes("not measured: `aws s3 cp`, there is none"))).toHaveLength(1);
    expect(toArtifactTables(NONE).some(({ title }) => title.includes("not measured"))).toBe(false);
  });
});
