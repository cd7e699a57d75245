import { expect, it } from "vitest";
import { aContender } from "../side-by-side/builders.ts";
import type { Engine } from "./engine.ts";
import { toEngineTables } from "./engine-tables.ts";
import type { EngineFigures } from "./measure-engine.ts";

const engine = (name: string, family: string): Engine => ({
  ...aContender(`${name}-chain-10`),
  family,
  form: "chain",
  width: "10",
});
const figures = (name: string, jobsPerSecond: number, more: Partial<EngineFigures> = {}): EngineFigures => ({
  engine: `${name}-chain-10`,
  jobs: 100,
  jobsPerSecond,
  programCpuMicroseconds: 200,
  serverCpuMicroseconds: 100,
  coresBusy: 0.85,
  logBytes: 2_650,
  ...more,
});

it("shows what a job costs, and our rate compared with each peer's of the same round", () => {
  const engines = [engine("stackyard", "Stackyard"), engine("restate", "Restate"), engine("absurd", "Absurd")];
  const own = { keptBytes: 1_440, commits: 0.2 };
  const found = [
    figures("stackyard", 300, own),
    figures("restate", 200),
    figures("stackyard", 400, own),
    figures("restate", 500),
  ];

  const [costs] = toEngineTables(engines, found);

  // An engine that could not be measured is left out.
  expect(costs?.rows).toEqual([
    ["Stackyard", "200", "100", "2,650", "1,440", "0.20", "85 %", "350 (300–400)", "–"],
    ["Restate", "200", "100", "2,650", "–", "–", "85 %", "350 (200–500)", "1.15 ×"],
  ]);
});

it("shows settings once, and no table for what was not measured", () => {
  const tables = toEngineTables([engine("stackyard", "Stackyard")], []);

  expect(tables.map(({ rows }) => rows)).toEqual([[["Stackyard", "10", expect.any(String)]]]);
});
