import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as entry from "./index.ts";
import { toDropLine, toMetricLines, toTrustLine, toUnseenLine } from "./metrics.ts";
import { aCell, T0 } from "./testing/a-cell.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

function firstColumnOf(head: string): readonly string[] {
  const [, rows = ""] = readme.split(`| ${head} |`);
  const [table = ""] = rows.split("\n\n");
  return [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = ""]) => cell.replaceAll("`", "").split(", "));
}

describe("the README", () => {
  it("lists every function of the entry but those that make things", () => {
    const functions = Object.entries(entry).flatMap(([name, value]) => (typeof value === "function" ? [name] : []));

    expect([...firstColumnOf("function | decides"), "createCell"].sort()).toEqual(functions.sort());
  });

  it("lists every key of the config", () => {
    const [, source = ""] = readFileSync(join(import.meta.dirname, "context.ts"), "utf8").split(
      "interface DistributorConfig",
    );
    const [declaration = ""] = source.split("\n}");
    const keys = [...declaration.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, key]) => key);

    expect(keys.length).toBeGreaterThan(10);
    expect(firstColumnOf("config | default | meaning")).toEqual(keys);
  });

  it("lists every metric", () => {
    const swept = toMetricLines({ cells: [aCell()], refusals: [], now: T0 });
    const trust = toTrustLine({ untrusted: 1, unchecked: 0, unsubscribed: 0, filtered: 0 }, T0);
    const lines = [...swept, trust, toUnseenLine([], T0), toDropLine("EVENT_INVALID", T0)];
    const metrics = lines.flatMap((line) => JSON.parse(line)._aws.CloudWatchMetrics[0].Metrics);

    expect(firstColumnOf("metric | dimensions | meaning")).toEqual([...new Set(metrics.map(({ Name }) => Name))]);
  });
});
