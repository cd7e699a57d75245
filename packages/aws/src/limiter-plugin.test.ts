import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { createAwsSim, createSimPlugin, SimFault } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createAwsAccess } from "./aws-access.ts";
import type { LimitedCall, Limiter } from "./limiter.ts";

function createWorld() {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const told: string[] = [];
  const tell = (what: string, { account, region, service, operation }: LimitedCall): void =>
    void told.push([what, account, region, service, operation].join(" "));
  const limiter: Limiter = {
    acquire: async (call) => tell("call", call),
    noteThrottled: (call) => tell("throttled", call),
  };
  sim.iam.addRole({ account: "444455556666", name: "deployer" });
  const credentials = sim.iam.addUser({ account: "111122223333", name: "runner" });
  const access = createAwsAccess({
    clock,
    credentials,
    limiter,
    region: "us-east-1",
    session: { name: "runner" },
    maxAttempts: 3,
    plugins: [createSimPlugin(sim)],
    // The SDK's own limiter would wait in real time.
    clientConfig: { retryMode: "standard" },
  });
  return { sim, told, access };
}

const answer = () => Promise.resolve({ Functions: [] });

describe("every attempt", () => {
  it("is counted for the account and region that its credentials and client are of", async () => {
    const { sim, told, access } = createWorld();
    sim.once("Lambda.ListFunctions", answer);
    const target = { account: "444455556666", region: "eu-west-1", partition: "aws", role: "deployer" };

    await access.client(LambdaClient, target).send(new ListFunctionsCommand({}));

    expect(told).toEqual([
      "call own us-east-1 STS GetCallerIdentity",
      "call own us-east-1 STS AssumeRole",
      "call 444455556666 eu-west-1 Lambda ListFunctions",
    ]);
  });

  it("asks again when the SDK retries, after the limiter was told", async () => {
    const { sim, told, access } = createWorld();
    sim.once("Lambda.ListFunctions", () =>
      Promise.reject(new SimFault("TooManyRequestsException", 429, "Rate Exceeded.")),
    );
    sim.once("Lambda.ListFunctions", () => Promise.reject(new SimFault("ServiceException", 500, "x")));
    sim.once("Lambda.ListFunctions", answer);

    await access.client(LambdaClient, undefined).send(new ListFunctionsCommand({}));

    const call = "own us-east-1 Lambda ListFunctions";
    expect(told).toEqual([`call ${call}`, `throttled ${call}`, `call ${call}`, `call ${call}`]);
  });
});

describe("a call that waits for the limiter", () => {
  it("ends with its signal", async () => {
    const { sim } = createWorld();
    const clock = createFakeClock();
    const credentials = sim.iam.addUser({ account: "111122223333", name: "other" });
    const waiting: AbortSignal[] = [];
    const limiter: Limiter = {
      acquire: (_, signal) =>
        new Promise((_resolve, reject) => {
          if (signal === undefined) return;
          waiting.push(signal);
          signal.addEventListener("abort", () => reject(signal.reason));
          aborted.abort();
        }),
      noteThrottled() {},
    };
    const aborted = new AbortController();
    const access = createAwsAccess({
      clock,
      credentials,
      limiter,
      region: "us-east-1",
      session: { name: "runner" },
      plugins: [createSimPlugin(sim)],
    });

    const sending = access
      .client(LambdaClient, undefined)
      .send(new ListFunctionsCommand({}), { abortSignal: aborted.signal });

    await expect(sending).rejects.toMatchObject({ name: "AbortError" });
    expect(waiting).toHaveLength(1);
  });
});
