import type { CustomResourceRun } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { aCustomRun } from "../testing/a-custom-run.ts";
import {
  compareRequests,
  findEarlierSuccess,
  toReason,
  toRequestRows,
  toRequestStatus,
  toRequestSteps,
} from "./custom-run.ts";

const answered = aCustomRun();
const { answer, answeredAt: _at, ...running } = answered;
const { startedAt: _, ...starting } = running;
const now = Date.parse(running.receivedAt) + 600_000;

describe("toRequestStatus", () => {
  it.each<readonly [CustomResourceRun, string]>([
    [answered, "Failed"],
    [
      aCustomRun({
        answer: {
          ...answer,
          status: "SUCCESS",
          reason: "RUN: 1 task has ended.",
          physicalId: "i",
          data: { Ran: "true" },
        },
      }),
      "Succeeded",
    ],
    [
      aCustomRun({
        answer: { ...answer, status: "SUCCESS", reason: "DELETE: .", physicalId: "i", data: { Ran: "false" } },
      }),
      "Answered",
    ],
    [running, "Running"],
    [starting, "Starting"],
  ])("is %#", (run, word) => {
    expect(toRequestStatus(run).word).toBe(word);
  });
});

describe("a request", () => {
  it("splits the reason into its code and the text", () => {
    expect(toReason("ECS_EXIT_CODE: app exited with 1\nno room")).toEqual({
      code: "ECS_EXIT_CODE",
      message: "app exited with 1\nno room",
    });
    expect(toReason("no code")).toEqual({ code: "FAILED", message: "no code" });
  });

  it("shows what was received, run and answered", () => {
    expect(toRequestSteps(aCustomRun(), now).map(({ name, status, note }) => [name, status, note])).toEqual([
      ["Update", "succeeded", "decided after 10s"],
      ["1 task", "failed", "1m 50s"],
      ["Answer", "failed", "FAILED"],
    ]);
  });

  it("shows that CloudFormation still waits where no answer was sent (cloudfront-authorization-at-edge#192)", () => {
    expect(toRequestSteps(starting, now).map(({ name, status, note }) => [name, status, note])).toEqual([
      ["Update", "running", "10m"],
      ["Answer", "waiting", "CloudFormation waits"],
    ]);
    expect(toRequestRows(starting).map(({ name, bars }) => [name, bars[0]?.to])).toEqual([["Request", undefined]]);
  });
});

describe("findEarlierSuccess", () => {
  it("finds the newest earlier one of the same resource that has run tasks", () => {
    const success = { status: "SUCCESS" as const, reason: "RUN: .", physicalId: "i", data: { Ran: "true" } };
    const runs = [
      aCustomRun({ id: "1-later", answer: success }),
      aCustomRun({ id: "2-now" }),
      aCustomRun({ id: "3-other", resourceId: "other", answer: success }),
      aCustomRun({ id: "4-nothing", answer: { ...success, data: { Ran: "false" } } }),
      aCustomRun({
        id: "5-then",
        answer: success,
        taskDefinition: "arn:aws:ecs:eu-west-1:1:task-definition/migrate:41",
      }),
    ];
    const [, run = aCustomRun()] = runs;

    const then = findEarlierSuccess(run, runs);

    expect(then?.id).toBe("5-then");
    expect(compareRequests(then ?? run, run)).toEqual([
      { what: "Task definition", before: "migrate:41", now: "migrate:42" },
    ]);
  });
});
