import { GetObjectCommand, HeadBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createAwsSim, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { createFakeClock, letTimePass } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAwsAccess } from "./aws-access.ts";
import { asProbe } from "./call-plugin.ts";
import { runOptional } from "./invocation.ts";
import { runInvocation } from "./lambda-context.ts";
import { isOptionalCall } from "./new-role.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };

/** A client whose calls are denied until an instant, counted from the start. */
function createWorld(deniedMs: number, options: { readonly retriesDenials?: boolean } = {}) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  sim.s3.createBucket({ ...PLACE, name: "own" });
  sim.s3.write("own", "a", "1");
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "function" });
  const plugins = [createSimPlugin(sim)];
  const session = { name: "test" };
  const access = createAwsAccess({
    clock,
    credentials,
    region: PLACE.region,
    plugins,
    session,
    maxAttempts: 1,
    ...options,
  });
  const until = clock.now() + deniedMs;
  let denied = 0;
  const deny = (operation: string) =>
    sim.once(operation, async (proceed) => {
      deny(operation);
      if (clock.now() >= until) return proceed();
      denied += 1;
      throw new SimFault("AccessDenied", 403, "Access Denied");
    });
  for (const operation of ["S3.HeadBucket", "S3.GetObject", "S3.PutObject"]) deny(operation);
  return { clock, s3: access.client(S3Client, undefined), denied: () => denied };
}

const head = () => new HeadBucketCommand({ Bucket: "own" });

describe("a denied call", () => {
  it("succeeds once the role is known", async () => {
    const { clock, s3, denied } = createWorld(60_000);

    await letTimePass(clock, s3.send(head()));

    expect(denied()).toBeGreaterThan(3);
  });

  it("is explained when the role stays denied, and is final from then on", async () => {
    const { clock, s3, denied } = createWorld(Number.POSITIVE_INFINITY);
    const message = "Access Denied. S3.HeadBucket was denied. The role may lack s3:ListBucket on own.";

    await expect(letTimePass(clock, s3.send(head()))).rejects.toMatchObject({ name: "AccessDenied", message });
    const tries = denied();
    await expect(letTimePass(clock, s3.send(head()))).rejects.toMatchObject({ message });

    expect(denied()).toBe(tries + 1);
  });

  it.each([
    ["of a command's user", { retriesDenials: false }, head],
    ["whose denial is an answer", {}, () => asProbe(new GetObjectCommand({ Bucket: "own", Key: "a" }))],
    ["of optional work", {}, head, runOptional],
    [
      "with a stream as its body",
      {},
      () => new PutObjectCommand({ Bucket: "own", Key: "a", Body: new ReadableStream() as never }),
    ],
  ] as const)("%s is not repeated", async (_which, options, toCommand, run: typeof runOptional = (work) => work()) => {
    const { clock, s3, denied } = createWorld(60_000, options);

    await expect(
      letTimePass(
        clock,
        run(() => s3.send(toCommand() as ReturnType<typeof head>)),
      ),
    ).rejects.toThrow();

    expect(denied()).toBeLessThanOrEqual(1);
  });

  it("is final before the function ends", async () => {
    const { clock, s3 } = createWorld(Number.POSITIVE_INFINITY);
    const startedAt = clock.now();
    const context = { getRemainingTimeInMillis: () => 80_000 };
    const kept = { limitsCalls: false, afterDenialsMs: 65_000 };
    const work = runInvocation(clock, context, () => s3.send(head()), kept);

    await expect(letTimePass(clock, work)).rejects.toMatchObject({ name: "AccessDenied" });

    expect(clock.now() - startedAt).toBeLessThanOrEqual(60_000);
    expect(clock.now() - startedAt).toBeGreaterThan(30_000);
  });

  it("of what makes a message come earlier is not repeated", () => {
    const changes = ["ChangeMessageVisibility", "ChangeMessageVisibilityBatch"];

    expect(changes.map((operation) => isOptionalCall({ service: "SQS", operation }))).toEqual([true, true]);
    expect(isOptionalCall({ service: "SQS", operation: "SendMessage" })).toBe(false);
  });
});
