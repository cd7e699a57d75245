import { StackyardError } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { aFailedReceipt, createFakeReader } from "./testing/fake-reader.ts";
import { createRecordingLogger } from "./testing/recording-logger.ts";
import { createVisibilityKeeper } from "./visibility-keeper.ts";

const VISIBILITY_MS = 60_000;
const HOUR = 3_600_000;

function createBench() {
  const clock = createFakeClock();
  const reader = createFakeReader();
  const logger = createRecordingLogger();
  return {
    clock,
    reader,
    logger,
    keeper: createVisibilityKeeper({ clock, reader, logger, visibilityMs: VISIBILITY_MS }),
  };
}

describe("createVisibilityKeeper", () => {
  it("extends what is held at a third of the time, all in one request", async () => {
    const { clock, reader, keeper } = createBench();
    keeper.hold("a");
    keeper.hold("b");

    await clock.advance(19_999);
    expect(reader.hidden).toEqual([]);
    await clock.advance(1);

    expect(reader.hidden).toEqual(["a for 60000", "b for 60000"]);
  });

  it("extends no more what was let go, and sleeps when nothing is held", async () => {
    const { clock, reader, keeper } = createBench();
    keeper.hold("a");
    keeper.hold("b");
    keeper.release("a");
    await clock.advance(20_000);
    keeper.release("b");

    await clock.advance(HOUR);

    expect(reader.hidden).toEqual(["b for 60000"]);
    expect(clock.nextWakeAt()).toBeUndefined();
  });

  it("begins again for what is held later", async () => {
    const { clock, reader, keeper } = createBench();
    keeper.hold("a");
    keeper.release("a");
    keeper.hold("b");

    await clock.advance(20_000);

    expect(reader.hidden).toEqual(["b for 60000"]);
  });

  it("goes on after a request that failed", async () => {
    const { clock, reader, logger, keeper } = createBench();
    reader.failNext(new Error("No."), [aFailedReceipt("a", false)]);
    keeper.hold("a");

    await clock.advance(60_000);

    expect(reader.hidden).toHaveLength(3);
    expect(logger.lines).toEqual([
      "warn The visibility of messages could not be extended.",
      "warn The visibility of a message could not be extended; it may be delivered again.",
    ]);
  });

  it("asks no more where the role may not extend, and says what to allow", async () => {
    const { clock, reader, logger, keeper } = createBench();
    reader.failNext(new StackyardError("FORBIDDEN", "No."));
    keeper.hold("a");

    await clock.advance(HOUR);

    expect(reader.hidden).toHaveLength(1);
    expect(logger.lines).toEqual([expect.stringContaining("allow sqs:ChangeMessageVisibility")]);
    keeper.release("a");
  });

  it("lets a delivery go that is over", async () => {
    const { clock, reader, logger, keeper } = createBench();
    reader.failNext([aFailedReceipt("a", true)]);
    keeper.hold("a");
    keeper.hold("b");

    await clock.advance(40_000);

    expect(reader.hidden).toEqual(["a for 60000", "b for 60000", "b for 60000"]);
    expect(logger.lines).toHaveLength(1);
  });

  it("says nothing of a delivery that was acknowledged meanwhile", async () => {
    const { clock, reader, logger } = createBench();
    const keeper = createVisibilityKeeper({
      clock,
      logger,
      visibilityMs: VISIBILITY_MS,
      reader: {
        queueUrl: reader.queueUrl,
        async hide() {
          keeper.release("a");
          return [aFailedReceipt("a", true)];
        },
      },
    });
    keeper.hold("a");

    await clock.advance(20_000);

    expect(logger.lines).toEqual([]);
  });

  it("never asks for more than twelve hours after the receive, and says when they are over", async () => {
    const { clock, reader, logger, keeper } = createBench();
    keeper.hold("a");

    await clock.advance(12 * HOUR);

    expect(reader.hidden.slice(-2)).toEqual(["a for 40000", "a for 20000"]);
    expect(logger.lines).toEqual([
      "warn A message was hidden for twelve hours, the most that SQS allows; it is delivered again.",
    ]);
  });
});
