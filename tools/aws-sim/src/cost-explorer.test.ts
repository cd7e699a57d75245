import {
  CostExplorerClient,
  GetCostAndUsageCommand,
  type GetCostAndUsageCommandInput,
} from "@aws-sdk/client-cost-explorer";
import { describe, expect, it } from "vitest";
import { ACCOUNT, createWorld, OTHER } from "./testing/a-world.ts";

const tags = { yard: "blue", stack: "pr-7" };

function createExplorer() {
  const { sim, client } = createWorld();
  const get = (input: Partial<GetCostAndUsageCommandInput> = {}) =>
    client(CostExplorerClient).send(
      new GetCostAndUsageCommand({
        TimePeriod: { Start: "2026-10-23", End: "2026-11-22" },
        Granularity: "MONTHLY",
        Metrics: ["UnblendedCost"],
        GroupBy: [{ Type: "TAG", Key: "stack" }],
        Filter: { Tags: { Key: "yard", Values: ["blue"] } },
        ...input,
      }),
    );
  return { sim, get };
}

describe("GetCostAndUsage", () => {
  it("sums days from the start to before the end, by the value of the tag", async () => {
    const { sim, get } = createExplorer();
    const add = (day: string, usd: number, other: object = {}) =>
      sim.costExplorer.add({ account: ACCOUNT, day, usd, tags, ...other });
    add("2026-10-22", 1);
    add("2026-10-23", 2);
    add("2026-10-30", 3);
    add("2026-11-21", 4);
    add("2026-11-22", 5);
    add("2026-11-01", 6, { account: OTHER });
    add("2026-11-01", 7, { tags: { ...tags, yard: "green" } });
    add("2026-11-01", 8, { tags: { yard: "blue" } });

    const { ResultsByTime = [] } = await get();

    const groups = ResultsByTime.flatMap(({ Groups = [] }) => Groups);
    expect(groups.map(({ Keys, Metrics }) => [Keys, Metrics?.["UnblendedCost"]?.Amount])).toEqual([
      [["stack$pr-7"], "5"],
      [["stack$"], "8"],
      [["stack$pr-7"], "4"],
    ]);
  });

  it("has pages", async () => {
    const { sim, get } = createExplorer();
    for (const stack of ["a", "b"]) {
      sim.costExplorer.add({ account: ACCOUNT, day: "2026-11-01", usd: 1, tags: { ...tags, stack } });
    }
    sim.costExplorer.setPage(1);

    const { NextPageToken } = await get();
    const last = await get({ NextPageToken });

    expect(last.ResultsByTime?.[0]?.Groups?.[0]?.Keys).toEqual(["stack$b"]);
    expect(last.NextPageToken).toBeUndefined();
    await expect(get({ NextPageToken: "x" })).rejects.toMatchObject({ name: "InvalidNextTokenException" });
  });

  it("refuses what Cost Explorer refuses", async () => {
    const { get } = createExplorer();
    const three = ["a", "b", "c"].map((Key) => ({ Type: "TAG" as const, Key }));

    await expect(get({ GroupBy: three })).rejects.toMatchObject({ name: "ValidationException" });
    await expect(get({ TimePeriod: { Start: "2026-11-22", End: "2026-11-22" } })).rejects.toMatchObject({
      name: "ValidationException",
    });
  });
});
