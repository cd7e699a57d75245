import { describe, expect, it } from "vitest";
import { retryDelayMs, type Settlement, settleMessages } from "./settlement.ts";
import { aFailedReceipt, aNamed, createFakeReader, createRecordingLogger } from "./testing/builders.ts";

const REMOVE: Settlement = { kind: "remove" };

function createBench() {
  const reader = createFakeReader();
  const logger = createRecordingLogger();
  const released: string[] = [];
  const keeper = { hold: () => {}, release: (receipt: string) => void released.push(receipt) };
  const settle = (settlements: Readonly<Record<string, Settlement>>) => {
    const messages = Object.entries(settlements).map(([name, settlement]) => ({ incoming: aNamed(name), settlement }));
    return settleMessages({ reader, keeper, logger }, messages);
  };
  return { reader, logger, released, settle };
}

describe("settleMessages", () => {
  it("removes, gives back after a time, and leaves to the visibility timeout", async () => {
    const { reader, released, settle } = createBench();

    await settle({
      a: REMOVE,
      b: { kind: "return", afterMs: 2_000 },
      c: { kind: "return", afterMs: undefined },
      d: { kind: "return", afterMs: 0 },
    });

    expect(reader.removed).toEqual(["a"]);
    expect(reader.hidden).toEqual(["b for 2000", "d for 0"]);
    expect(released).toEqual(["a", "b", "c", "d"]);
  });

  it("asks again for those that were not deleted", async () => {
    const { reader, logger, settle } = createBench();
    reader.failNext([aFailedReceipt("b", false)]);

    await settle({ a: REMOVE, b: REMOVE });

    expect(reader.removed).toEqual(["a", "b", "b"]);
    expect(logger.lines).toEqual([]);
  });

  it("gives up after three times, and says that the message comes again", async () => {
    const { reader, logger, settle } = createBench();
    reader.failNext(...[1, 2, 3].map(() => [aFailedReceipt("a", false)]));

    await settle({ a: REMOVE });

    expect(reader.removed).toEqual(["a", "a", "a"]);
    expect(logger.lines).toEqual(["warn A message could not be deleted; it is delivered again."]);
  });

  it("asks no more for a receipt that is over, as on FIFO queues after the visibility timeout", async () => {
    const { reader, logger, settle } = createBench();
    reader.failNext([aFailedReceipt("a", true)]);

    await settle({ a: REMOVE });

    expect(reader.removed).toEqual(["a"]);
    expect(logger.lines).toHaveLength(1);
  });

  it("never throws: a message that could not be settled is delivered again", async () => {
    const { reader, logger, settle } = createBench();
    reader.failNext(new Error("No."));

    await settle({ a: REMOVE });

    expect(logger.lines).toEqual(["warn Messages could not be acknowledged; they are delivered again."]);
  });
});

it("hides what fails longer and longer, and gives five deliveries over four minutes", () => {
  expect([1, 2, 3, 4, 5, 99].map(retryDelayMs)).toEqual([2_000, 15_000, 60_000, 180_000, 300_000, 300_000]);
});
