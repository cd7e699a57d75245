import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { createAwsAccess } from "@stackyard/aws";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { defineExecutor, type ExecutorContext, running, succeeded } from "@stackyard/core";
import { createExecutorContext, createFakeClock } from "@stackyard/core/testing";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { tagSessions } from "./tag-sessions.ts";

const target = { account: "444455556666", region: "eu-west-1", partition: "aws", role: "deployer" } as const;

/** A runner whose executor asks in its target who it is. */
function createBench() {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const credentials = sim.iam.addUser({ account: "111122223333", name: "runner" });
  sim.iam.addRole({ account: target.account, name: target.role, trusts: ["111122223333"] });
  const arns: unknown[] = [];
  const ask = async (ctx: ExecutorContext) =>
    arns.push((await ctx.aws(STSClient).send(new GetCallerIdentityCommand({}))).Arn);
  const executor = defineExecutor({
    name: "work",
    config: Type.Object({}),
    progress: Type.Object({}),
    async start(ctx) {
      await ask(ctx);
      return running({ progress: {}, pollAfterMs: 1, message: "" });
    },
    async poll(ctx) {
      await ask(ctx);
      return succeeded({});
    },
    async cancel(ctx) {
      await ctx.credentials();
      return succeeded({});
    },
  });
  const deps = { clock, credentials, region: "eu-west-1", plugins: [createSimPlugin(sim)] };
  const [tagged = executor] = tagSessions(new Map([["work", executor]]), {
    yard: "main",
    createAccess: (session) => createAwsAccess({ ...deps, session }),
  }).values();
  const contextOf = (stackId: string, attempt = `${stackId}-1`): ExecutorContext => ({
    ...createExecutorContext({ clock }),
    stackId,
    target,
    task: "db",
    attempt: { id: attempt, number: 1, token: 1 },
  });
  const assumed = () => sim.calls.filter(({ operation }) => operation === "STS.AssumeRole").map(({ input }) => input);
  return { arns, assumed, contextOf, tagged };
}

describe("sessions of tasks", () => {
  it("are named and tagged by yard, stack and task", async () => {
    const { arns, assumed, contextOf, tagged } = createBench();

    await tagged.start(contextOf("pr-12"), {} as never);
    await tagged.start(contextOf("pr-13"), {} as never);

    expect(arns).toEqual(
      ["pr-12", "pr-13"].map((id) => `arn:aws:sts::${target.account}:assumed-role/deployer/main-${id}-db`),
    );
    expect(assumed()[0]).toMatchObject({
      Tags: [
        { Key: "stackyard:yard", Value: "main" },
        { Key: "stackyard:stack", Value: "pr-12" },
        { Key: "stackyard:task", Value: "db" },
      ],
    });
  });

  it("have what a tag does not take put right", async () => {
    const { assumed, contextOf, tagged } = createBench();

    await tagged.start(contextOf(`pr#12${"x".repeat(300)}`, "a"), {} as never);

    const [, { Value } = { Value: "" }] = Object(assumed()[0]).Tags;
    expect(Value).toBe(`pr-12${"x".repeat(251)}`);
  });

  it("are an attempt's, for each of its calls", async () => {
    const { arns, assumed, contextOf, tagged } = createBench();
    const ctx = contextOf("pr-12");

    await tagged.start(ctx, {} as never);
    await tagged.poll?.(ctx, {} as never, {} as never);
    await tagged.cancel?.(ctx, {} as never, {} as never);

    expect(new Set(arns).size).toBe(1);
    expect(assumed()).toHaveLength(1);
  });

  it("are forgotten when many attempts came after", async () => {
    const { assumed, contextOf, tagged } = createBench();

    for (let i = 0; i <= 64; i++) await tagged.start(contextOf(`pr-${i}`), {} as never);
    await tagged.start(contextOf("pr-64"), {} as never);
    await tagged.start(contextOf("pr-0"), {} as never);

    expect(assumed()).toHaveLength(66);
  });

  it("are not begun for a task without a target", async () => {
    const { assumed, contextOf, tagged } = createBench();
    const { target: _none, ...ctx } = contextOf("pr-12");
    const own = new STSClient({ region: "eu-west-1" });
    const aws = () => Object.assign(own, { send: async () => ({ Arn: "the runner" }) }) as never;

    await tagged.start({ ...ctx, aws }, {} as never);

    expect(assumed()).toEqual([]);
  });

  it("leave the rest of an executor unchanged", () => {
    const executor = defineExecutor({ name: "work", config: Type.Object({}), start: async () => succeeded({}) });
    const deps = { yard: "main", createAccess: () => Object({}) };

    const tagged = tagSessions(new Map([["work", executor]]), deps).get("work");

    expect(tagged).toMatchObject({ name: "work", config: executor.config });
    expect(tagged).not.toHaveProperty("poll");
  });
});
