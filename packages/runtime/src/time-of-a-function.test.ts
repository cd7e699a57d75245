import { HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { createAwsAccess, findDeadline } from "@stackyard/aws";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { createApp } from "./app.ts";
import { silentTelemetry } from "./testing/silent-telemetry.ts";

/** An app whose function makes one call with a role that stays denied. */
function createDeniedApp(clock: ReturnType<typeof createFakeClock>) {
  const sim = createAwsSim({ clock, iamDelayMs: Number.POSITIVE_INFINITY });
  const credentials = sim.iam.addUser({ account: "111122223333", name: "runner" });
  const plugins = [createSimPlugin(sim)];
  const access = createAwsAccess({ clock, credentials, region: "eu-west-1", plugins, session: { name: "runner" } });
  const s3 = access.client(S3Client, undefined);
  return createApp(
    { clock, telemetry: silentTelemetry },
    {
      service: "task-runner",
      open: async () => ({}),
      createHandler: () => async () => {
        const deadlineAt = findDeadline();
        const failure = await s3.send(new HeadBucketCommand({ Bucket: "own" })).catch((error: Error) => error);
        return { deadlineAt, failure, deniedAt: clock.now() };
      },
      run: async () => undefined,
      close: async () => undefined,
    },
  );
}

/** Plays a call in an invocation that has so long, and returns what it has noted. Time passes while the call waits. */
async function playDeniedCall(leftMs: number) {
  const clock = createFakeClock();
  const startedAt = clock.now();
  const { handler } = createDeniedApp(clock);
  let answer: Record<string, number | Error> | undefined;
  void handler({}, { getRemainingTimeInMillis: () => leftMs }).then((given) => {
    answer = Object(given);
  });
  while (answer === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1_000);
  }
  return { ...answer, startedAt };
}

describe("the function of a task runner", () => {
  // The first call loads modules; how much time passes by the clock meanwhile depends on the machine.
  beforeAll(() => playDeniedCall(60_000));

  it.each([
    ["15 minutes", 900_000, [110_000, 121_000]],
    ["a minute", 60_000, [30_000, 40_000]],
  ])("with %s repeats a denied call only as long as its result can be written", async (_what, leftMs, when) => {
    const { startedAt, ...answer } = await playDeniedCall(leftMs);

    // The worker needs its last seconds for its own calls.
    expect(answer).toMatchObject({ failure: { message: expect.stringContaining("may lack s3:ListBucket on own.") } });
    const { deadlineAt, deniedAt } = Object(answer);
    expect(deadlineAt).toBeUndefined();
    expect(deniedAt - startedAt).toBeGreaterThan(when[0] ?? 0);
    expect(deniedAt - startedAt).toBeLessThanOrEqual(when[1] ?? 0);
  });
});
