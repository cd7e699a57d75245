import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ResourceOutcome, type ResponseData, toResponse } from "./response.ts";

const ANSWERED_REQUEST = {
  StackId: "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/51af3dc0-da77-11e4-872e-1234567db123",
  RequestId: "afd8d7c5-9376-4013-8b3b-307517b8719e",
  LogicalResourceId: "Migration",
};
const DATA_KEYS = ["Ran", "Why", "TaskArn", "TaskArns", "TaskDefinitionArn", "Count", "ExitCode", "StartedBy"];
const ARN = "arn:aws:ecs:eu-west-1:111122223333:task/blue/0123456789abcdef0123456789abcdef";

function anOutcome(changes: Partial<ResourceOutcome> = {}): ResourceOutcome {
  return { status: "SUCCESS", code: "RUN", text: "1 task ended.", physicalResourceId: "f".repeat(32), ...changes };
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

describe("toResponse", () => {
  it("has the fields that CloudFormation knows, and no others", () => {
    const event = { ...ANSWERED_REQUEST, ResponseURL: "https://secret", ResourceProperties: { Password: "x" } };

    expect(toResponse(event, anOutcome({ data: { Ran: "true", Why: "RUN", Count: "1" } }))).toEqual({
      ...ANSWERED_REQUEST,
      Status: "SUCCESS",
      Reason: "RUN: 1 task ended.",
      PhysicalResourceId: "f".repeat(32),
      NoEcho: false,
      Data: {
        Ran: "true",
        Why: "RUN",
        TaskArn: "",
        TaskArns: "",
        TaskDefinitionArn: "",
        Count: "1",
        ExitCode: "",
        StartedBy: "",
      },
    });
  });

  it("has every key of Data, as text, also on failure and whatever it is given", () => {
    const data = { Count: 2, ExitCode: undefined, Password: "x" } as unknown as Partial<ResponseData>;
    const { Data } = toResponse(ANSWERED_REQUEST, anOutcome({ status: "FAILED", code: "ECS_TIMEOUT", data }));

    expect(Object.keys(Data)).toEqual(DATA_KEYS);
    expect(Data).toMatchObject({ Count: "2", ExitCode: "" });
  });

  it("formats a success in one line, and keeps the lines of a failure", () => {
    const text = "one\n  two\u0007\tthree";

    expect(toResponse(ANSWERED_REQUEST, anOutcome({ text })).Reason).toBe("RUN: one two  three");
    expect(toResponse(ANSWERED_REQUEST, anOutcome({ text, status: "FAILED" })).Reason).toBe("RUN: one\n  two  three");
  });

  it("cuts the reason first, as little as it can", () => {
    const arns = Array(10).fill(ARN).join(",");
    const cut = toResponse(
      ANSWERED_REQUEST,
      anOutcome({ status: "FAILED", text: "x".repeat(9_000), data: { TaskArns: arns } }),
    );

    expect(cut.Data.TaskArns).toBe(arns);
    expect(cut.Reason).toMatch(/^RUN: x{200,}…$/);
    expect(bytesOf(cut)).toBeLessThanOrEqual(4_096);
    expect(bytesOf(cut)).toBeGreaterThan(4_090);
  });

  it("cuts whole ARNs only once the reason has 200 characters", () => {
    const arns = Array(60).fill(ARN);
    const cut = toResponse(
      ANSWERED_REQUEST,
      anOutcome({ text: "x".repeat(9_000), data: { TaskArn: ARN, TaskArns: arns.join(",") } }),
    );

    expect(cut.Reason).toHaveLength(200);
    expect(cut.Data.TaskArn).toBe(ARN);
    expect(new Set(cut.Data.TaskArns.split(","))).toEqual(new Set([ARN]));
    expect(cut.Data.TaskArns.split(",").length).toBeGreaterThan(30);
    expect(bytesOf(cut)).toBeLessThanOrEqual(4_096);
  });

  it("leaves what fits alone", () => {
    const whole = toResponse(ANSWERED_REQUEST, anOutcome({ text: "" }));
    const room = 4_096 - bytesOf(whole);

    expect(toResponse(ANSWERED_REQUEST, anOutcome({ text: "y".repeat(room - 1) })).Reason).toBe(
      `RUN: ${"y".repeat(room - 1)}`,
    );
    expect(toResponse(ANSWERED_REQUEST, anOutcome({ text: "y".repeat(room + 1) })).Reason).toMatch(/y…$/);
  });

  it("counts bytes, and parts no character", () => {
    const { Reason } = toResponse(ANSWERED_REQUEST, anOutcome({ text: "😀".repeat(3_000) }));

    expect(Reason).toMatch(/^RUN: (?:😀)+…$/u);
    expect(Reason.isWellFormed()).toBe(true);
  });

  it("is never above 4,096 bytes and keeps the ids", () => {
    const text = fc.string({ unit: "binary", maxLength: 6_000 });
    const arns = fc.array(fc.constant(ARN), { maxLength: 100 });
    fc.assert(
      fc.property(
        text,
        arns,
        fc.string({ maxLength: 300 }),
        fc.constantFrom("SUCCESS", "FAILED"),
        (t, a, id, status) => {
          const outcome = anOutcome({ text: t, status, physicalResourceId: id, data: { TaskArns: a.join(",") } });
          const response = toResponse(ANSWERED_REQUEST, outcome);

          expect(bytesOf(response)).toBeLessThanOrEqual(4_096);
          expect(response).toMatchObject({ ...ANSWERED_REQUEST, PhysicalResourceId: id, Status: status });
          expect(Object.keys(response.Data)).toEqual(DATA_KEYS);
        },
      ),
      { numRuns: 200 },
    );
  });
});
