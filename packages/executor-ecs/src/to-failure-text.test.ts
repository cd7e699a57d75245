import { describe, expect, it } from "vitest";
import type { TaskFailure } from "./judge.ts";
import { toFailureText } from "./to-failure-text.ts";

const taskArn = "arn:aws:ecs:eu-west-1:111122223333:task/web/96052dc0aaaaaaaaaaaaaaaaaaaaaaaa";

function aFailure(given: Partial<TaskFailure> = {}): TaskFailure {
  return {
    code: "ECS_EXIT_CODE",
    taskArn,
    container: "app",
    exitCode: 1,
    stopCode: "EssentialContainerExited",
    ...given,
  };
}

function aTail(lines: readonly string[]) {
  return {
    taskArn,
    container: "app",
    tail: { kind: "lines", lines, next: undefined, group: "g", stream: "s" },
  } as const;
}

describe("toFailureText", () => {
  it("tells task, container, exit code, stop and the end of the log", () => {
    expect(toFailureText([aFailure()], { logs: [aTail(["a", "b"])] })).toBe(
      "task 96052dc0 container app exited with 1 (EssentialContainerExited). Last lines: a\nb",
    );
  });

  it("tells the reasons of the task and of the container", () => {
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

  it("tells a stop from outside", () => {
    expect(
      toFailureText([{ code: "ECS_TASK_STOPPED", taskArn, stopCode: "UserInitiated", stoppedReason: "enough" }]),
    ).toBe("task 96052dc0 was stopped from outside (UserInitiated). enough.");
  });

  it.each([
    ["CannotPullContainerError: x", "registry"],
    ["ResourceInitializationError: unable to pull secrets", "execution role"],
    ["OutOfMemoryError: Container killed due to memory usage", "raise its memory"],
    ["CannotStartContainerError: x", "entry point"],
    ["ContainerRuntimeTimeoutError: x", "did not answer in time"],
  ])("says what to do about %s", (reason, hint) => {
    expect(toFailureText([aFailure({ reason })])).toContain(hint);
    expect(toFailureText([aFailure({ stoppedReason: reason })])).toContain(hint);
  });

  it("gives a hint once for many failures, and says whose log it shows", () => {
    const other = taskArn.replace("96052dc0", "11112222");
    const reason = "CannotPullContainerError: x";
    const failures = [aFailure({ reason }), aFailure({ reason, taskArn: other })];

    const text = toFailureText(failures, { logs: [aTail(["a"])] });

    expect(text.split("Look at the image")).toHaveLength(2);
    expect(text).toContain("task 11112222");
    expect(text).toContain("Last lines of 96052dc0/app: a");
  });

  it("says why there is no log, and that a log is empty", () => {
    const none = {
      taskArn,
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
