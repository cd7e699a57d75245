import { describe, expect, it } from "vitest";
import { findCrowdedFiles } from "./exported-values.ts";
import { repositoryRoot } from "./published-packages.ts";
import { readRepository } from "./read-repository.ts";

/** Files of today with more than twelve exported values. This list only becomes shorter. */
const LISTED: Readonly<Record<string, number>> = {
  "packages/cdk/src/given.ts": 13,
  "packages/cdk/src/policies/artifact-permissions.ts": 20,
  "packages/cdk/src/policies/yard-permissions.ts": 15,
  "packages/cdk/src/templates/parameter-forms.ts": 19,
  "packages/cdk/src/templates/template-settings.ts": 17,
  "packages/cli/src/commands/stacks.ts": 13,
  "packages/core/src/access/access-config.ts": 13,
  "packages/core/src/access/api-token.ts": 14,
  "packages/core/src/attempt/attempt.ts": 20,
  "packages/core/src/machine/decide/timers.ts": 18,
  "packages/core/src/machine/decide/work.ts": 15,
  "packages/core/src/machine/document/tree.ts": 15,
  "packages/core/src/machine/expression/cel-functions.ts": 27,
  "packages/core/src/machine/machine.ts": 15,
  "packages/core/src/machine/v2/machine-v2-schema.ts": 16,
  "packages/core/src/machine/v2/schema-parts.ts": 17,
  "packages/core/src/ports/stack-filter.ts": 13,
  "packages/core/src/testing/builders.ts": 16,
  "packages/core/src/testing/store-conformance/store-builders.ts": 33,
  "packages/distributor/src/commands/artifact-command.ts": 23,
  "packages/distributor/src/source-bucket.ts": 16,
  "packages/distributor/src/versions.ts": 21,
  "packages/executor-asg/src/commands/place.ts": 19,
  "packages/executor-asg/src/deploy/drain.ts": 19,
  "packages/executor-asg/src/deploy/teardown.ts": 14,
  "packages/executor-asg/src/document/schema.ts": 20,
  "packages/executor-asg/src/plan/names.ts": 14,
  "packages/executor-asg/src/testing/builders.ts": 21,
  "packages/executor-ecs/src/task-run.ts": 14,
  "packages/executor-runcommand/src/fleet/fleet-records.ts": 16,
  "packages/executor-runcommand/src/report/to-fleet-report.ts": 17,
  "packages/executor-terraform/src/failure.ts": 14,
  "packages/previews/src/definition.ts": 14,
  "packages/sdk/src/artifacts/manifest.ts": 16,
  "packages/server/src/schemas/event.ts": 21,
  "packages/server/src/terraform/state-store.ts": 18,
  "packages/store-dynamodb/src/aggregate.ts": 21,
  "packages/store-dynamodb/src/event-queue.ts": 13,
  "packages/store-dynamodb/src/history.ts": 14,
  "packages/store-dynamodb/src/stack-item.ts": 15,
  "packages/store-dynamodb/src/store-context.ts": 16,
  "packages/transport-sqs/src/messages.ts": 17,
  "tools/aws-sim/src/s3/buckets.ts": 14,
  "tools/aws-sim/src/s3/objects.ts": 15,
};

describe("findCrowdedFiles", () => {
  const text = (count: number) =>
    Array.from({ length: count }, (_, index) => `export const a${index} = 1;\nexport interface B${index} {}\n`).join(
      "",
    );

  it("names files with more than twelve values, or more than their line allows", () => {
    const files = new Map([
      ["a.ts", text(13)],
      ["b.ts", text(12)],
      ["c.ts", text(15)],
      ["d.ts", text(20)],
    ]);

    expect(findCrowdedFiles(files, { "c.ts": 15, "d.ts": 19 })).toEqual([
      "a.ts exports 13 values, more than 12: split it by subject.",
      "d.ts exports 20 values, more than 19: split it by subject.",
    ]);
  });

  it("wants the line of a file that has become smaller to follow", () => {
    expect(findCrowdedFiles(new Map([["a.ts", text(13)]]), { "a.ts": 14, "gone.ts": 13 })).toEqual([
      "a.ts exports 13 values now: lower its line in LISTED, or remove it up to 12.",
      "gone.ts exports 0 values now: lower its line in LISTED, or remove it up to 12.",
    ]);
  });

  it("finds nothing in this repository", () => {
    const { paths, read } = readRepository(repositoryRoot);
    const sources = [...paths].filter(
      (path) => /^(?:packages|apps|tools|examples)\/.*\.tsx?$/.test(path) && !/\.test(?:-d)?\.tsx?$/.test(path),
    );

    expect(findCrowdedFiles(new Map(sources.map((path) => [path, read(path)])), LISTED)).toEqual([]);
  });
});
