import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toFlag } from "@stackyard/core";
import { formatVariableTable } from "@stackyard/core/environment";
import { createFakeClock } from "@stackyard/core/testing";
import { createReleasesClient, type Release } from "@stackyard/sdk/releases";
import type { TObject } from "typebox";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createReleaseCommands } from "./commands/create-release-commands.ts";
import { ReleaseVariables } from "./commands/place.ts";
import { formatRepair } from "./commands/release-place.ts";
import { planCapacity } from "./plan/capacity.ts";
import { formatRelease, toReleasePicture } from "./plan/format-release.ts";
import { aReport, aServiceReport, aYardRelease } from "./testing/builders.ts";
import { type CommandWorld, createCommandWorld } from "./testing/command-world.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/releases.md"), "utf8");
const [, FILE = ""] = /```json\n(\{\n {2}"aws_account_id"[\s\S]*?)```/.exec(page) ?? [];
const began = Date.UTC(2026, 10, 20, 18);
const SHOP = { account: "111122223333", region: "eu-west-1", project: "acme/shop", config: "production" };
const RELEASE = "release-2026-11-20T18-00-00Z-qkzvwxa";
const PATH = [
  ...["Validate", "Lock", "ValidateResources", "Deploy", "WaitForDeploy", "WaitForHealthy", "CheckHealthy", "Healthy?"],
  ...["WaitForHealthy", "CheckHealthy"],
];

it("lists the variables of the commands as their schema describes them", () => {
  expect(page).toContain(formatVariableTable(ReleaseVariables));
});

let world: CommandWorld;
beforeEach(() => {
  world = createCommandWorld(
    {
      clock: createFakeClock(began),
      openReleases: (server) => ({
        ...createReleasesClient(server),
        list: async () => ({ items: [aFailure()] }),
        get: async () => aFailure(),
      }),
    },
    "http://127.0.0.1:1",
  );
  world.write("shop.json", FILE);
  world.write("shop.json.userdata", "#!/bin/sh\n");
});
afterEach(() => world.remove());

function aFailure(): Release {
  const web = aServiceReport({
    healthy: 1,
    unhealthy: 8,
    launching: 9,
    terminating: 0,
    targetHealthy: 8,
    targetLaunched: 12,
    group: "acme/shop-production-2026-11-20T18-00-00Z-web",
    causes: ["There is no Spot capacity of t3.small in eu-west-1a."],
  });
  const error = { class: "HaltError", message: "Timeout: Halting Release" };
  const after = ["DetachForFailure", "WaitDetachForFailure", "CleanUpFailure", "ReleaseLockFailure", "FailureClean"];
  const path = [...PATH, ...after].map((state, at) => ({ state, at }));
  const report = { ...SHOP, releaseId: RELEASE, services: { web }, path, error, end: "FailureClean" } as const;
  return aYardRelease({
    ...SHOP,
    jobId: "run-7259ee61e85d9aab81a2ebd7e7fdeb5d",
    releaseId: RELEASE,
    standing: "failed",
    end: "FailureClean",
    error: { code: "RELEASE_TIMED_OUT", message: error.message },
    report: aReport(report),
    startedAt: new Date(began).toISOString(),
    endedAt: new Date(began + 1_325_000).toISOString(),
  });
}

function shown(text: string): void {
  expect(page).toContain(`\`\`\`text\n${text}\n\`\`\`\n`);
}

describe("docs/releases.md", () => {
  it("shows a file without problems, and what is said of one with problems", async () => {
    expect((await world.run("validate", { file: "shop.json" })).text).toBe("shop.json: no problems");
    const { aws_region: _region, ami: _ami, ...rest } = JSON.parse(FILE);
    world.write("shop.json", { ...rest, aws_region: 5, timeout: 0, comment: "for later" });

    shown((await world.run("validate", { file: "shop.json" })).text);
  });

  it("shows what a plan says", async () => {
    shown((await world.run("plan", { file: "shop.json", previous: '{"web": 10, "worker": 2}' })).text);
  });

  it("shows the picture of a release", () => {
    const web = aServiceReport({ healthy: 5, unhealthy: 3, terminating: 1, launching: 9 });
    const worker = aServiceReport({ healthy: 2, launching: 2, targetHealthy: 2, targetLaunched: 2, isHealthy: true });
    const causes = ["There is no Spot capacity of t3.small in eu-west-1a."];
    const services = { web: { ...web, targetHealthy: 8, targetLaunched: 12, causes }, worker };
    const report = aReport({ releaseId: RELEASE, startedAt: began, timeoutSeconds: 1_200, services });

    shown(toReleasePicture(report, { columns: 100, colour: false, now: began + 225_000 }));
  });

  it("shows what is reported about a failed one, in full and in a list", async () => {
    shown(formatRelease(aFailure()));
    shown((await world.run("fails", {})).text);
  });

  it("shows what repair finds", () => {
    const leftOvers = [
      {
        kind: "group",
        name: "acme/shop-production-2026-11-19T09-00-00Z-web",
        why: "Its release has ended and another one is in service.",
        removable: true,
      },
      {
        kind: "alarm",
        name: "acme/shop-production-2026-11-19T09-00-00Z-web-cpu_scale_up",
        why: "Its group is gone.",
        removable: true,
      },
    ];
    const outputs = { found: 2, removed: 0, leftOvers: JSON.stringify(leftOvers) };

    shown(formatRepair(aYardRelease({ operation: "repair", standing: "succeeded", outputs }), false).message);
  });

  it("counts servers as the code does", () => {
    const rows = [...page.matchAll(/^\| (\d+) \| (\d+) \| (\d+|none) \| ([\d.]+) \| (\d+) \| (\d+) \| (\d+) \|$/gm)];

    expect(rows.length).toBeGreaterThan(4);
    for (const [line, min, max, previous, spread, ...figures] of rows) {
      const rules = { min_size: Number(min), max_size: Number(max), spread: Number(spread) };
      const plan = planCapacity(rules, previous === "none" ? undefined : Number(previous));
      expect([plan.desired, plan.targetLaunched, plan.targetHealthy].map(String), line).toEqual(figures);
    }
  });

  it("types commands and flags that are there, and names every command", () => {
    const commands = createReleaseCommands();
    const typed = [...page.matchAll(/^stackyard (asg \w+)(.*)$/gm)];

    expect(typed.length).toBeGreaterThan(6);
    for (const [line, name, rest = ""] of typed) {
      const { args } = commands.find((each) => each.name === name) ?? {};
      const known = Object.keys((args as TObject | undefined)?.properties ?? {}).map(toFlag);
      expect(known, line).toEqual(expect.arrayContaining([...rest.matchAll(/ (--[a-z-]+)/g)].map(([, flag]) => flag)));
    }
    expect(commands.filter(({ name }) => !page.includes(`| \`${name}\` |`))).toEqual([]);
  });
});
