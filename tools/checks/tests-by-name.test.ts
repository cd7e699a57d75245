import { describe, expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";
import { listPaths } from "./read-repository.ts";
import { findUnnamedTests } from "./tests-by-name.ts";

/** Files of tests of today without a source of their name. This list only becomes shorter. */
const LISTED: ReadonlySet<string> = new Set([
  "apps/action/src/action-page.test.ts",
  "examples/plugin-delay/tutorial.test.ts",
  "examples/previews/demo/machines.test.ts",
  "packages/aws/src/target-task.test.ts",
  "packages/cdk/src/artifacts/artifacts.test.ts",
  "packages/cdk/src/policies/app-policies.test.ts",
  "packages/cdk/src/policies/release-client-permissions.test.ts",
  "packages/cdk/src/templates/fleet-instances-template.test.ts",
  "packages/cdk/src/templates/print-template.test.ts",
  "packages/cdk/src/templates/to-plain-template.test.ts",
  "packages/cli/src/template-previews.test.ts",
  "packages/console/src/access/access.browser.test.tsx",
  "packages/console/src/app/list-detail.browser.test.tsx",
  "packages/console/src/approvals/approvals.browser.test.tsx",
  "packages/console/src/editor/graph-views.browser.test.tsx",
  "packages/console/src/jobs/jobs.browser.test.tsx",
  "packages/console/src/machine/edits/edits.test.ts",
  "packages/console/src/machine/edits/written-forms.test.ts",
  "packages/console/src/machines/machines.browser.test.tsx",
  "packages/console/src/releases/releases.browser.test.tsx",
  "packages/console/src/stack/actions/stack-dialogs.browser.test.tsx",
  "packages/console/src/stack/stack-tabs.browser.test.tsx",
  "packages/console/src/terraform/terraform.browser.test.tsx",
  "packages/consumer/src/copy/troubled-copies.test.ts",
  "packages/consumer/src/function/consumer-messages.test.ts",
  "packages/consumer/src/odd-messages.test.ts",
  "packages/core/src/aggregate/audited-events.test.ts",
  "packages/core/src/engine/consumer.test.ts",
  "packages/core/src/engine/forged-ids.test.ts",
  "packages/core/src/engine/instant-timers.test.ts",
  "packages/core/src/engine/attempts/outside-results.test.ts",
  "packages/core/src/engine/parking.test.ts",
  "packages/core/src/engine/ports.test.ts",
  "packages/core/src/engine/process-due.test.ts",
  "packages/core/src/engine/publish-messages.test.ts",
  "packages/core/src/engine/raised-events.test.ts",
  "packages/core/src/engine/stack-round.test.ts",
  "packages/core/src/engine/store-transport-order.test.ts",
  "packages/core/src/engine/attempts/task-log.test.ts",
  "packages/core/src/engine/version-2.test.ts",
  "packages/core/src/engine/workers/worker-secrets.test.ts",
  "packages/core/src/engine/yard-health-store.test.ts",
  "packages/core/src/machine/cron-oracle.test.ts",
  "packages/core/src/machine/decide/approvals.property.test.ts",
  "packages/core/src/machine/decide/approvals.test.ts",
  "packages/core/src/machine/decide/decide-v2.property.test.ts",
  "packages/core/src/machine/document/messages.test.ts",
  "packages/core/src/machine/expression/cel.test.ts",
  "packages/core/src/machine/expression/expression-faults.test.ts",
  "packages/core/src/machine/expression/expression-types.test.ts",
  "packages/core/src/machine/expression/hostile-expressions.test.ts",
  "packages/core/src/machine/worked-examples.test.ts",
  "packages/core/src/ports/page-builder.test.ts",
  "packages/core/src/simulation/played-fixtures.test.ts",
  "packages/core/src/simulation/simulation-time.test.ts",
  "packages/core/src/simulation/upgrade-timers.test.ts",
  "packages/distributor/src/published-again.test.ts",
  "packages/distributor/src/upload-orders.test.ts",
  "packages/executor-asg/src/bucket-task.test.ts",
  "packages/executor-asg/src/denied-detach.test.ts",
  "packages/executor-asg/src/deploy/initial-capacity.property.test.ts",
  "packages/executor-asg/src/document/broken-rules.property.test.ts",
  "packages/executor-asg/src/document/broken-rules.test.ts",
  "packages/executor-asg/src/document/undecodable-documents.test.ts",
  "packages/executor-asg/src/heartbeat.test.ts",
  "packages/executor-asg/src/target-reason.test.ts",
  "packages/executor-asg/src/young-resources.test.ts",
  "packages/executor-ecs/src/aws-errors.test.ts",
  "packages/executor-ecs/src/custom-resource/answers.test.ts",
  "packages/executor-ecs/src/custom-resource/faults.test.ts",
  "packages/executor-ecs/src/custom-resource/lives.test.ts",
  "packages/executor-ecs/src/custom-resource/physical-ids.test.ts",
  "packages/executor-ecs/src/custom-resource/requests.test.ts",
  "packages/executor-ecs/src/custom-resource/runs.test.ts",
  "packages/executor-ecs/src/custom-resource/update-criteria-runs.test.ts",
  "packages/executor-ecs/src/ecs-refusals.test.ts",
  "packages/executor-ecs/src/step-functions.test.ts",
  "packages/executor-ecs/src/watch-tasks.test.ts",
  "packages/executor-runcommand/src/artifact.test.ts",
  "packages/executor-runcommand/src/boot.test.ts",
  "packages/executor-runcommand/src/cancel.test.ts",
  "packages/executor-runcommand/src/fleet-of-1000.test.ts",
  "packages/executor-runcommand/src/fleet/failed-watch.test.ts",
  "packages/executor-runcommand/src/fleet/job-truth.test.ts",
  "packages/executor-runcommand/src/new-role.test.ts",
  "packages/executor-runcommand/src/retry.test.ts",
  "packages/executor-runcommand/src/send-errors.test.ts",
  "packages/executor-runcommand/src/ssm-odd-status.test.ts",
  "packages/executor-runcommand/src/targets.test.ts",
  "packages/executor-terraform/src/run/opentofu.test.ts",
  "packages/notifications/src/channels/inert.test.ts",
  "packages/previews/src/docs.test.ts",
  "packages/runtime/src/drain-store.test.ts",
  "packages/runtime/src/polling-worker.test.ts",
  "packages/runtime/src/time-of-a-function.test.ts",
  "packages/sdk/src/artifacts/client/artifacts-client.test.ts",
  "packages/sdk/src/queue/queue.test-d.ts",
  "packages/sdk/src/wire.test-d.ts",
  "packages/store-dynamodb/src/native.test.ts",
  "packages/store-postgres/src/database-errors.test.ts",
  "packages/telemetry/src/follow-event.test.ts",
  "packages/transport-sqs/src/event-sender.test.ts",
  "tools/aws-sim/src/as-aws-answers.test.ts",
  "tools/aws-sim/src/auto-scaling/activities.test.ts",
  "tools/aws-sim/src/auto-scaling/group-life.test.ts",
  "tools/aws-sim/src/auto-scaling/group-parts.test.ts",
  "tools/aws-sim/src/auto-scaling/groups.test.ts",
  "tools/aws-sim/src/auto-scaling/hook-refusals.test.ts",
  "tools/aws-sim/src/auto-scaling/hooks-of-groups.test.ts",
  "tools/aws-sim/src/auto-scaling/instance-life.test.ts",
  "tools/aws-sim/src/auto-scaling/launch-sources.test.ts",
  "tools/aws-sim/src/auto-scaling/processes.test.ts",
  "tools/aws-sim/src/auto-scaling/scale-in.test.ts",
  "tools/aws-sim/src/ec2/placement-groups.test.ts",
  "tools/aws-sim/src/ecs/refusals.test.ts",
  "tools/aws-sim/src/ecs/run-task.test.ts",
  "tools/aws-sim/src/load-balancing/change-targets.test.ts",
  "tools/aws-sim/src/s3/encryption.test.ts",
  "tools/aws-sim/src/s3/multipart.test.ts",
  "tools/aws-sim/src/ssm/rate-control.test.ts",
  "tools/aws-sim/src/ssm/run-command.test.ts",
  "tools/checks/architecture.test.ts",
  "tools/checks/event-doors.test.ts",
]);

describe("findUnnamedTests", () => {
  it("names tests without a source of their name next to them", () => {
    const paths = ["a/x.ts", "a/x.test.ts", "a/x.property.test.ts", "a/y.test.ts", "b/x.test-d.ts", "b/z.tsx"];

    expect(findUnnamedTests(new Set([...paths, "b/z.browser.test.tsx"]), new Set())).toEqual([
      "a/y.test.ts has no source of its name next to it: rename it, or call it *.promise.test.ts.",
      "b/x.test-d.ts has no source of its name next to it: rename it, or call it *.promise.test.ts.",
    ]);
  });

  it("leaves tests of promises and of whole parts alone", () => {
    const paths = [
      "a/crashes.promise.test.ts",
      "a/pages.promise.browser.test.tsx",
      "a/readme.int.test.ts",
      "a/e2e/life.test.ts",
    ];

    expect(findUnnamedTests(new Set(paths), new Set())).toEqual([]);
  });

  it("wants the line of a file to go that needs none", () => {
    expect(
      findUnnamedTests(new Set(["a/x.ts", "a/x.test.ts", "a/y.test.ts"]), new Set(["a/x.test.ts", "a/y.test.ts"])),
    ).toEqual(["a/x.test.ts is not an exception any longer: remove its line."]);
  });

  it("finds nothing in this repository", () => {
    expect(findUnnamedTests(new Set(listPaths(repositoryRoot)), LISTED)).toEqual([]);
  });
});
