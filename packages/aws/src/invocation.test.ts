import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { findDeadline, runTimed, waitForCall } from "./invocation.ts";
import { runInvocation } from "./lambda-context.ts";

const silent = () => new Promise<never>(() => undefined);
const failureOf = (work: Promise<unknown>) => work.catch((error: unknown) => String(Object(error).message));

describe("a call of timed work", () => {
  it("without an answer ends with the work's time, and is named", async () => {
    const clock = createFakeClock();
    const work = runTimed({ deadlineAt: clock.now() + 10_000 }, () => waitForCall(clock, "S3.GetObject", silent));
    const failure = failureOf(work.result);

    expect(work.unanswered()).toEqual(["S3.GetObject"]);
    await clock.advance(10_000);

    expect(await failure).toBe("S3.GetObject did not answer within 10 seconds.");
    expect(work.unanswered()).toEqual(["S3.GetObject"]);
  });

  it("that begins too late names the call that has taken the time", async () => {
    const clock = createFakeClock();
    const work = runTimed({ deadlineAt: clock.now() + 10_000 }, async () => {
      await waitForCall(clock, "S3.GetObject", silent).catch(() => "optional");
      return waitForCall(clock, "IAM.GetInstanceProfile", silent);
    });
    const failure = failureOf(work.result);
    await clock.advance(10_000);

    expect(await failure).toBe("IAM.GetInstanceProfile had no time left: S3.GetObject did not answer.");
  });

  it("names the call that it waits for itself", async () => {
    const clock = createFakeClock();
    const inner = () => waitForCall(clock, "STS.AssumeRole", silent);
    const work = runTimed({ deadlineAt: clock.now() + 90_000, callMs: 20_000 }, () =>
      waitForCall(clock, "SFN.StartExecution", inner),
    );
    const failure = failureOf(work.result);
    await clock.advance(20_000);

    expect(await failure).toBe("STS.AssumeRole did not answer within 20 seconds.");
  });

  it("may wait longer while its inner calls are tried again", async () => {
    const clock = createFakeClock();
    const inner = async () => {
      for (let tries = 0; tries < 10; tries += 1) {
        await waitForCall(clock, "STS.AssumeRole", async () => undefined);
        await clock.sleep(10_000);
      }
      return "assumed";
    };
    const work = runTimed({ callMs: 20_000 }, () => waitForCall(clock, "SFN.StartExecution", inner));
    await clock.advance(100_000);

    expect(await work.result).toBe("assumed");
  });
});

describe("an invocation", () => {
  it("lets calls end some seconds before it does", async () => {
    const clock = createFakeClock();
    const context = { getRemainingTimeInMillis: () => 60_000 };

    const deadline = await runInvocation(clock, context, async () => findDeadline());

    expect(deadline).toBe(clock.now() + 55_000);
    expect(await runInvocation(clock, {}, async () => findDeadline())).toBeUndefined();
  });

  it("can limit each call, so that others follow", async () => {
    const clock = createFakeClock();
    const context = { getRemainingTimeInMillis: () => 60_000 };
    const work = async () => [
      await failureOf(waitForCall(clock, "S3.GetObject", silent)),
      await waitForCall(clock, "SQS.SendMessage", async () => "sent"),
    ];

    const done = runInvocation(clock, context, work, { callMs: 15_000 });
    await clock.advance(15_000);

    expect(await done).toEqual(["S3.GetObject did not answer within 15 seconds.", "sent"]);
  });

  it("does not limit what it leaves behind", async () => {
    const clock = createFakeClock();
    const context = { getRemainingTimeInMillis: () => 60_000 };
    let later: Promise<unknown> = Promise.resolve();

    await runInvocation(clock, context, async () => {
      later = clock
        .sleep(90_000)
        .then(async () => [findDeadline(), await waitForCall(clock, "S3.GetObject", async () => "an answer")]);
    });
    await clock.advance(90_000);

    expect(await later).toEqual([undefined, "an answer"]);
  });
});
