import type { Board } from "@stackyard/sdk";
import { expect, it } from "vitest";
import { toBoardGrid, type Version } from "./board-grid.ts";

const HOUR = 3_600_000;
const START = Date.parse("2026-11-20T00:00:00Z");
const createdAt = (hour: number) => new Date(START + hour * HOUR).toISOString();
const standings = { rests: 1, moving: 0, failed: 0, "by-hand": 0 };

const version = (api: string, hour?: number): Version => ({
  values: { api },
  stacks: 1,
  standings,
  since: createdAt(50),
  examples: [],
  ...(hour !== undefined && { release: { id: `shop-${api}-${hour}`, createdAt: createdAt(hour) } }),
});
const place = (task: string, ...versions: readonly Version[]): Board["environments"][number] => ({
  ...{ task, stack: `shop-${task}`, stacks: versions.length, behind: false, versions },
});
const grid = (environments: Board["environments"], most = 3, marked?: string) =>
  toBoardGrid({ environments, releases: [] }, { most, marked });
const texts = (...given: Parameters<typeof grid>) => grid(...given).columns.map(({ text }) => text);

// kargo#4238: the order of versions is not that of their texts.
it("orders versions by their newest release, and those that no release has set last", () => {
  const environments = [
    place("test", version("1.9.0", 3), version("by-hand")),
    place("production", version("1.10.0", 2), version("hotfix", 9)),
  ];

  expect(texts(environments, 9)).toEqual(["hotfix", "1.9.0", "1.10.0", "by-hand"]);
});

it("puts a version that was released twice into one column, at the place of the newer release", () => {
  const { columns, rows } = grid([
    place("test", version("1.0.0", 1), version("2.0.0", 2)),
    place("live", version("1.0.0", 3)),
  ]);

  expect(columns.map(({ text, release }) => [text, release])).toEqual([
    ["1.0.0", "shop-1.0.0-3"],
    ["2.0.0", "shop-2.0.0-2"],
  ]);
  expect(rows.map(({ cells }) => cells.map(({ versions }) => versions.length))).toEqual([
    [1, 1],
    [1, 0],
  ]);
});

it("folds older versions into one column, and never a single one or that of the marked release", () => {
  const environments = [place("test", ...[5, 4, 3, 2, 1].map((hour) => version(`v${hour}`, hour)))];

  expect(texts(environments, 3)).toEqual(["v5", "v4", "v3", "2 older"]);
  expect(texts(environments, 4)).toEqual(["v5", "v4", "v3", "v2", "v1"]);
  const marked = grid(environments, 2, "shop-v1-1");
  expect(marked.columns.map(({ text, isMarked }) => [text, isMarked])).toEqual([
    ["v5", false],
    ["v4", false],
    ["v1", true],
    ["2 older", false],
  ]);
  expect(marked.rows[0]?.cells.map(({ versions }) => versions.length)).toEqual([1, 1, 1, 2]);
});

it("gives a release that is on its way a column at its place, also before it runs anywhere", () => {
  const coming = [{ release: "shop-3", task: "turn", hold: "turn" as const, why: "Waits.", values: { api: "3" } }];
  const board = {
    environments: [{ ...place("test", version("2", 2)), coming }],
    releases: [{ id: "shop-3", state: "TEST", condition: "busy", createdAt: createdAt(3) }],
  };

  const { columns, rows } = toBoardGrid(board, { most: 3, marked: "shop-3" });

  expect(columns.map(({ text, release, isMarked }) => [text, release, isMarked])).toEqual([
    ["3", "shop-3", true],
    ["2", "shop-2-2", false],
  ]);
  expect(rows[0]?.cells.map((cell) => [cell.versions.length, cell.coming.length])).toEqual([
    [0, 1],
    [1, 0],
  ]);
});

it("makes no column for an undo, which brings back what each stack had", () => {
  const coming = [{ release: "shop-2", task: "undo", hold: "moving" as const, why: "It runs.", values: {} }];

  expect(texts([{ ...place("test", version("1", 1)), coming }])).toEqual(["1"]);
});

it("shows each stack in exactly one cell, however many versions there are", () => {
  const many = Array.from({ length: 400 }, (_, index) => version(`v${index}`, index % 50));
  const environments = Array.from({ length: 20 }, (_, index) => place(`place-${index}`, ...many.slice(index * 20)));

  for (const { environment, cells } of grid(environments, 6).rows) {
    const shown = cells.flatMap(({ versions }) => versions);
    expect(new Set(shown).size).toBe(shown.length);
    expect(shown.length).toBe(environment.versions.length);
  }
});
