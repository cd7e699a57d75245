import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutorDefinition } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { terraformDefinition } from "@stackyard/executor-terraform/definition";
import { describe, expect, it } from "vitest";
import { createIdleExecutor } from "./idle.ts";
import { createLeakCheckExecutor } from "./leak-check.ts";
import { createQuotaExecutor } from "./quota.ts";
import { createPreviewsBench } from "./testing/previews-bench.ts";

const root = join(import.meta.dirname, "../../..");
const DAY = 86_400_000;

/** The machines of a page. */
function findMachines(path: string): readonly string[] {
  const text = readFileSync(join(root, path), "utf8");
  return [...text.matchAll(/```yaml\n# file: machines\/preview\.yaml\n([\s\S]*?)```/g)].map(
    ([, source = ""]) => source,
  );
}

describe("docs/previews.md", () => {
  const [source = ""] = findMachines("docs/previews.md");
  const open = async () => {
    const bench = createPreviewsBench({ source, executors: [], services: [] });
    expect(bench.problems).toEqual([]);
    await bench.send("pr-1", "OPENED");
    await bench.settle();
    return bench;
  };

  it("removes a preview when its time has come", async () => {
    const bench = await open();

    await bench.advance(3 * DAY - 1);
    expect(await bench.stateOf("pr-1")).toBe("LIVE");
    await bench.advance(1);

    expect(await bench.stateOf("pr-1")).toBeUndefined();
  });

  it("extends a preview by the time that the event says", async () => {
    const bench = await open();
    await bench.send("pr-1", "EXTENDED", { seconds: 172_800 });

    await bench.advance(5 * DAY - 1);
    expect(await bench.stateOf("pr-1")).toBe("LIVE");
    await bench.advance(1);

    expect(await bench.stateOf("pr-1")).toBeUndefined();
  });

  it("does not extend it beyond the cap", async () => {
    const bench = await open();
    for (const days of [6, 6, 6]) await bench.send("pr-1", "EXTENDED", { seconds: days * 86_400 });

    await bench.advance(14 * DAY - 1);
    expect(await bench.stateOf("pr-1")).toBe("LIVE");
    await bench.advance(1);

    expect(await bench.stateOf("pr-1")).toBeUndefined();
  });
});

describe("docs/leak-checks.md", () => {
  it("has a machine without problems", () => {
    const executors = new Map<string, ExecutorDefinition>([
      ["leak-check", createLeakCheckExecutor({ environment: {} })],
      ["terraform", terraformDefinition],
    ]);
    const [source = ""] = findMachines("docs/leak-checks.md");

    expect(parseMachine(source, { name: "preview", executors }).problems).toEqual([]);
  });
});

describe("the README", () => {
  it.each(findMachines("packages/previews/README.md"))("has only machines without problems: %#", (source) => {
    const executors = new Map([
      ["quota", createQuotaExecutor({ quotas: { "team-*": 5, "usd/team-*": 500 } })],
      ["idle", createIdleExecutor()],
    ]);

    expect(parseMachine(source, { name: "preview", executors }).problems).toEqual([]);
  });
});
