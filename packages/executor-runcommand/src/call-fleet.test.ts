import { createFakeClock, settlePromises } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { AwsCallError, callFleet, type FleetAws, MAX_ATTEMPTS, toDelayMs } from "./call-fleet.ts";

function refusal(name: string, httpStatusCode = 400): Error {
  return Object.assign(new Error("Told to fail"), { name, $metadata: { httpStatusCode } });
}

const throttled = refusal("ThrottlingException");

/** Answers with each of these in turn, and repeats the last one; errors are thrown. */
function aCall(...answers: readonly unknown[]) {
  const calls: number[] = [];
  return {
    calls,
    what: "It could not be done.",
    async send(): Promise<unknown> {
      const answer = answers[Math.min(calls.length, answers.length - 1)];
      calls.push(calls.length);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

function anAws({ deadlineMs = 3_600_000, signal = new AbortController().signal } = {}) {
  const clock = createFakeClock();
  // Calls are the test's own; the clients are not asked.
  const aws = { clock, signal, deadlineAt: clock.now() + deadlineMs, random: () => 0.999_999 } as unknown as FleetAws;
  return { aws, clock };
}

async function letPass<Answer>(clock: ReturnType<typeof createFakeClock>, work: Promise<Answer>) {
  const settled = work.then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  );
  await settlePromises();
  while (clock.nextWakeAt() !== undefined) await clock.advance((clock.nextWakeAt() ?? 0) - clock.now());
  return settled;
}

describe("callFleet", () => {
  it("asks again after growing pauses until it is served", async () => {
    const { aws, clock } = anAws();
    const begunAt = clock.now();
    const call = aCall(throttled, throttled, throttled, "done");

    expect(await letPass(clock, callFleet(aws, call))).toEqual({ answer: "done" });
    expect(call.calls).toHaveLength(4);
    expect(clock.now() - begunAt).toBe(199 + 399 + 799);
  });

  it("gives up after ten tries, under the caller's code", async () => {
    const { aws, clock } = anAws();
    const call = { ...aCall(throttled), unavailable: "SSM_THROTTLED" };

    expect(await letPass(clock, callFleet(aws, call))).toEqual({
      error: expect.objectContaining({ code: "SSM_THROTTLED", retryable: true, awsName: "ThrottlingException" }),
    });
    expect(call.calls).toHaveLength(10);
  });

  it("does not wait past the deadline", async () => {
    const { aws, clock } = anAws({ deadlineMs: 1_000 });
    const call = aCall(throttled);

    expect(await letPass(clock, callFleet(aws, call))).toMatchObject({ error: { code: "AWS_UNAVAILABLE" } });
    expect(call.calls).toHaveLength(3);
  });

  it.each([
    ["InvalidDocument", 400, "INVALID_DOCUMENT"],
    ["InvalidInstanceID.NotFound", 400, "INVALID_INSTANCE_ID_NOT_FOUND"],
    ["AccessDeniedException", 400, "ACCESS_DENIED"],
    ["UnauthorizedOperation", 403, "ACCESS_DENIED"],
    ["ExpiredTokenException", 400, "ACCESS_DENIED"],
  ])("does not repeat %s", async (name, status, code) => {
    const { aws, clock } = anAws();
    const call = aCall(refusal(name, status));

    expect(await letPass(clock, callFleet(aws, call))).toMatchObject({ error: { code, retryable: false } });
    expect(call.calls).toHaveLength(1);
  });

  it("asks what became of a call whose answer may be lost, and repeats it only then", async () => {
    const { aws, clock } = anAws();
    const lost = refusal("InternalServerError", 500);
    const call = aCall(lost, lost, "done");
    const found: (string | undefined)[] = [undefined, "found"];

    const recover = async () => found.shift();

    expect(await letPass(clock, callFleet(aws, { ...call, recover }))).toEqual({ answer: "found" });
    expect(call.calls).toHaveLength(2);
  });

  it("asks also after the last try, whose answer may be lost like any other", async () => {
    const { aws, clock } = anAws();
    const call = aCall(refusal("InternalServerError", 500));
    const recover = async () => (call.calls.length === 10 ? "found" : undefined);

    expect(await letPass(clock, callFleet(aws, { ...call, recover }))).toEqual({ answer: "found" });
    expect(call.calls).toHaveLength(10);
  });

  it("knows that it was not served where nothing is found after the last try", async () => {
    const { aws, clock } = anAws();
    const call = { ...aCall(refusal("InternalServerError", 500)), recover: async () => undefined };

    expect(await letPass(clock, callFleet(aws, call))).toMatchObject({ error: { retryable: true, isOpen: false } });
  });

  it("reports an unknown outcome when no time is left to look it up", async () => {
    const { aws, clock } = anAws({ deadlineMs: 0 });
    const call = { ...aCall(refusal("InternalServerError", 500)), recover: async () => "found" };

    expect(await letPass(clock, callFleet(aws, call))).toMatchObject({ error: { retryable: true, isOpen: true } });
  });

  it("reports an unknown outcome when the lookup fails too", async () => {
    const { aws, clock } = anAws();
    const cause = new AwsCallError("AWS_UNAVAILABLE", "No list.", { retryable: true, cause: undefined });
    const call = { ...aCall(refusal("InternalServerError", 500)), recover: () => Promise.reject(cause) };

    expect(await letPass(clock, callFleet(aws, call))).toMatchObject({
      error: { code: "AWS_UNAVAILABLE", message: "No list.", retryable: true, isOpen: true },
    });
    expect(call.calls).toHaveLength(1);
  });

  it("does not look up the outcome after a rejection", async () => {
    const { aws, clock } = anAws();
    const recover = async () => "found";

    expect(await letPass(clock, callFleet(aws, { ...aCall(throttled, "done"), recover }))).toEqual({ answer: "done" });
  });

  it("ends with the signal, also while it waits", async () => {
    const abort = new AbortController();
    const { aws, clock } = anAws({ signal: abort.signal });
    const call = aCall(throttled);
    const work = callFleet(aws, call);
    const reason = new Error("The process stops.");
    await settlePromises();
    abort.abort(reason);

    expect(await letPass(clock, work)).toEqual({ error: reason });
    expect(call.calls).toHaveLength(1);
  });

  it("reports its purpose and the error of AWS, and keeps the cause", async () => {
    const { aws, clock } = anAws();
    const cause = refusal("InvalidDocument");

    const { error } = (await letPass(clock, callFleet(aws, aCall(cause)))) as { error: AwsCallError };

    expect(error).toBeInstanceOf(AwsCallError);
    expect(error.message).toContain("It could not be done. InvalidDocument: Told to fail.");
    expect(error.cause).toBe(cause);
  });
});

describe("toDelayMs", () => {
  it("doubles from 200 ms up to 20 s", () => {
    const longest = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => toDelayMs(index + 1, 0.999_999));

    expect(longest).toEqual([199, 399, 799, 1_599, 3_199, 6_399, 12_799, 19_999, 19_999]);
  });

  it("may be any part of it, so that callers do not come back together", () => {
    expect(toDelayMs(5, 0)).toBe(0);
    expect(toDelayMs(5, 0.5)).toBe(1_600);
  });
});
