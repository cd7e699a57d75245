import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

/** An act that cannot be taken back, or that has an effect outside, and the fact that it is done by. */
interface Act {
  /** The command of AWS, without `Command`. */
  readonly act: string;
  /** The fact that must be known. */
  readonly by: string;
  /** What happens while the fact is not known: an error, a missing answer, a missing field. */
  readonly unknown: string;
}

const THROWS = "The error is thrown, and another try looks again.";
const ASKED = "A person or a caller asks for it; nothing is read before.";
const BY_NAME = "The name of the release's own group. A name that is missing is no group.";

/** Each act on AWS by its module. Missing answers that lead to an act are said in `unknown` with their reason. */
const ACTS: Readonly<Record<string, readonly Act[]>> = {
  "packages/aws/src/s3/s3-records.ts": [
    {
      act: "DeleteObject",
      by: "The ETag of the expired record or marker that was read.",
      unknown: "Nothing is deleted: the condition fails.",
    },
  ],
  "packages/consumer/src/copy/target-bucket.ts": [
    {
      act: "AbortMultipartUpload",
      by: "An id that this consumer began itself.",
      unknown: "It is aborted: the parts can be sent again.",
    },
  ],
  "packages/consumer/src/function/handle-record.ts": [
    {
      act: "DeleteObject",
      by: "The digest in the object's metadata, under its ETag.",
      unknown: "An object without a digest is of another writer, and stays.",
    },
  ],
  "packages/consumer/src/function/resources/adopt-bucket.ts": [
    {
      act: "DeleteBucket",
      by: "The tag by which this stack may empty the bucket.",
      unknown: "A bucket that may not be seen, or has no such tag, is kept.",
    },
    { act: "DeleteObjects", by: "The same tag.", unknown: "The same." },
  ],
  "packages/consumer/src/function/resources/keep-subscribed.ts": [
    {
      act: "Unsubscribe",
      by: "A listed subscription of this topic and this queue, whose stack is deleted.",
      unknown: THROWS,
    },
  ],
  "packages/consumer/src/function/resources/trigger-initial-set.ts": [
    {
      act: "StartExecution",
      by: "A creation or a changed version of the resource.",
      unknown: "A set is announced again, which changes nothing that is there.",
    },
  ],
  "packages/deployment/src/stack.ts": [
    { act: "CreateChangeSet", by: ASKED, unknown: THROWS },
    { act: "DeleteChangeSet", by: "The name of the change set that this command made.", unknown: THROWS },
    {
      act: "DeleteStack",
      by: "The status REVIEW_IN_PROGRESS or ROLLBACK_COMPLETE: the stack is empty.",
      unknown: "Nothing is deleted.",
    },
    { act: "ExecuteChangeSet", by: "A change set that is ready.", unknown: THROWS },
  ],
  "packages/distributor/src/initial-set/set-step.ts": [
    {
      act: "StartExecution",
      by: "A registered consumer without a running set.",
      unknown: "Nothing starts while the records cannot be read.",
    },
  ],
  "packages/distributor/src/retention.ts": [
    {
      act: "DeleteObject",
      by: "The record of coverage, with every record of consumers.",
      unknown: "Nothing is removed while one record or manifest cannot be read.",
    },
  ],
  "packages/distributor/src/subscriptions.ts": [
    {
      act: "Unsubscribe",
      by: "The owner of the subscription, and the answer of the organization about it.",
      unknown: "An owner that is not named, and an organization that does not answer, keep it.",
    },
  ],
  "packages/executor-asg/src/commands/deployer-place.ts": [
    { act: "StartExecution", by: ASKED, unknown: "The name makes a repeat find the same execution." },
  ],
  "packages/executor-asg/src/deploy/bucket-memory.ts": [
    { act: "DeleteObject", by: "A halt file that was obeyed.", unknown: THROWS },
  ],
  "packages/executor-asg/src/deploy/drain.ts": [
    {
      act: "DetachLoadBalancers",
      by: "The sources that the group lists.",
      unknown: "What is not listed stays attached, and the drain waits.",
    },
    { act: "DetachLoadBalancerTargetGroups", by: "The same.", unknown: "The same." },
  ],
  "packages/executor-asg/src/deploy/group-tags.ts": [
    { act: "DeleteTags", by: "The tags that the group has, by their own prefix.", unknown: THROWS },
  ],
  "packages/executor-asg/src/deploy/healing.ts": [
    {
      act: "AttachLoadBalancers",
      by: "The tags of the kept group.",
      unknown: "Without valid tags it is no group to return to.",
    },
    { act: "AttachLoadBalancerTargetGroups", by: "The same.", unknown: "The same." },
  ],
  "packages/executor-asg/src/deploy/launch.ts": [{ act: "PutMetricAlarm", by: BY_NAME, unknown: THROWS }],
  "packages/executor-asg/src/deploy/set-capacity.ts": [
    {
      act: "UpdateAutoScalingGroup",
      by: "The capacities of the release, or the tags of a kept group.",
      unknown: "Servers stay where the tags do not tell whether there was traffic.",
    },
  ],
  "packages/executor-asg/src/deploy/teardown.ts": [
    {
      act: "DeleteAlarms",
      by: "Alarms of the group's policies with the group's name.",
      unknown: "Those of others are left and named.",
    },
    {
      act: "DeleteAutoScalingGroup",
      by: "The id and the fencing token of its release. Known names are looked for again.",
      unknown: "Without force where no instance is listed; a group without an id is never touched.",
    },
    { act: "DeleteLaunchConfiguration", by: BY_NAME, unknown: "Auto Scaling refuses one that is in use." },
    {
      act: "DeleteLaunchTemplate",
      by: "The id of an older release in its tags, and no group of its name.",
      unknown: "A template without an id stays. One without a token is of a release under the same locks.",
    },
    { act: "DeletePlacementGroup", by: "The release's id in its tags.", unknown: "EC2 refuses one that is in use." },
  ],
  "packages/executor-asg/src/locks/lock-stores.ts": [
    {
      act: "DeleteObject",
      by: "The ETag of the lock.",
      unknown: "Stores without conditional deletes: the owner was read just before.",
    },
    {
      act: "DeleteItem",
      by: "The owner of the lock.",
      unknown: "The condition fails. A removal without one is a person's.",
    },
  ],
  "packages/executor-ecs/src/custom-resource/execution.ts": [
    {
      act: "StartExecution",
      by: "A request of CloudFormation.",
      unknown: "The name makes a repeat find the same execution.",
    },
  ],
  "packages/executor-ecs/src/start-tasks.ts": [
    {
      act: "RunTask",
      by: "The status of the stack (RunOnRollback) and the old definition (UpdateCriteria), where they decide.",
      unknown: "Nothing is run: it is asked again, and then the request fails with the reason.",
    },
  ],
  "packages/executor-ecs/src/task-order.ts": [
    {
      act: "StopTask",
      by: "The tasks of the run, and those that ECS lists for it.",
      unknown: "Known tasks are stopped though they may not be listed: their resource goes.",
    },
  ],
  "packages/executor-lambda/src/invoke-in-aws.ts": [
    {
      act: "Invoke",
      by: "The task. An answer that is lost is a failure, retried as the task says.",
      unknown: "Answers that say that the work is done are not retried.",
    },
  ],
  "packages/executor-runcommand/src/fleet-calls.ts": [
    {
      act: "CancelCommand",
      by: "A person's cancel, an instance that EC2 says is gone, a command beyond its longest time.",
      unknown: "Without an answer of EC2 nothing is cancelled; an absence is looked at for a minute.",
    },
  ],
  "packages/executor-runcommand/src/fleet/lifecycle-action.ts": [
    {
      act: "CompleteLifecycleAction",
      by: "The end of the run for the instance.",
      unknown:
        "An instance that EC2 does not know is left to the hook. A run that ended without being known to be done abandons: nothing unconfigured takes traffic.",
    },
  ],
  "packages/executor-runcommand/src/send-chunks.ts": [
    {
      act: "SendCommand",
      by: "The record of what was sent.",
      unknown: "A lost answer is looked for by its comment before anything is sent again.",
    },
  ],
  "packages/runtime/src/yard/dry-call.ts": [
    {
      act: "DeleteItem",
      by: "A condition that never holds: only the permission is asked.",
      unknown: "Nothing is written.",
    },
    { act: "UpdateItem", by: "The same.", unknown: "The same." },
  ],
  "packages/sdk/src/artifacts/artifacts-client.ts": [{ act: "Invoke", by: ASKED, unknown: THROWS }],
  "packages/sdk/src/artifacts/upload-file.ts": [
    {
      act: "AbortMultipartUpload",
      by: "An id that this upload began itself.",
      unknown: "It is aborted: the file can be sent again.",
    },
  ],
  "packages/store-dynamodb/src/database.ts": [
    { act: "DeleteItem", by: "The version of the record.", unknown: "The condition fails." },
    { act: "UpdateItem", by: "The same.", unknown: "The same." },
  ],
  "packages/transport-sqs/src/queue-reader.ts": [
    { act: "DeleteMessageBatch", by: "Messages whose work was kept.", unknown: "The message comes again." },
  ],
};

const COMMAND =
  /new ((?:Delete|Terminate|Detach|Deregister|Unsubscribe|Run|Stop|Send(?=Command)|Cancel|Purge|Remove|Abort|Revoke|Disable|SetDesired|Update|Complete(?=Lifecycle)|Invoke|StartExecution|Attach|PutMetricAlarm|Modify|Execute|CreateChangeSet)[A-Za-z]*)Command\b/g;

/** Returns the commands that each module sends. */
function listActs(): Readonly<Record<string, readonly string[]>> {
  const files = globSync(["packages/*/src/**/*.ts", "apps/*/src/**/*.ts"], { cwd: repositoryRoot })
    .filter((file) => !/\.test\.ts$|\/testing\//.test(file))
    .toSorted();
  const found = files.map((file) => {
    const text = readFileSync(join(repositoryRoot, file), "utf8");
    return [file, [...new Set([...text.matchAll(COMMAND)].map(([, name = ""]) => name))].toSorted()] as const;
  });
  return Object.fromEntries(found.filter(([, acts]) => acts.length > 0));
}

describe("what is unknown does not act", () => {
  it("in each module that acts on AWS, whose acts are listed with their facts", () => {
    const listed = Object.entries(ACTS).map(([file, acts]) => [file, acts.map(({ act }) => act).toSorted()] as const);

    expect(listActs()).toEqual(Object.fromEntries(listed));
  });

  it.each(Object.entries(ACTS).flatMap(([file, acts]) => acts.map((each) => [file, each.act, each] as const)))(
    "%s says by what %s is done, and what happens without",
    (_file, _act, { by, unknown }) => {
      for (const text of [by, unknown]) expect(text).toMatch(/^[A-Z].+\.$/s);
    },
  );
});
