import { createAwsAccess, findDeadline } from "@stackyard/aws";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { createApp } from "./app.ts";
import { silentTelemetry } from "./testing/silent-telemetry.ts";

/** An app whose function makes one call, with a role that stays denied, or without an answer. */
function createOneCallApp(clock: ReturnType<typeof createFakeClock>, isSilent = false) {
  const sim = createAwsSim({ clock, iamDelayMs: isSilent ? 0 : Number.POSITIVE_INFINITY });
  if (isSilent) sim.once("S3.HeadBucket", () => new Promise(() => undefined));
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

describe("the function of a task runner", () => {
  it.each([
    ["15 minutes", 900_000, 899_000, [110_000, 121_000]],
    ["a minute", 60_000, 59_000, [30_000, 45_000]],
  ])(
    "with %s repeats a denied call only as long as its result can be written",
    async (_what, leftMs, deadline, when) => {
      const clock = createFakeClock();
      const startedAt = clock.now();
      const { handler } = createOneCallApp(clock);

      let answer: Record<string, number | Error> | undefined;
      void handler({}, { getRemainingTimeInMillis: () => leftMs }).then((given) => {
        answer = Object(given);
      });
      while (answer === undefined) {
        await new Promise((resolve) => setImmediate(resolve));
        await clock.advance(1_000);
      }

      expect(answer["deadlineAt"]).toBe(startedAt + deadline);
      expect(Object(answer["failure"]).message).toContain("The role may lack s3:ListBucket on own.");
      const deniedMs = Number(answer["deniedAt"]) - startedAt;
      expect(deniedMs).toBeGreaterThan(when[0] ?? 0);
      expect(deniedMs).toBeLessThanOrEqual(when[1] ?? 0);
    },
  );

  // aws-cdk#2126, copilot-cli#4868: a function that is killed while it waits answers nothing.
  it("ends a call without an answer before the function is killed, and names it", async () => {
    const clock = createFakeClock();
    const startedAt = clock.now();
    const { handler } = createOneCallApp(clock, true);

    const failing = handler({}, { getRemainingTimeInMillis: () => 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await clock.advance(59_000);

    const { failure, deniedAt } = Object(await failing);
    expect(failure.message).toBe("S3.HeadBucket did not answer within 59 seconds.");
    expect(deniedAt - startedAt).toBe(59_000);
  });
});
