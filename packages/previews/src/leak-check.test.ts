import { type Records, StackyardError } from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { putUnsavedRun, type UnsavedRun } from "@stackyard/core/services";
import { createExecutorContext, runExecutor } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createLeakCheckExecutor } from "./leak-check.ts";
import { ACCOUNT, createAwsBench, target } from "./testing/aws-bench.ts";

const MINUTE = 60_000;
const tags = { "stackyard:yard": "blue", "stackyard:stack": "s1", "stackyard:machine": "web" };
const bucket = { account: ACCOUNT, region: "eu-west-1", arn: "arn:aws:s3:::left", tags };
const executor = createLeakCheckExecutor({ environment: { YARD_NAME: "blue" } });

function createBench(options: { readonly allow?: readonly string[] } = {}) {
  const { clock, sim, context } = createAwsBench(options);
  return {
    clock,
    sim,
    context,
    run: (config: object = {}) => runExecutor(executor, config, { context }),
    async addInventory(
      state: string,
      resources: readonly { address: string; arn?: string }[],
      more = 0,
      forgotten = {},
    ) {
      const value = { stack: "s1", machine: "web", incarnation: "i1", state, product: "terraform", version: "1.9.0" };
      const key = `terraform-inventory/${encodeURIComponent(`web/s1/${state}`)}~1`;
      const count = resources.length + more;
      await context.records.put({
        key,
        value: { ...value, at: 0, count, resources, ...forgotten },
        expected: "absent",
        now: 0,
      });
    },
  };
}

const aRun: UnsavedRun = {
  ...{ state: "web/s1/network", stack: "s1", machine: "web", attempt: "s1/i1/1/app/1", token: 1 },
  ...{ action: "apply", host: "runner-1", at: 0, sequence: 1 },
};

describe("the executor leak-check", () => {
  it("succeeds when two searches find nothing, a minute apart, also where global services are listed", async () => {
    const { run, sim, addInventory } = createBench();
    await addInventory("network", []);

    const { step, elapsedMs } = await run();

    expect(step).toEqual({ kind: "succeeded", outputs: { regions: 2 } });
    expect(elapsedMs).toBe(MINUTE);
    expect(sim.calls.map(({ region }) => region)).toEqual(["eu-west-1", "us-east-1", "eu-west-1", "us-east-1"]);
  });

  it("searches what a refresh did not find where its ARN says, and names it without a search", async () => {
    const vanished = [{ address: "aws_sqs_queue.a", arn: `arn:aws:sqs:us-west-2:${ACCOUNT}:a`, since: 0 }];
    const { run, sim, addInventory } = createBench();
    await addInventory("network", [], 0, { vanished });

    const { step: unsearched } = await run({ regions: [] });
    const { step } = await run({ regions: ["eu-west-1"] });

    expect(unsearched).toMatchObject({ code: "LEFT_BEHIND", message: expect.stringContaining(vanished[0]?.arn ?? "") });
    expect(step).toMatchObject({ kind: "succeeded" });
    expect(sim.calls.map(({ region }) => region)).toContain("us-west-2");
  });

  it("remembers what a state has only forgotten [atlantis#6538]", async () => {
    const { run, addInventory } = createBench();
    const forgotten = [{ address: "aws_db_instance.a", arn: "arn:aws:rds:::a" }, { address: "null_resource.b" }];
    await addInventory("network", [], 0, { forgotten });

    const { step } = await run({ regions: [] });
    const ignored = await run({ regions: [], ignore: ["arn:aws:rds:*", "null_resource.b"] });

    expect(step).toMatchObject({ kind: "failed", code: "LEFT_BEHIND" });
    expect(step).toMatchObject({
      message: expect.stringContaining("arn:aws:rds:::a, null_resource.b, forgotten by network"),
    });
    expect(ignored.step).toMatchObject({ kind: "succeeded" });
  });

  it("names what a run has left whose state was not saved, or may have left [yle_tf#31]", async () => {
    const { run, context } = createBench();
    const left = {
      count: 2,
      resources: [
        { address: "aws_vpc.a", arn: "arn:aws:ec2:::a" },
        { address: "x.b", id: "7" },
      ],
    };
    await putUnsavedRun(context, { ...aRun, left });
    const saved = await run({ regions: [] });
    const ignored = await run({ regions: [], ignore: ["arn:aws:ec2:::a", "x.b"] });
    await putUnsavedRun(context, { ...aRun, attempt: "s1/i2/1/app/1" });
    await putUnsavedRun(context, { ...aRun, stack: "s2", state: "web/s2/network" });
    const open = await run({ regions: [], ignore: ["arn:aws:ec2:::a", "x.b"] });

    expect(saved.step).toMatchObject({
      code: "LEFT_BEHIND",
      message: expect.stringContaining(
        "arn:aws:ec2:::a, not saved in web/s1/network, x.b (7), not saved in web/s1/network.",
      ),
    });
    expect(ignored.step).toMatchObject({ kind: "succeeded" });
    expect(open.step).toMatchObject({
      code: "LEFT_BEHIND",
      message: expect.stringContaining(
        "left: a run that has not reported its end: s1/i2/1/app/1 on runner-1, not saved in web/s1/network.",
      ),
    });
  });

  it("searches as often as the task wants", async () => {
    const { run, sim } = createBench();
    sim.tagging.add(bucket);
    sim.tagging.remove(bucket.arn, 25_000);

    const { step, elapsedMs } = await run({ searchEvery: "10s" });

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(elapsedMs).toBe(40_000);
  });

  it("searches for the tags of its yard and stack", async () => {
    const { run, sim } = createBench();
    for (const [name, other] of [
      ["stackyard:yard", "green"],
      ["stackyard:stack", "s2"],
    ]) {
      sim.tagging.add({ ...bucket, arn: `arn:aws:s3:::${other}`, tags: { ...tags, [`${name}`]: `${other}` } });
    }

    expect((await run()).step).toMatchObject({ kind: "succeeded" });
  });

  it("waits for deleted resources that are still listed, and starts over when one is listed again", async () => {
    const { run, sim, clock } = createBench();
    sim.tagging.add(bucket);
    sim.tagging.remove(bucket.arn, 10 * MINUTE);
    // It is listed again right after the first search that finds nothing.
    sim.tagging.add({ ...bucket, region: "us-east-1" }, 10 * MINUTE + 1);
    void clock.sleep(12 * MINUTE).then(() => sim.tagging.remove(bucket.arn));

    const { step, elapsedMs } = await run();

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(elapsedMs).toBe(13 * MINUTE);
  });

  it("fails with the ARNs of what is listed for longer than settleFor", async () => {
    const { run, sim, context } = createBench();
    sim.tagging.add({ ...bucket, region: "us-east-1" });

    const { step, elapsedMs } = await run({ settleFor: "5m" });

    expect(step).toMatchObject({ kind: "failed", code: "LEFT_BEHIND", retryable: true });
    expect(step).toHaveProperty("message", expect.stringContaining("arn:aws:s3:::left"));
    expect(elapsedMs).toBe(5 * MINUTE);
    expect(context.reports).toEqual(["arn:aws:s3:::left"]);
  });

  it("counts what is in a state, also without tags", async () => {
    const { run, addInventory } = createBench();
    await addInventory("network", []);
    await addInventory("app", [{ address: "aws_autoscaling_group.a" }], 3);

    const { step } = await run({ settleFor: "1m" });

    expect(step).toHaveProperty(
      "message",
      expect.stringContaining("aws_autoscaling_group.a in app, 3 more resources in app."),
    );
  });

  it("does not count the states of a stack whose id begins with the same text", async () => {
    const { run, context } = createBench();
    const value = {
      stack: "s1/x",
      machine: "web",
      incarnation: "i",
      state: "a",
      product: "",
      version: "",
      at: 0,
      count: 1,
    };
    const key = `terraform-inventory/${encodeURIComponent("web/s1/")}x`;
    await context.records.put({ key, value: { ...value, resources: [] }, expected: "absent", now: 0 });

    expect((await run()).step).toMatchObject({ kind: "succeeded" });
  });

  it("ignores ARNs and addresses that the config names", async () => {
    const { run, sim, addInventory } = createBench();
    sim.tagging.add({ ...bucket, arn: "arn:aws:logs:eu-west-1:111122223333:log-group:x" });
    await addInventory("app", [{ address: "aws_kms_key.a", arn: "arn:aws:kms:eu-west-1:111122223333:key/1" }]);

    const { step } = await run({ ignore: ["arn:aws:logs:*", "aws_kms_key.*"] });

    expect(step).toMatchObject({ kind: "succeeded" });
  });

  it("never succeeds when the search is denied", async () => {
    const { run } = createBench({ allow: ["s3:*"] });

    const { step } = await run();

    expect(step).toMatchObject({ kind: "failed", code: "LEAK_CHECK_DENIED", retryable: false });
    expect(step).toHaveProperty("message", expect.stringContaining("tag:GetResources"));
  });

  it("starts over after a search that failed for another reason", async () => {
    const { run, sim } = createBench();
    const lost = async (): Promise<never> => {
      throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    };
    const served = (proceed: () => Promise<unknown>) => proceed();
    for (const behaviour of [served, served, lost, served])
      sim.once("ResourceGroupsTaggingAPI.GetResources", behaviour);

    const { step, elapsedMs } = await run();

    expect(step).toMatchObject({ kind: "succeeded" });
    expect(elapsedMs).toBe(3 * MINUTE);
  });

  it("reads all pages", async () => {
    const { run, sim } = createBench();
    for (let index = 0; index < 101; index++) sim.tagging.add({ ...bucket, arn: `arn:aws:s3:::b${index}` });

    const { step } = await run({ settleFor: "1s" });

    expect(step).toHaveProperty("message", expect.stringContaining("and 81 more."));
  });

  it("needs a target, unless the search by tags is turned off", async () => {
    const context = createExecutorContext();

    const steps = [
      await runExecutor(executor, {}, { context }),
      await runExecutor(executor, { regions: ["eu-west-1"] }, { context }),
      await runExecutor(executor, { regions: [] }, { context }),
    ].map(({ step }) => step);

    const needed = { kind: "failed", code: "LEAK_CHECK_NEEDS_TARGET" };
    expect(steps).toMatchObject([needed, needed, { kind: "succeeded", outputs: { regions: 0 } }]);
  });

  it("decides at once by the inventories alone when the search by tags is turned off", async () => {
    const { run, sim, addInventory } = createBench();
    const clean = await run({ regions: [] });
    await addInventory("app", [{ address: "local_file.a" }]);
    const left = await run({ regions: [] });

    expect(clean).toMatchObject({ step: { kind: "succeeded" }, elapsedMs: 0 });
    expect(left).toMatchObject({ step: { code: "LEFT_BEHIND", retryable: true }, elapsedMs: 0 });
    expect(left.step).toHaveProperty("message", expect.stringContaining("local_file.a in app"));
    expect(sim.calls).toEqual([]);
  });

  it("never succeeds without the store or access to AWS", async () => {
    const list: Records["list"] = async () => {
      throw new StackyardError("CONFIG_INVALID", "This runner has no store.");
    };
    const contexts = [
      createExecutorContext({ target }),
      createExecutorContext({ target, records: { ...createExecutorContext().records, list } }),
    ];

    for (const context of contexts) {
      expect((await runExecutor(executor, {}, { context })).step).toMatchObject({ code: "LEAK_CHECK_NOT_CONFIGURED" });
    }
  });

  it("ends when it is cancelled", async () => {
    const { sim, context } = createBench();
    sim.tagging.add(bucket);

    const { step } = await runExecutor(executor, {}, { context, cancelAfterMs: 5 * MINUTE });

    expect(step).toMatchObject({ code: "LEAK_CHECK_CANCELLED" });
  });

  it.each([{ regions: ["x"] }, { settleFor: "30" }, { settleFor: "0m" }, { ignore: [""] }, { region: "eu-west-1" }])(
    "refuses the config %j",
    async (config) => {
      expect((await runExecutor(executor, config)).step).toMatchObject({ code: "CONFIG_INVALID" });
    },
  );
});

describe("the check of a machine", () => {
  const problemsOf = (task: string) => {
    const destroy = createLeakCheckExecutor({ environment: {} });
    const source = `version: 2
events: [CLOSED]
states:
  INIT: { on: { CLOSED: GONE } }
  GONE: { terminal: true, tasks: [remove, check] }
tasks:
  remove: { executor: terraform, config: { action: destroy } }
  check: ${task}
`;
    const terraform = { ...destroy, name: "terraform", checkConfig: () => undefined, checkTasks: () => undefined };
    const executors = new Map([
      ["leak-check", executor],
      ["terraform", terraform],
    ]);
    return parseMachine(source, { name: "m", executors }).problems.map(({ code, path }) => `${code} ${path}`);
  };

  it.each([
    ["{ executor: leak-check, needs: [remove] }", []],
    ["{ executor: leak-check }", ["leak-check-needs-destroy tasks.check.config"]],
    ["{ executor: leak-check, config: { settleFor: 5m } }", ["leak-check-needs-destroy tasks.check.config"]],
  ])("warns when %s starts before the resources are removed", (task, problems) => {
    expect(problemsOf(task)).toEqual(problems);
  });
});
