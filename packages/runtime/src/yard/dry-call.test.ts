import { describe, expect, it } from "vitest";
import { evaluateDryCalls, tryDryCall } from "./dry-call.ts";

function failing(name: string, status = 400): () => Promise<never> {
  const error = Object.assign(new Error("No."), { name, $metadata: { httpStatusCode: status } });
  return () => Promise.reject(error);
}

const facts = { action: "sqs:SendMessage", resource: "stack-events", purpose: "sending events" };

describe("a dry call", () => {
  it.each([
    [() => Promise.resolve({}), "allowed"],
    [failing("ConditionalCheckFailedException"), "allowed"],
    [failing("AWS.SimpleQueueService.EmptyBatchRequest"), "allowed"],
    [failing("EmptyBatchRequestException"), "allowed"],
    [failing("AccessDenied", 403), "denied"],
    [failing("AccessDeniedException"), "denied"],
    [failing("ResourceNotFoundException"), "absent"],
    [failing("AWS.SimpleQueueService.NonExistentQueue"), "absent"],
    [failing("ThrottlingException"), "unclear"],
    [failing("SomethingElse"), "unclear"],
  ] as const)("determines from its answer (%#) that it is %s", async (call, kind) => {
    expect(await tryDryCall({ ...facts, call })).toMatchObject({ kind });
  });

  it("that is denied fails, says for what it is needed, and hides no other", () => {
    const found = evaluateDryCalls([
      { dry: facts, kind: "denied", why: "No." },
      { dry: { ...facts, action: "dynamodb:Scan" }, kind: "allowed", why: "" },
      { dry: { ...facts, action: "dynamodb:GetItem" }, kind: "allowed", why: "" },
      { dry: { ...facts, action: "dynamodb:Query" }, kind: "absent", why: "Gone." },
    ]);

    expect(found).toEqual([
      { check: "permissions", status: "ok", message: "Allowed: dynamodb:GetItem, dynamodb:Scan." },
      {
        check: "permissions",
        status: "fail",
        message: "sqs:SendMessage on stack-events is denied: sending events will not work.",
        hint: "Allow it to the role or user under `identity`.",
      },
    ]);
  });

  it("that says neither is a warning", () => {
    expect(evaluateDryCalls([{ dry: facts, kind: "unclear", why: "Slow down." }])).toMatchObject([
      { status: "warn", message: expect.stringContaining("Slow down.") },
    ]);
  });
});
