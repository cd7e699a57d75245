import type { HistoryEntry } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { toMetadataRows } from "./metadata-rows.ts";

const entry = (position: number, changes: Partial<HistoryEntry>): HistoryEntry => ({
  position,
  stackId: "pr-12",
  at: "2026-11-20T00:00:00Z",
  eventId: `e${position}`,
  event: "PUSHED",
  outcome: "applied",
  sent: [],
  notes: [],
  ...changes,
});

describe("toMetadataRows", () => {
  it("names the last applied line that has brought each key", () => {
    const history = [
      entry(4, { outcome: "parked", metadata: { sha: "c" } }),
      entry(3, { metadata: { sha: "b" } }),
      entry(2, { event: "TASK_COMPLETED", outputs: { endpoint: "https://x" } }),
      entry(1, { metadata: { sha: "a", owner: "ada" } }),
    ];

    const rows = toMetadataRows({ sha: "b", owner: "ada", url: "https://x", toString: "y" as never }, history);

    expect(rows.map(({ key, origin }) => [key, origin?.position])).toEqual([
      ["sha", 3],
      ["owner", 1],
      ["url", 2],
      ["toString", undefined],
    ]);
  });

  it("tells two people of one name apart (grafana#17635)", () => {
    const history = [
      entry(2, { metadata: { sha: "b" }, actor: "ada", actorId: "p2" }),
      entry(1, { metadata: { owner: "ada" }, actor: "ada", actorId: "p1" }),
    ];

    const rows = toMetadataRows({ sha: "b", owner: "ada", url: "x" }, history);

    expect(rows.map(({ key, by }) => [key, by])).toEqual([
      ["sha", "ada (p2)"],
      ["owner", "ada (p1)"],
      ["url", undefined],
    ]);
  });
});
