import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkDefinition,
  describeForeign,
  isFargate,
  isRetryable,
  isTransientReason,
  type JudgedTask,
  judge,
  type TaskFailure,
  toPlacementMessage,
  toReasonText,
} from "./judge.ts";

const arn = "arn:aws:ecs:eu-west-1:111122223333:task/web/96052dc0aaaaaaaaaaaaaaaaaaaaaaaa";

function aTask(given: Partial<JudgedTask> = {}): JudgedTask {
  return {
    taskArn: arn,
    stopCode: "EssentialContainerExited",
    stoppedReason: "Essential container in task exited",
    containers: [{ name: "app", exitCode: 0 }],
    ...given,
  };
}

const stop = { stopCode: "EssentialContainerExited", stoppedReason: "Essential container in task exited" };

describe("judge", () => {
  it("takes zero exit codes after the end of an essential container for success", () => {
    expect(judge([aTask(), aTask()], "all")).toEqual({ kind: "ok" });
  });

  it("reports an exit code that is not zero, with the container's reason", () => {
    const containers = [
      { name: "app", exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" },
    ];

    expect(judge([aTask({ containers })], "all")).toEqual({
      kind: "failed",
      failures: [
        {
          code: "ECS_EXIT_CODE",
          taskArn: arn,
          container: "app",
          exitCode: 137,
          ...stop,
          reason: containers[0]?.reason,
        },
      ],
    });
  });

  it.each([undefined, null])("takes the exit code %s for a container that did not start", (exitCode) => {
    const containers = [{ name: "app", exitCode, reason: "CannotPullContainerError: no" }];
    const task = aTask({ stopCode: "TaskFailedToStart", stoppedReason: "Task failed to start", containers });

    expect(judge([task], "all")).toEqual({
      kind: "failed",
      failures: [
        {
          code: "ECS_TASK_NOT_STARTED",
          taskArn: arn,
          container: "app",
          stopCode: "TaskFailedToStart",
          stoppedReason: "Task failed to start",
          reason: "CannotPullContainerError: no",
        },
      ],
    });
  });

  it.each([
    "UserInitiated",
    "SpotInterruption",
    "TerminationNotice",
    "InfrastructureHealth",
    "ServiceSchedulerInitiated",
  ])("takes zero exit codes after %s for work that was ended early", (stopCode) => {
    expect(judge([aTask({ stopCode })], "all")).toEqual({
      kind: "failed",
      failures: [{ code: "ECS_TASK_STOPPED", taskArn: arn, stopCode, stoppedReason: stop.stoppedReason }],
    });
  });

  it("reports the exit code, not the stop, of an interrupted task that exited with an error", () => {
    const found = judge([aTask({ stopCode: "SpotInterruption", containers: [{ name: "app", exitCode: 143 }] })], "all");

    expect(found).toMatchObject({ failures: [{ code: "ECS_EXIT_CODE", exitCode: 143, stopCode: "SpotInterruption" }] });
  });

  it.each([[undefined], [null], [[]]])("takes a task with containers %j for one that did not start", (containers) => {
    expect(judge([aTask({ containers })], ["app"])).toMatchObject({
      kind: "failed",
      failures: [{ code: "ECS_TASK_NOT_STARTED", taskArn: arn }],
    });
  });

  it("does not take no tasks for success", () => {
    expect(judge([], "all")).toEqual({
      kind: "failed",
      failures: [{ code: "ECS_TASK_NOT_STARTED", taskArn: "", reason: "No task was started." }],
    });
  });

  it("checks every container, those of the given names, or the essential ones", () => {
    const containers = [
      { name: "app", exitCode: 0 },
      { name: "proxy", exitCode: 137 },
    ];
    const tasks = [aTask({ containers })];

    expect(judge(tasks, "all")).toMatchObject({ failures: [{ container: "proxy" }] });
    expect(judge(tasks, ["app"])).toEqual({ kind: "ok" });
    expect(judge(tasks, ["proxy"])).toMatchObject({ failures: [{ container: "proxy" }] });
    expect(judge(tasks, "essential", { all: ["app", "proxy"], essential: ["app"] })).toEqual({ kind: "ok" });
    expect(judge(tasks, "essential", { all: ["app", "proxy"], essential: ["app", "proxy"] })).toMatchObject({
      failures: [{ container: "proxy" }],
    });
    expect(judge(tasks, "essential")).toMatchObject({ failures: [{ container: "proxy" }] });
  });

  // aws/aws-cdk#32877, aws-containers/amazon-ecs-exec-checker#67: GuardDuty puts an agent into each task.
  it.each(["all", "essential"] as const)("never judges a container that the definition does not have: %s", (check) => {
    const agent = { name: "aws-guardduty-agent-mfjGLB", reason: "CannotPullContainerError" };
    const names = { all: ["app"], essential: ["app"] };

    expect(judge([aTask({ containers: [{ name: "app", exitCode: 0 }, agent] })], check, names)).toEqual({ kind: "ok" });
    expect(judge([aTask({ containers: [agent] })], check, names)).toMatchObject({ failures: [{ container: "app" }] });
  });

  it("names containers that the definition does not have, unless they ended with 0", () => {
    const names = { all: ["app"], essential: ["app"] };
    const containers = [
      { name: "app", exitCode: 1 },
      { name: "agent", reason: "CannotPullContainerError" },
      { name: "envoy", exitCode: 137 },
      { name: "done", exitCode: 0 },
    ];
    const tasks = [aTask({ containers }), aTask({ containers })];

    expect(describeForeign(tasks, names)).toEqual([
      '"agent" is not in the task definition, and was not judged (CannotPullContainerError).',
      '"envoy" is not in the task definition, and was not judged (exit code 137).',
    ]);
    expect(describeForeign(tasks, undefined)).toEqual([]);
  });

  it("leaves out containers that say of themselves that they are not essential", () => {
    const containers = [
      { name: "app", exitCode: 0, essential: true },
      { name: "proxy", exitCode: 137, essential: false },
    ];

    expect(judge([aTask({ containers })], "essential")).toEqual({ kind: "ok" });
  });

  it("misses a checked container that the task does not have", () => {
    expect(judge([aTask()], ["app", "gone"])).toMatchObject({
      failures: [{ code: "ECS_TASK_NOT_STARTED", container: "gone" }],
    });
  });

  it("lists all findings, what did not start first, then exit codes, then stops", () => {
    const found = judge(
      [
        aTask({ taskArn: "stopped", stopCode: "UserInitiated" }),
        aTask({ taskArn: "exit", containers: [{ name: "app", exitCode: 2 }] }),
        aTask({ taskArn: "not-started", containers: [{ name: "app" }, { name: "b", exitCode: 1 }] }),
        aTask({ taskArn: "ok" }),
      ],
      "all",
    );

    const codes = found.kind === "failed" ? found.failures.map(({ code, taskArn }) => [code, taskArn]) : [];
    expect(codes).toEqual([
      ["ECS_TASK_NOT_STARTED", "not-started"],
      ["ECS_EXIT_CODE", "exit"],
      ["ECS_EXIT_CODE", "not-started"],
      ["ECS_TASK_STOPPED", "stopped"],
    ]);
  });

  it("is content only with zero exit codes of every container and a stop of their own", () => {
    const stopCodes = ["EssentialContainerExited", "UserInitiated", "SpotInterruption", "TaskFailedToStart", undefined];
    const container = fc.record({ name: fc.constantFrom("a", "b"), exitCode: fc.constantFrom(0, 0, 0, 1, undefined) });
    const task = fc.record({
      taskArn: fc.constantFrom("t1", "t2"),
      stopCode: fc.constantFrom(...stopCodes),
      containers: fc.array(container, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(task, { maxLength: 4 }), (tasks) => {
        const outside = ["UserInitiated", "SpotInterruption"];
        const isWell = tasks.every(
          ({ stopCode = "", containers }) =>
            containers.length > 0 && containers.every(({ exitCode }) => exitCode === 0) && !outside.includes(stopCode),
        );
        expect(judge(tasks, "all").kind === "ok").toBe(tasks.length > 0 && isWell);
      }),
    );
  });
});

const arnCheckDefinition = "arn:aws:ecs:eu-west-1:111122223333:task-definition/api:7";
const networkConfiguration = { awsvpcConfiguration: { subnets: ["subnet-1"] } };

function aDefinition(given: object = {}) {
  return {
    taskDefinitionArn: arnCheckDefinition,
    status: "ACTIVE",
    containerDefinitions: [{ name: "app" }, { name: "proxy" }],
    ...given,
  };
}

describe("checkDefinition", () => {
  it.each([
    ["bridge", undefined],
    ["host", undefined],
    [undefined, undefined],
    ["awsvpc", networkConfiguration],
  ])("has nothing against the network mode %s with %j", (networkMode, network) => {
    expect(checkDefinition(aDefinition({ networkMode }), { networkConfiguration: network })).toBeUndefined();
  });

  it.each([
    ["awsvpc", {}, "The task definition api:7 has the network mode awsvpc: name subnets in its network configuration."],
    [
      "bridge",
      { networkConfiguration },
      "The task definition api:7 has the network mode bridge, which does not support a network configuration. Remove it.",
    ],
    [
      "host",
      { launchType: "FARGATE" },
      "The task definition api:7 has the network mode host, and Fargate needs awsvpc.",
    ],
    [
      undefined,
      { capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT" }], networkConfiguration },
      "The task definition api:7 has the network mode bridge, and Fargate needs awsvpc.",
    ],
  ])("rejects the network mode %s with %j", (networkMode, run, message) => {
    expect(checkDefinition(aDefinition({ networkMode }), run)).toEqual({ code: "ECS_NETWORK", message });
  });

  it.each(["INACTIVE", "DELETE_IN_PROGRESS"])("rejects a definition that is %s", (status) => {
    expect(checkDefinition(aDefinition({ status }), {})).toMatchObject({ code: "ECS_TASK_DEFINITION" });
  });

  it("rejects all names of overrides and checks that are not containers", () => {
    const overrides = { containerOverrides: [{ name: "app" }, { name: "db" }] };

    expect(checkDefinition(aDefinition(), { overrides, check: ["proxy", "cache", "db"] })).toEqual({
      code: "ECS_PROPERTIES_INVALID",
      message: 'No container is called "db", "cache" in api:7; it has "app", "proxy".',
    });
    expect(checkDefinition(aDefinition(), { check: "essential" })).toBeUndefined();
  });

  it("knows Fargate by launch type and by capacity provider", () => {
    expect(isFargate({ launchType: "FARGATE" })).toBe(true);
    expect(
      isFargate({ capacityProviderStrategy: [{ capacityProvider: "asg" }, { capacityProvider: "FARGATE" }] }),
    ).toBe(true);
    expect(isFargate({ launchType: "EC2" })).toBe(false);
    expect(isFargate({})).toBe(false);
  });
});

describe("isTransientReason", () => {
  it.each([
    "RESOURCE:MEMORY",
    "RESOURCE:CPU",
    "RESOURCE:ENI",
    "RESOURCE:FARGATE",
    "AGENT",
    "Capacity is unavailable at this time. Please try again later or in a different availability zone",
    "You've reached the limit on the number of tasks you can run concurrently",
    "You've reached the limit on the number of vCPUs you can run concurrently",
    "The cluster has reached the maximum number of tasks in the PROVISIONING state.",
    "You've reached the provisioning limit of the cluster.",
    "Rate exceeded",
    "No Container Instances were found in your cluster.",
    "Error retrieving subnet information for [subnet-1]: Rate exceeded (ErrorCode: Throttling)",
    "Error retrieving security group information for [sg-1]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)",
  ])("takes %s for something that passes", (reason) => {
    expect(isTransientReason(reason)).toBe(true);
  });

  it.each([
    undefined,
    "",
    "ATTRIBUTE",
    "LOCATION",
    "INACTIVE",
    "MISSING",
    "EMPTY CAPACITY PROVIDER",
    "MemberOf placement constraint unsatisfied.",
    "AGENTS",
  ])("takes %s for something that stays", (reason) => {
    expect(isTransientReason(reason)).toBe(false);
  });
});

describe("the text of a placement", () => {
  it("names reason, detail and place", () => {
    expect(toReasonText({ reason: "ATTRIBUTE", detail: "no GPU", arn: "arn:1" })).toBe("ATTRIBUTE (no GPU) arn:1");
    expect(toReasonText({})).toBe("no reason was reported");
  });

  it("reports equal reasons once", () => {
    expect(toPlacementMessage({ placed: 1, expected: 4 }, ["AGENT", "RESOURCE:CPU", "AGENT"])).toBe(
      "1 of 4 tasks found a place: 2 times AGENT; RESOURCE:CPU.",
    );
  });

  it("reports a missing reason", () => {
    expect(toPlacementMessage({ placed: 0, expected: 1 }, [])).toBe(
      "0 of 1 tasks found a place: ECS named neither tasks nor failures.",
    );
  });
});

const notStarted: TaskFailure = { code: "ECS_TASK_NOT_STARTED", taskArn: "t", container: "app" };

describe("isRetryable", () => {
  it.each([
    { ...notStarted, code: "ECS_TASK_STOPPED", stopCode: "SpotInterruption" } as const,
    { ...notStarted, code: "ECS_EXIT_CODE", exitCode: 143, stopCode: "TerminationNotice" } as const,
    { ...notStarted, stopCode: "InfrastructureHealth" },
    { ...notStarted, reason: "CannotPullContainerError: net/http: request canceled (Client.Timeout exceeded)" },
    { ...notStarted, stoppedReason: "CannotPullContainerError: i/o timeout" },
    { ...notStarted, stoppedReason: "Capacity is unavailable at this time." },
  ])("of %j", (failure) => {
    expect(isRetryable([failure])).toBe(true);
  });

  it.each([
    { ...notStarted, code: "ECS_EXIT_CODE", exitCode: 1, stopCode: "EssentialContainerExited" } as const,
    { ...notStarted, code: "ECS_TASK_STOPPED", stopCode: "UserInitiated" } as const,
    { ...notStarted, code: "ECS_EXIT_CODE", exitCode: 1, reason: "CannotPullContainerError: timeout" } as const,
    { ...notStarted, reason: "CannotPullContainerError: not found" },
    notStarted,
  ])("is not of %j", (failure) => {
    expect(isRetryable([failure])).toBe(false);
  });

  it("needs that of every failure", () => {
    const interrupted = { ...notStarted, stopCode: "SpotInterruption" };

    expect(isRetryable([interrupted, notStarted])).toBe(false);
    expect(isRetryable([interrupted, interrupted])).toBe(true);
    expect(isRetryable([])).toBe(false);
  });
});
