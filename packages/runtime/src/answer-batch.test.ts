import { type Logger, silentLogger } from "@stackyard/core";
import type { FailedReceipt } from "@stackyard/transport-sqs";
import { describe, expect, it } from "vitest";
import { answerBatch } from "./answer-batch.ts";

const toResponse = (...ids: readonly string[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});

const queueArn = "arn:aws:sqs:eu-west-1:111122223333:stack-events";

function aBatch(messages: number, receiptOf = (index: number) => `r${index}`) {
  const toMessage = (_: unknown, index: number) => ({
    messageId: `m${index}`,
    receiptHandle: receiptOf(index),
    body: "{}",
    attributes: {},
    deliveries: 1,
  });
  return { queueArn, messages: Array.from({ length: messages }, toMessage) };
}

/** A yard whose mapping may read no answers. */
function createBench(remove: () => Promise<readonly FailedReceipt[]> = async () => []) {
  const deleted: unknown[] = [];
  const errors: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: (message, fields) => void errors.push([message, fields]) };
  const deleteWorked = (...call: unknown[]) => {
    deleted.push(call);
    return remove();
  };
  return { deps: { deleteWorked, logger }, deleted, errors };
}

const reads = { deleteWorked: undefined, logger: silentLogger };

describe("answerBatch", () => {
  it("names what must come again, where the mapping reads it", async () => {
    expect(await answerBatch(reads, aBatch(1), toResponse())).toEqual(toResponse());
    expect(await answerBatch(reads, aBatch(2), toResponse("m1"))).toEqual(toResponse("m1"));
  });

  it.each([1, 3])(
    "throws where none of %d messages could be processed, for mappings that read no answer",
    async (count) => {
      const { deps, deleted } = createBench();
      const ids = Array.from({ length: count }, (_, index) => `m${index}`);

      await expect(answerBatch(reads, aBatch(count), toResponse(...ids))).rejects.toThrow("see the log");
      await expect(answerBatch(deps, aBatch(count), toResponse(...ids))).rejects.toThrow("see the log");
      expect(deleted).toEqual([]);
    },
  );

  it("answers what was worked altogether", async () => {
    const { deps, deleted } = createBench();

    expect(await answerBatch(deps, aBatch(2), toResponse())).toEqual(toResponse());
    expect(deleted).toEqual([]);
  });

  it("deletes what was worked and throws, where the mapping may read no answer", async () => {
    const { deps, deleted, errors } = createBench();

    const answer = answerBatch(deps, aBatch(3), toResponse("m1"));

    await expect(answer).rejects.toMatchObject({ code: "SERVER_ERROR", message: expect.stringContaining("1 of 3") });
    expect([deleted, errors]).toEqual([[[queueArn, ["r0", "r2"]]], []]);
  });

  it("throws too where it cannot delete, and says so: better worked twice than lost", async () => {
    const denied = createBench(() => Promise.reject(new Error("AccessDenied")));
    const partly = createBench(async () => [
      { receiptHandle: "r0", code: "Invalid", reason: "expired", lasting: true },
    ]);

    await expect(answerBatch(denied.deps, aBatch(2), toResponse("m1"))).rejects.toThrow("1 of 2");
    await expect(answerBatch(partly.deps, aBatch(2), toResponse("m1"))).rejects.toThrow("1 of 2");

    const text = expect.stringContaining("could not be deleted");
    expect(denied.errors).toEqual([[text, expect.objectContaining({ error: expect.any(Error), count: 1 })]]);
    expect(partly.errors).toEqual([[text, expect.objectContaining({ reason: "expired", count: 1 })]]);
  });

  it("deletes nothing of a batch that was written by hand", async () => {
    const { deps, deleted } = createBench();

    await expect(
      answerBatch(
        deps,
        aBatch(2, () => ""),
        toResponse("m1"),
      ),
    ).rejects.toThrow("1 of 2");
    expect(deleted).toEqual([]);
  });
});
