import { describe, expect, it } from "vitest";
import { toLogsUrl, toOutputs } from "./outputs.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

describe("toOutputs", () => {
  it("has the first bad exit code of each container, and spans all tasks", () => {
    const tasks = [
      { taskArn: "t1", startedAt: at(5), stoppedAt: at(9), containers: [{ name: "app", exitCode: 0 }] },
      { taskArn: "t2", createdAt: at(1), stoppedAt: at(20), containers: [{ name: "app", exitCode: 4 }, { name: "b" }] },
    ];
    const failures = [{ code: "ECS_EXIT_CODE", taskArn: "t2", container: "app", exitCode: 4 }] as const;

    expect(toOutputs({ tasks, taskArns: ["t1", "t2"], failures, definition: undefined, container: undefined })).toEqual(
      {
        taskArns: '["t1","t2"]',
        exitCode: 4,
        "exitCodes.app": 4,
        startedAt: "2026-01-01T00:00:01.000Z",
        stoppedAt: "2026-01-01T00:00:20.000Z",
        duration: 19,
      },
    );
  });

  it("leaves out unknown values", () => {
    const failures = [{ code: "ECS_TASK_NOT_STARTED", taskArn: "t1" }] as const;

    expect(
      toOutputs({
        tasks: [{ taskArn: "t1" }],
        taskArns: ["t1"],
        failures,
        definition: undefined,
        container: undefined,
      }),
    ).toEqual({
      taskArns: '["t1"]',
    });
  });

  it("has the exit code 0 of what was stopped from outside, unless ECS does not show a task", () => {
    const tasks = [{ taskArn: "t1", containers: [{ name: "app", exitCode: 0 }] }];
    const failures = [{ code: "ECS_TASK_STOPPED", taskArn: "t1", stopCode: "UserInitiated" }] as const;

    const outputs = toOutputs({ tasks, taskArns: ["t1"], failures, definition: undefined, container: undefined });
    const partly = toOutputs({ tasks, taskArns: ["t1", "t2"], failures, definition: undefined, container: undefined });

    expect([outputs["exitCode"], partly["exitCode"]]).toEqual([0, undefined]);
  });

  it("gives the exit code of the named container", () => {
    const containers = [
      { name: "app", exitCode: 0 },
      { name: "report", exitCode: 9 },
    ];

    const input = { tasks: [{ containers }], taskArns: ["t1"], failures: [], definition: undefined };

    const outputs = toOutputs({ ...input, container: "report" });

    expect(outputs).toMatchObject({ exitCode: 9, "exitCodes.app": 0, "exitCodes.report": 9 });
  });
});

describe("toLogsUrl", () => {
  const stream = { kind: "stream", group: "/web app", stream: "ecs/app/1", region: undefined } as const;

  it.each([
    ["aws", "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"],
    ["aws-cn", "https://eu-west-1.console.amazonaws.cn/cloudwatch/home?region=eu-west-1"],
    ["aws-us-gov", "https://eu-west-1.console.amazonaws-us-gov.com/cloudwatch/home?region=eu-west-1"],
  ])("is the console's page in %s", (partition, base) => {
    expect(toLogsUrl(stream, `arn:${partition}:ecs:eu-west-1:1:task/web/1`)).toBe(
      `${base}#logsV2:log-groups/log-group/$252Fweb$2520app/log-events/ecs$252Fapp$252F1`,
    );
  });

  it("is not there without a stream or a console", () => {
    expect(toLogsUrl({ kind: "none", why: "x" }, "arn:aws:ecs:eu-west-1:1:task/web/1")).toBeUndefined();
    expect(toLogsUrl(stream, "arn:aws-iso:ecs:us-iso-east-1:1:task/web/1")).toBeUndefined();
  });
});
