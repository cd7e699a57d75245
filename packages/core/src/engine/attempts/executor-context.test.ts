import { describe, expect, it } from "vitest";
import { idempotencyKeyOf } from "../../machine/attempt-id.ts";
import type { Dispatch } from "../../machine/decide/decision.ts";
import { createMemoryStore } from "../../memory/memory-store.ts";
import { defineService, provideService, silentLogger } from "../../ports/executor.ts";
import { createFakeClock } from "../../testing/fake-clock.ts";
import { aDispatch } from "../../testing/store-conformance/store-builders.ts";
import { createLeases } from "../built-in-ports.ts";
import { type AwsAccess, type CallInput, type ContextDeps, createExecutorContext } from "./executor-context.ts";
import { type ResolvedMessage, resolveSecrets } from "./resolve-secrets.ts";

const ID = "s1/created/1/plan/2";
const target = { account: "111122223333", region: "eu-central-1" };

class FakeClient {
  readonly made = true;
}

/** A message without secrets, as the executor sees it. */
function toResolved(message: Dispatch["message"]): ResolvedMessage {
  const { message: resolved, missing } = resolveSecrets(message, {});
  if (missing.length > 0) throw new TypeError("The message holds references.");
  return resolved;
}

function createContext(call: Partial<CallInput> = {}, deps: Pick<ContextDeps, "aws" | "services"> = {}) {
  const clock = createFakeClock();
  const { records } = createMemoryStore();
  const common = { clock, records, leases: createLeases(records, { clock }) };
  const { message } = aDispatch(ID, { attempt: 2 });
  return createExecutorContext(
    { ...common, ...deps },
    {
      message: toResolved(message),
      token: 3,
      deadlineAt: 9,
      logger: silentLogger,
      signal: () => new AbortController().signal,
      confirm: async () => "held",
      cancelling: false,
      report: () => {},
      ...call,
    },
  );
}

describe("what an executor is given", () => {
  it("has no credentials after another worker has the attempt. Reported: gadget-inc/silo#399", async () => {
    let asked = 0;
    const aws: AwsAccess = {
      client: (type) => new type({} as never),
      async credentials() {
        asked += 1;
        return { accessKeyId: "a", secretAccessKey: "b" };
      },
    };

    const answer = createContext({ confirm: async () => "lost" }, { aws }).credentials();

    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
    expect(asked).toBe(0);
  });

  it("names the attempt and its stack", () => {
    expect(createContext()).toMatchObject({
      stackId: "s1",
      machine: "web",
      task: "plan",
      attempt: { id: ID, number: 2, token: 3 },
      metadata: {},
      state: "UP",
      previousState: "INIT",
      cancelling: false,
      deadlineAt: 9,
    });
    expect(createContext()).not.toHaveProperty("target");
  });

  it("has a key that does not depend on who holds the attempt, and differs between attempts", () => {
    const key = createContext().idempotencyKey;

    expect(key).toBe(idempotencyKeyOf({ stackId: "s1", incarnation: "created", entry: 1, task: "plan", attempt: 2 }));
    expect(createContext({ token: 4, deadlineAt: 99 }).idempotencyKey).toBe(key);
    expect(createContext({ message: toResolved(aDispatch("s1/created/1/plan/3").message) }).idempotencyKey).not.toBe(
      key,
    );
  });

  it("has a key for attempts of other senders too, whose ids say nothing", () => {
    const keyOf = (id: string) => createContext({ message: toResolved(aDispatch(id).message) }).idempotencyKey;

    expect(keyOf("legacy-1")).toMatch(/^[0-9a-f]{32}$/);
    expect(keyOf("legacy-1")).toBe(keyOf("legacy-1"));
    // The next message for the same task is other work, not a redelivery.
    expect(keyOf("legacy-2")).not.toBe(keyOf("legacy-1"));
  });

  it("reaches AWS in the task's target", async () => {
    const asked: unknown[] = [];
    const aws: AwsAccess = {
      client(client, at) {
        asked.push(["client", at]);
        return new client({} as never);
      },
      async credentials(at) {
        asked.push(["credentials", at]);
        return { accessKeyId: "a", secretAccessKey: "b" };
      },
    };
    const { message } = aDispatch(ID);
    const ctx = createContext({ message: toResolved({ ...message, task: { ...message.task, target } }) }, { aws });

    const client = ctx.aws(FakeClient);
    await ctx.credentials();

    const whole = { ...target, partition: "aws" };
    expect(client).toBeInstanceOf(FakeClient);
    expect(ctx.target).toEqual(whole);
    expect(asked).toEqual([
      ["client", whole],
      ["credentials", whole],
    ]);
  });

  it("reaches another region of the target's account, and none without a target", () => {
    const asked: unknown[] = [];
    const aws: AwsAccess = {
      client(client, at) {
        asked.push(at);
        return new client({} as never);
      },
      credentials: async () => ({ accessKeyId: "a", secretAccessKey: "b" }),
    };
    const { message } = aDispatch(ID);
    const ctx = createContext({ message: toResolved({ ...message, task: { ...message.task, target } }) }, { aws });

    ctx.aws(FakeClient, "us-east-1");

    expect(asked).toEqual([{ ...target, partition: "aws", region: "us-east-1" }]);
    const untargeted = createContext({ message: toResolved(message) }, { aws });
    expect(() => untargeted.aws(FakeClient, "us-east-1")).toThrow("has no target");
  });

  it("knows the role to assume in the target", () => {
    const { message } = aDispatch(ID);
    const aimed = { ...target, role: "deployer", externalId: "yard-7" };

    const ctx = createContext({ message: toResolved({ ...message, task: { ...message.task, target: aimed } }) });

    expect(ctx.target).toEqual({ ...aimed, partition: "aws" });
  });

  it("returns a hint when AWS is not available", () => {
    expect(() => createContext().aws(FakeClient)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(() => createContext().credentials()).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("gets the services of its host by their keys, each made for the attempt", async () => {
    const key = defineService<{ url: string; password(): Promise<string> }>("state");
    const other = defineService<string>("other");
    const services = [
      provideService(key, ({ attemptId, password }) => ({ url: `http://state/${attemptId}`, password })),
    ];

    const first = createContext({}, { services }).service(key);
    const again = createContext({ token: 4 }, { services }).service(key);

    expect(first?.url).toBe(`http://state/${ID}`);
    expect([await first?.password(), await again?.password()]).toEqual([
      expect.stringMatching(/^3\../),
      expect.stringMatching(/^4\../),
    ]);
    expect(createContext({}, { services }).service(other)).toBeUndefined();
    expect(createContext().service(key)).toBeUndefined();
  });
});
