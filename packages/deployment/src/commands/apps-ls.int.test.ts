import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { BUCKET, createCloud } from "../testing/a-cloud.ts";
import { writeRelease } from "../testing/a-release.ts";
import { makeProject } from "../testing/run-command.ts";

const project = makeProject();

afterEach(() => {
  rmSync(project.folder, { recursive: true, force: true });
});

it("lists what is published, the newest first, and what is deployed", async () => {
  const { aws, clock, sim } = createCloud();
  for (const version of ["0.1.0", "0.2.0"]) {
    writeRelease(join(project.folder, "dist/release"), { version });
    await project.run(aws, "apps publish", { bucket: BUCKET });
    await clock.sleep(60_000);
  }
  sim.s3.write(BUCKET, "notes.txt", "x");
  const parameter = ["MachineBucket=m"];
  await project.run(aws, "apps deploy", { name: "yard", yard: "test", parameter, release: "0.1.0" });

  const { results, texts } = await project.run(aws, "apps ls");

  expect(results).toMatchObject([
    {
      place: { bucket: BUCKET, prefix: "" },
      published: [
        { kind: "app", name: "state-manager", version: "0.2.0", bytes: 3 },
        { kind: "template", name: "yard", version: "0.2.0" },
        { kind: "app", name: "state-manager", version: "0.1.0" },
        { kind: "template", name: "yard", version: "0.1.0" },
      ],
      deployed: [
        { stack: "stackyard-test", yard: "test", template: "yard", release: "0.1.0", status: "CREATE_COMPLETE" },
      ],
    },
  ]);
  const lines = (texts[0] ?? "").split("\n");
  expect(lines[0]).toBe(`Published in s3://${BUCKET}/`);
  expect(lines[1]).toMatch(/^kind +name +version +bytes +published$/);
  expect(lines.at(-1)).toMatch(/^stackyard-test +test +yard +0\.1\.0 +CREATE_COMPLETE +2026-/);
});

it("says that nothing is known yet", async () => {
  const { aws } = createCloud();

  const { texts, results } = await project.run(aws, "apps ls");

  expect(results).toEqual([{ place: null, published: [], deployed: [] }]);
  expect(texts[0]).toContain("name a bucket with --bucket");
  expect((await project.run(aws, "apps ls", { bucket: BUCKET })).texts[0]).toContain(
    `Nothing is published in s3://${BUCKET}/.`,
  );
});

it("tells how to reach AWS, and not how to reach a server", async () => {
  const { as, aws, sim } = createCloud();
  sim.once("CloudFormation.DescribeStacks", () => Promise.reject(new Error("Region is missing")));

  await expect(project.run(aws, "apps ls")).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    details: { hint: expect.stringContaining("AWS_REGION") },
  });
  await expect(project.run(as([]), "apps ls")).rejects.toMatchObject({
    code: "FORBIDDEN",
    details: { hint: expect.stringContaining("@stackyard/deployment") },
  });
});

it("shows no stacks that are not ours", async () => {
  const { aws } = createCloud();
  writeRelease(join(project.folder, "dist/release"));
  await project.run(aws, "apps publish", { bucket: BUCKET });

  expect((await project.run(aws, "apps ls")).results).toMatchObject([{ deployed: [] }]);
});
