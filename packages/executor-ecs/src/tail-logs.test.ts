import { CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { findSlowStep } from "@stackyard/core/testing";
import { mockClient } from "aws-sdk-client-mock";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { TaskFailure } from "./judge.ts";
import { boundLines, findLogStream, MAX_TAIL_BYTES, MAX_TAIL_LINES, tailLogs, toFailureText } from "./tail-logs.ts";

const client = mockClient(CloudWatchLogsClient);

afterAll(() => client.restore());
const deps = { logs: new CloudWatchLogsClient({ region: "eu-west-1" }), signal: new AbortController().signal };
const options = { "awslogs-group": "/web", "awslogs-stream-prefix": "ecs" };
const container = { name: "app", logConfiguration: { logDriver: "awslogs", options } };
const taskArn = "arn:aws:ecs:eu-west-1:111122223333:task/web/96052dc0";

function events(...messages: readonly string[]) {
  return messages.map((message) => ({ message }));
}

describe("tailLogs", () => {
  beforeEach(() => client.reset());

  it("reads the end of the container's stream", async () => {
    client
      .on(GetLogEventsCommand)
      .resolves({ events: events("a", "b"), nextForwardToken: "f1", nextBackwardToken: "b1" });
    client.on(GetLogEventsCommand, { nextToken: "b1" }).resolves({ events: [], nextBackwardToken: "b1" });

    const tail = await tailLogs(deps, { taskArn, container });

    expect(tail).toEqual({ kind: "lines", lines: ["a", "b"], next: "f1", group: "/web", stream: "ecs/app/96052dc0" });
    expect(client.commandCalls(GetLogEventsCommand)[0]?.args[0].input).toEqual({
      logGroupName: "/web",
      logStreamName: "ecs/app/96052dc0",
      limit: 50,
      startFromHead: false,
    });
  });

  it("goes back over pages that are empty although there is more", async () => {
    client.on(GetLogEventsCommand).resolves({ events: [], nextForwardToken: "f1", nextBackwardToken: "b1" });
    client.on(GetLogEventsCommand, { nextToken: "b1" }).resolves({ events: events("b"), nextBackwardToken: "b2" });
    client.on(GetLogEventsCommand, { nextToken: "b2" }).resolves({ events: events("a"), nextBackwardToken: "b2" });

    expect(await tailLogs(deps, { taskArn, container })).toMatchObject({ lines: ["a", "b"], next: "f1" });
  });

  it("continues where an earlier answer ended", async () => {
    client.on(GetLogEventsCommand, { nextToken: "f1" }).resolves({ events: events("c"), nextForwardToken: "f2" });
    client.on(GetLogEventsCommand, { nextToken: "f2" }).resolves({ events: events("d"), nextForwardToken: "f2" });

    expect(await tailLogs(deps, { taskArn, container, after: "f1" })).toMatchObject({ lines: ["c", "d"], next: "f2" });
  });

  it("counts new lines that are left out", async () => {
    const many = Array.from({ length: 70 }, (_, index) => `line ${index}`);
    client.on(GetLogEventsCommand, { nextToken: "f1" }).resolves({ events: events(...many), nextForwardToken: "f1" });

    expect(await tailLogs(deps, { taskArn, container, after: "f1" })).toMatchObject({
      lines: many.slice(20),
      skipped: 20,
    });
  });

  it("reads a run of line ends in linear time", async () => {
    const slow = await findSlowStep(
      (chars) => `a${"\n".repeat(chars)}b`,
      async (text) => {
        client.on(GetLogEventsCommand).resolves({ events: events(text), nextForwardToken: "f1" });
        await tailLogs(deps, { taskArn, container });
      },
    );

    expect(slow).toBeUndefined();
  });

  it("is empty without a client", async () => {
    const noClient = {
      get logs(): never {
        throw new Error("No AWS.");
      },
      signal: deps.signal,
    };

    expect(await tailLogs(noClient, { taskArn, container })).toEqual({
      kind: "none",
      why: "the log /web ecs/app/96052dc0 could not be read (Error)",
    });
  });

  it("masks lines, splits messages, and removes control characters", async () => {
    client.on(GetLogEventsCommand).resolves({ events: events("\u001b[31mpw\r\n", "x\ny\tz\n") });

    const tail = await tailLogs(deps, { taskArn, container, mask: (line) => line.replaceAll("pw", "***") });

    expect(tail).toMatchObject({ lines: ["[31m***", "x", "y\tz"] });
  });

  it.each([
    ["ResourceNotFoundException", "the log stream /web ecs/app/96052dc0 does not exist"],
    [
      "AccessDeniedException",
      "the log /web ecs/app/96052dc0 could not be read (AccessDeniedException); allow logs:GetLogEvents",
    ],
    ["ThrottlingException", "the log /web ecs/app/96052dc0 could not be read (ThrottlingException)"],
  ])("reports why lines are missing after %s", async (name, why) => {
    client.on(GetLogEventsCommand).rejects(Object.assign(new Error("no"), { name }));

    expect(await tailLogs(deps, { taskArn, container })).toEqual({ kind: "none", why });
  });

  it("says that another driver's log is elsewhere", async () => {
    const tail = await tailLogs(deps, {
      taskArn,
      container: { name: "app", logConfiguration: { logDriver: "splunk" } },
    });

    expect(tail).toEqual({ kind: "none", why: "container app logs with splunk, not awslogs" });
    expect(client.calls()).toEqual([]);
  });
});

describe("a log in another region", () => {
  it("is not read, and its address is reported", async () => {
    client.reset();
    const logConfiguration = { logDriver: "awslogs", options: { ...options, "awslogs-region": "us-east-1" } };

    const tail = await tailLogs(deps, { taskArn, container: { name: "app", logConfiguration } });

    expect(tail).toEqual({ kind: "none", why: "its log /web is in us-east-1" });
    expect(client.calls()).toEqual([]);
  });
});

describe("boundLines", () => {
  it("keeps the last ones", () => {
    const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`);

    expect(boundLines(lines)).toEqual(lines.slice(10));
    expect(boundLines(lines, 3)).toEqual(lines.slice(57));
    expect(boundLines(lines, 0)).toEqual([]);
  });

  it("keeps the end of a line that does not fit", () => {
    const [line = ""] = boundLines([`${"ä".repeat(9_000)}END`]);

    expect(line).toMatch(/^…ä+END$/);
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_TAIL_BYTES);
  });

  it("never has more lines or bytes than a tail may have, and always the last line's end", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "grapheme", maxLength: 4_000 }), { minLength: 1, maxLength: 80 }),
        (lines) => {
          const kept = boundLines(lines);

          expect(kept.length).toBeLessThanOrEqual(MAX_TAIL_LINES);
          expect(Buffer.byteLength(kept.join("\n"))).toBeLessThanOrEqual(MAX_TAIL_BYTES);
          if (kept.length > 1) expect(kept).toEqual(lines.slice(-kept.length));
        },
      ),
      { numRuns: 50 },
    );
  });
});

const logOptions = { "awslogs-group": "/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "ecs" };

describe("findLogStream", () => {
  it("is prefix, container and task id", () => {
    expect(
      findLogStream({ name: "app", logConfiguration: { logDriver: "awslogs", options: logOptions } }, taskArn),
    ).toEqual({
      kind: "stream",
      group: "/web",
      stream: "ecs/app/96052dc0",
      region: "eu-west-1",
    });
  });

  it("takes task ARNs of the old form", () => {
    const container = { name: "app", logConfiguration: { logDriver: "awslogs", options: logOptions } };

    expect(findLogStream(container, "arn:aws:ecs:eu-west-1:111122223333:task/96052dc0")).toMatchObject({
      stream: "ecs/app/96052dc0",
    });
  });

  it.each([
    [{ name: "app" }, "container app has no log configuration"],
    [
      { name: "app", logConfiguration: { logDriver: "awsfirelens" } },
      "container app logs with awsfirelens, not awslogs",
    ],
    [{ name: "app", logConfiguration: { logDriver: "awslogs" } }, "container app names no awslogs-group"],
    [
      { name: "app", logConfiguration: { logDriver: "awslogs", options: { "awslogs-group": "/web" } } },
      "container app has no awslogs-stream-prefix",
    ],
    [undefined, "container  has no log configuration"],
  ])("says why %j has none", (container, why) => {
    expect(findLogStream(container, taskArn)).toEqual({ kind: "none", why });
  });
});

const failedTaskArn = "arn:aws:ecs:eu-west-1:111122223333:task/web/96052dc0aaaaaaaaaaaaaaaaaaaaaaaa";

function aFailure(given: Partial<TaskFailure> = {}): TaskFailure {
  return {
    code: "ECS_EXIT_CODE",
    taskArn: failedTaskArn,
    container: "app",
    exitCode: 1,
    stopCode: "EssentialContainerExited",
    ...given,
  };
}

function aTail(lines: readonly string[]) {
  return {
    taskArn: failedTaskArn,
    container: "app",
    tail: { kind: "lines", lines, next: undefined, group: "g", stream: "s" },
  } as const;
}

describe("toFailureText", () => {
  it("reports task, container, exit code, stop and the end of the log", () => {
    expect(toFailureText([aFailure()], { logs: [aTail(["a", "b"])] })).toBe(
      "task 96052dc0 container app exited with 1 (EssentialContainerExited). Last lines: a\nb",
    );
  });

  it("reports the reasons of the task and of the container", () => {
    const { exitCode: _, ...failure } = aFailure({
      code: "ECS_TASK_NOT_STARTED",
      stopCode: "TaskFailedToStart",
      stoppedReason: "Task failed to start",
      reason: "CannotStartContainerError: no such file.",
    });

    expect(toFailureText([failure])).toBe(
      "task 96052dc0 container app has no exit code (TaskFailedToStart). Task failed to start. CannotStartContainerError: no such file. Look at the command, the entry point and the container's user, mounts and limits.",
    );
  });

  it("reports a stop from outside", () => {
    expect(
      toFailureText([
        { code: "ECS_TASK_STOPPED", taskArn: failedTaskArn, stopCode: "UserInitiated", stoppedReason: "enough" },
      ]),
    ).toBe("task 96052dc0 was stopped from outside (UserInitiated). enough.");
  });

  it.each([
    ["CannotPullContainerError: x", "registry"],
    ["ResourceInitializationError: unable to pull secrets", "execution role"],
    ["OutOfMemoryError: Container killed due to memory usage", "raise its memory"],
    ["CannotStartContainerError: x", "entry point"],
    ["ContainerRuntimeTimeoutError: x", "did not respond in time"],
  ])("says what to do about %s", (reason, hint) => {
    expect(toFailureText([aFailure({ reason })])).toContain(hint);
    expect(toFailureText([aFailure({ stoppedReason: reason })])).toContain(hint);
  });

  it("gives a hint once for many failures, and says whose log it shows", () => {
    const other = failedTaskArn.replace("96052dc0", "11112222");
    const reason = "CannotPullContainerError: x";
    const failures = [aFailure({ reason }), aFailure({ reason, taskArn: other })];

    const text = toFailureText(failures, { logs: [aTail(["a"])] });

    expect(text.split("Look at the image")).toHaveLength(2);
    expect(text).toContain("task 11112222");
    expect(text).toContain("Last lines of 96052dc0/app: a");
  });

  it("reports why a log is missing, and that a log is empty", () => {
    const none = {
      taskArn: failedTaskArn,
      container: "app",
      tail: { kind: "none", why: "container app logs with fluentd, not awslogs" },
    } as const;

    expect(toFailureText([aFailure()], { logs: [none] })).toContain(
      "No log: container app logs with fluentd, not awslogs.",
    );
    expect(toFailureText([aFailure()], { logs: [aTail([])] })).toContain("Its log is empty.");
  });

  it("keeps within its limit", () => {
    const text = toFailureText([aFailure()], { logs: [aTail(["x".repeat(9_000)])], maxChars: 200 });

    expect(text).toHaveLength(200);
    expect(text).toMatch(/^task 96052dc0 .*…$/);
  });
});
