import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { defineExecutor, silentLogger, succeeded } from "@stackyard/core";
import { createMemoryStore, createWorker } from "@stackyard/core/engine";
import { aDispatch, aPut, countingIds, createFakeClock } from "@stackyard/core/testing";
import { Type } from "typebox";
import { expect, it } from "vitest";

const ID = "s1/created/1/plan/1";
const LEASE_MS = 30_000;

it.each([
  ["does not try again a request that was cut off while another worker took the attempt", true, 1],
  ["tries again a request that was cut off, while it has the attempt", false, 2],
])("a worker that was frozen %s", async (_, isTaken, tries) => {
  const clock = createFakeClock();
  const memory = createMemoryStore();
  let isFrozen = false;
  const renew: typeof memory.renew = async (...given) => {
    if (isFrozen) throw new Error("A frozen process sends nothing.");
    return memory.renew(...given);
  };
  const store = { ...memory, renew };
  const executor = defineExecutor({
    name: "work",
    config: Type.Object({}),
    async start(ctx) {
      await ctx.aws(LambdaClient).send(new ListFunctionsCommand({}));
      return succeeded({});
    },
  });
  let sent = 0;
  const config = {
    region: "eu-west-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    requestHandler: {
      async handle() {
        sent += 1;
        isFrozen = isTaken;
        await clock.advance(2 * LEASE_MS);
        isFrozen = false;
        if (isTaken) {
          await store.claim({ attemptId: ID, owner: "w2", leaseMs: LEASE_MS, exclusiveKeys: [], now: clock.now() });
        }
        throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET", name: "TimeoutError" });
      },
    },
    maxAttempts: 2,
  };
  const aws = {
    client: <Client>(type: new (given: never) => Client) => new type(config as never),
    credentials: async () => config.credentials,
  };
  const worker = createWorker(
    { store, executors: new Map([["work", executor]]), clock, ids: countingIds(), logger: silentLogger, aws },
    { leaseMs: LEASE_MS, owner: "w1" },
  );
  const dispatch = aDispatch(ID, { executor: "work" });
  const message = { ...dispatch.message, task: { name: "plan", executor: "work", config: {} } };
  await store.commit([aPut({}, { dispatches: [{ ...dispatch, message }], now: clock.now() })]);

  await worker.handle({ attemptId: ID, message, deliveries: 1 });

  expect(sent).toBe(tries);
});
