import { rmSync } from "node:fs";
import { join } from "node:path";
import { DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type ACloud, BUCKET, createCloud } from "./testing/a-cloud.ts";
import { writeRelease } from "./testing/a-release.ts";
import { makeProject } from "./testing/run-command.ts";

const project = makeProject();
let cloud: ACloud = createCloud();
beforeEach(() => {
  cloud = createCloud();
});
afterEach(() => {
  rmSync(project.folder, { recursive: true, force: true });
});
async function publish(sketch: Parameters<typeof writeRelease>[1] = {}) {
  writeRelease(join(project.folder, "dist/release"), sketch);
  await project.run(cloud.aws, "apps publish", { bucket: BUCKET, prefix: "stackyard" });
  await cloud.clock.sleep(60_000);
}
const deploy = (args = {}) => project.run(cloud.aws, "apps deploy", { name: "yard", ...args });
async function release(): Promise<string | undefined> {
  const { Stacks: [stack] = [] } = await cloud.aws.cloudFormation.send(
    new DescribeStacksCommand({ StackName: "stackyard-main" }),
  );
  return stack?.Tags?.find(({ Key }) => Key === "stackyard:release")?.Value;
}
// npm/cli#6778, spinnaker/spinnaker PR 7456
it("does not go back to an older release because that was published last", async () => {
  await publish({ version: "0.2.0", zips: { "state-manager": "new" } });
  await deploy({ parameter: ["MachineBucket=machines"] });
  const before = await release();
  await publish({ version: "0.1.9", zips: { "state-manager": "old" } });
  await expect(deploy({ parameter: ["MachineBucket=other"] })).rejects.toMatchObject({
    code: "PLAN_STALE",
    message: expect.stringContaining("is of release 0.2.0"),
  });
  expect([before, await release()]).toEqual(["0.2.0", "0.2.0"]);
  const { notes } = await deploy({ release: "0.1.9" });

  expect(notes[0]).toContain("release 0.2.0 → 0.1.9");
  expect(await release()).toBe("0.1.9");
});
