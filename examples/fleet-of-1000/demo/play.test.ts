import type { FleetCounts, FleetReportPage } from "@stackyard/executor-runcommand";
import { beforeAll, describe, expect, it } from "vitest";
import { type PlayedFleet, play } from "./play.ts";

describe("the demo with 1,000 instances", () => {
  const lines: string[] = [];
  const progress: { readonly counts: FleetCounts; readonly elapsedMs: number }[] = [];
  const reports: (readonly FleetReportPage[])[] = [];
  let played: PlayedFleet;
  beforeAll(async () => {
    played = await play(1_000, {
      say: (line) => void lines.push(line),
      progress: (counts, elapsedMs) => void progress.push({ counts, elapsedMs }),
      report: (pages) => void reports.push(pages),
    });
  }, 120_000);

  it("turns the pipeline red, with the run's code and counts", () => {
    expect(played.status).toBe("Failed");
    expect(lines.join("\n")).toMatch(/has failed: [A-Z_]+: /);
    expect(played.counts[0]).toEqual({
      selected: 1_000,
      succeeded: 970,
      failed: 30,
      running: 0,
      skipped: 0,
      notSent: 0,
    });
  });

  it("shows the run in progress: never more than a quarter at work, and the number done never decreases", () => {
    const first = progress.filter(
      ({ elapsedMs }, index) => index === 0 || elapsedMs > (progress[index - 1]?.elapsedMs ?? 0),
    );

    expect(first.length).toBeGreaterThan(20);
    expect(Math.max(...progress.map(({ counts }) => counts.running))).toBeLessThanOrEqual(250);
    expect(Math.max(...progress.map(({ counts }) => counts.running))).toBeGreaterThan(100);
    for (const { counts } of progress) expect(counts.selected).toBe(1_000);
  });

  it("sends again only to those that failed", () => {
    const sent = played.world.yard.sim.ssm.listCommands().flatMap(({ invocations }) => invocations);
    const times = Map.groupBy(sent, ({ instanceId }) => instanceId);
    const good = played.world.members.filter(({ defect }) => defect === undefined);

    expect(good.every(({ instanceId }) => times.get(instanceId)?.length === 1)).toBe(true);
    expect(played.counts[1]?.succeeded).toBe(970 + 6 + 4 + 4 + 2);
  });

  it("reports why the rest failed", () => {
    const instances = reports[1]?.flatMap((page) => page.instances) ?? [];
    const codes = new Set(instances.flatMap(({ state, code }) => (state === "failed" ? [code] : [])));

    expect(codes).toEqual(new Set(["DELIVERY_TIMEOUT", "ROLE_NAME_INVALID", "SSM_NOT_ONLINE", "UNDELIVERABLE"]));
  });

  it("breaks no promise of the yard", async () => {
    expect(await played.world.yard.findViolations()).toEqual([]);
  });
});
