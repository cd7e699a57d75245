import { createHash } from "node:crypto";
import { createAwsSim } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import type { CallDistributor, CoverageRow } from "@stackyard/sdk/artifacts";
import { describe, expect, it } from "vitest";
import { checkBuckets } from "./check-buckets.ts";
import { SOURCE_BUCKET } from "./places.ts";
import { aCell, aRow } from "./testing/a-row.ts";

const PLACE = { account: "222222222222", region: "eu-west-1" };
const KEY = "app/1.0.0/app.zip";

function createBuckets() {
  const sim = createAwsSim({ clock: createFakeClock() });
  for (const name of [SOURCE_BUCKET, "theirs"]) sim.s3.createBucket({ ...PLACE, name });
  const columns = [{ plan: { name: "theirs", ...PLACE }, bucket: "theirs" }];
  const check = (rows: readonly CoverageRow[]) => checkBuckets({ sim, call: answerShow, rows, columns });
  return { sim, check };
}

/** A distributor that knows one manifest. */
const answerShow: CallDistributor = async () => {
  const file = { key: KEY, size: 4, sha256: createHash("sha256").update("zip!").digest("hex") };
  const head = { v: 1, name: "app", version: "1.0.0", createdAt: "2026-01-01T00:00:00Z" };
  return { manifest: { ...head, files: [{ ...file, contentType: "application/zip" }] } } as never;
};

describe("checkBuckets", () => {
  it("finds nothing where the bytes are those of the manifest", async () => {
    const { sim, check } = createBuckets();
    sim.s3.write("theirs", KEY, "zip!");

    expect(await check([aRow({ cells: [aCell()] })])).toEqual({ files: 1, faults: [] });
  });

  it.each([
    ["nothing lies there", undefined, "stored"],
    ["something else lies there", "zap!", "present"],
    ["it is stored, but not reported", "zip!", "announced"],
  ] as const)("reports where the matrix is wrong: %s", async (_, body, status) => {
    const { sim, check } = createBuckets();
    if (body !== undefined) sim.s3.write("theirs", KEY, body);

    const { faults } = await check([aRow({ cells: [aCell({ status })] })]);

    expect(faults).toEqual([`theirs: the matrix says ${status}, and so is ${KEY} not.`]);
  });

  it("expects nothing of a version whose file was written over by a later one", async () => {
    const { sim, check } = createBuckets();
    sim.s3.write("theirs", KEY, "zip!");
    const later = aRow({ version: "1.0.0+abc", publishedAt: "2026-01-01T01:00:00.000Z", cells: [aCell()] });

    expect(await check([aRow({ cells: [aCell({ status: "failed" })] }), later])).toEqual({ files: 1, faults: [] });
  });
});
