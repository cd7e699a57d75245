import { describe, expect, it } from "vitest";
import { StackyardError } from "../errors/stackyard-error.ts";
import { createFakeClock, settlePromises } from "../testing/fake-clock.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { groupStoreOutages } from "./store-outages.ts";

const away = new StackyardError("STORE_UNAVAILABLE", "Postgres does not answer: ECONNREFUSED.");

const GONE = /^The store does not answer\./;

function createBench() {
  const clock = createFakeClock(0);
  const inner = createRecordingLogger();
  let isAway = true;
  const check = () => (isAway ? Promise.reject(away) : Promise.resolve());
  const logger = groupStoreOutages({ logger: inner, clock, check });
  return {
    clock,
    inner,
    logger,
    async comeBack() {
      isAway = false;
      await clock.advance(1_000);
    },
  };
}

describe("groupStoreOutages", () => {
  it("says once that the store is gone, and once that it is back, with what has failed meanwhile", async () => {
    const { clock, inner, logger, comeBack } = createBench();

    for (let second = 0; second < 17; second += 1) {
      logger.error("Work could not be received from the store.", { error: away });
      logger.warn("The process could not write its heartbeat.", { error: new Error("No.", { cause: away }) });
      await clock.advance(1_000);
    }
    await comeBack();

    const failures = {
      "Work could not be received from the store.": 17,
      "The process could not write its heartbeat.": 17,
    };
    expect(inner.lines.filter(({ level }) => level !== "debug")).toEqual([
      { level: "error", message: expect.stringMatching(GONE), fields: { error: away } },
      { level: "warn", message: "The store answers again.", fields: { seconds: 18, failures } },
    ]);
    expect(inner.list("debug")).toHaveLength(34);
  });

  it("repeats each minute that the store is still away", async () => {
    const { clock, inner, logger } = createBench();

    logger.error("Work could not be received from the store.", { error: away });
    await clock.advance(150_000);

    expect(inner.list("error")).toEqual([
      expect.stringMatching(GONE),
      "The store still does not answer.",
      "The store still does not answer.",
    ]);
  });

  it("names a second outage again, and passes on what has another reason, also during one", async () => {
    const { inner, logger, comeBack } = createBench();

    logger.error("Work failed.", { error: away });
    logger.error("A service failed.", { error: new Error("Its own.") });
    logger.warn("Without an error.");
    await comeBack();
    logger.error("Work failed.", { error: away });
    await settlePromises();

    expect(inner.list("error")).toEqual([
      expect.stringMatching(GONE),
      "A service failed.",
      expect.stringMatching(GONE),
    ]);
    expect(inner.list("warn")).toEqual(["Without an error.", "The store answers again.", "The store answers again."]);
  });
});
