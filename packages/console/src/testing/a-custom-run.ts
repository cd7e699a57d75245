import type { CustomResourceRun } from "@stackyard/sdk";

/** Returns a failed request of CloudFormation, unless the changes say otherwise. */
export function aCustomRun(changes: Partial<CustomResourceRun> = {}): CustomResourceRun {
  return {
    id: "8236-r-1",
    requestId: "r-1",
    requestType: "Update",
    stackId: "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/0123",
    startedBy: {
      kind: "cloudformation",
      arn: "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/0123",
      stack: "shop",
      account: "111122223333",
      region: "eu-west-1",
      consoleUrl:
        "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/stackinfo?stackId=arn%3Aaws%3Acloudformation%3Aeu-west-1%3A111122223333%3Astack%2Fshop%2F0123",
    },
    logicalId: "Migration",
    resourceId: "0123456789abcdef0123456789abcdef",
    cluster: "web",
    taskDefinition: "arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate:42",
    taskArns: ["arn:aws:ecs:eu-west-1:111122223333:task/web/96052dc0123456789abcdef012345678"],
    receivedAt: "2026-11-20T03:00:00.000Z",
    startedAt: "2026-11-20T03:00:10.000Z",
    answeredAt: "2026-11-20T03:02:00.000Z",
    answer: {
      status: "FAILED",
      reason: "ECS_EXIT_CODE: task 96052dc0 container app exited with 1. Last lines: migrations/0042.sql:17 no room",
      physicalId: "0123456789abcdef0123456789abcdef",
      data: { Ran: "true", ExitCode: "1" },
    },
    ...changes,
  };
}
