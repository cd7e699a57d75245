import { describe, expect, it } from "vitest";
import { PLACE } from "./testing/a-cell.ts";
import { createFleet } from "./testing/a-fleet.ts";

const unseen = (metrics: readonly string[]) => metrics.flatMap((line) => JSON.parse(line).UnseenVersions ?? []);

// aws/aws-cdk#29653, awslabs/data-transfer-hub#110, serverless/serverless-external-s3-event PR 48
describe("a manifest whose event never comes", () => {
  it("is published within two hours, named and counted for an alarm", async () => {
    const { register, look, lookFor, created, write, coverage, metrics } = createFleet();
    await register(PLACE);
    await look();
    await created(write("1.0.0"));
    write("2.0.0");

    await lookFor(2);

    expect((await coverage()).map(({ version }) => version)).toEqual(expect.arrayContaining(["1.0.0", "2.0.0"]));
    expect(unseen(metrics).filter((count) => count > 0)).toEqual([1]);
    expect(metrics.join("")).toContain("app@2.0.0");
  });

  it("is not counted where each event has come, and the bucket is listed once an hour", async () => {
    const { sim, register, lookFor, created, write, metrics } = createFleet();
    await register(PLACE);
    await created(write("1.0.0"));

    await lookFor(3);

    expect(unseen(metrics).every((count) => count === 0)).toBe(true);
    expect(sim.calls.filter(({ operation }) => operation === "S3.ListObjectsV2").length).toBeLessThanOrEqual(4);
  });
});
