// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of mapping documents.
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { toCommit } from "../testing/builders.ts";
import { SHOP } from "../testing/github-bench.ts";
import { createReportBench } from "../testing/report-bench.ts";

const ROOT = new URL("../../../../", import.meta.url);

/** Returns the block of a page that begins after a text, without its first line. */
function readBlock(file: string, mark: string): string {
  const page = readFileSync(new URL(file, ROOT), "utf8");
  const at = page.indexOf(mark);
  if (at < 0) throw new Error(`${file} has no "${mark}".`);
  const start = page.indexOf("\n", page.indexOf("```yaml", at)) + 1;
  return page.slice(start, page.indexOf("```", start));
}

const DOCUMENT = readBlock("packages/hosts/README.md", "Write a mapping document;");
/** Names the key of the commit in a document. */
const toNamed = (key: string, document: string) => document.replace(/^stack:/m, `commit: ${key}\nstack:`);
const HOW_LONG = readBlock("docs/previews.md", "### Delete after 3 days");
const readTemplate = (file: string) => readFileSync(new URL(`packages/cli/template-previews/${file}`, ROOT), "utf8");
const PLANS = readBlock("docs/plans-and-policies.md", "# Plans and policies");

function toMachine(
  states: string,
  head = "events: [OPENED, PUSHED, ABORT, CHECK, SLEEP, WAKE, RETRY, CLOSED]",
): string {
  return `version: 2
revision: follow
${head}
metadata: { sha: { type: string } }
states:
  INIT: { on: { OPENED: LIVE } }
${states}
  GONE: { leaving: cancel, terminal: true }
tasks:
  up: { executor: lambda, config: { name: up } }
  look: { executor: lambda, config: { name: look } }
`;
}

/** The old version keeps serving after a roll-out that has failed. */
const ROLL = toMachine(`  LIVE: { leaving: abandon, on: { PUSHED: ROLL, CHECK: DRIFT, SLEEP: ASLEEP, CLOSED: GONE } }
  ROLL: { leaving: abandon, tasks: [up], timeout: 1h, on: { NEXT: LIVE, FAILED: LIVE, ABORT: LIVE, TIMEOUT: LIVE, PUSHED: ROLL, RETRY: ROLL, CLOSED: GONE } }
  DRIFT: { tasks: [look], on: { NEXT: LIVE, FAILED: LIVE } }
  ASLEEP: { on: { WAKE: LIVE, CLOSED: GONE } }`);

type Bench = Awaited<ReturnType<typeof createReportBench>>;
const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.stop();
});

async function createBench(machine: string, document: string | undefined = DOCUMENT) {
  const people = { octocat: { subject: "octocat", groups: [] } };
  const bench = await createReportBench(document, { machine, people });
  benches.push(bench);
  const { github, pass, reports, publish } = bench;
  await bench.report();
  const checkOf = (digit: number) => {
    const own = reports.checks.filter(({ set }) => set["head_sha"] === toCommit(digit));
    // The newest of a name counts.
    return own.slice(-1).map(({ set }) => set["conclusion"] ?? set["status"]);
  };
  const deploymentOf = (digit: number) =>
    reports.deployments
      .filter(({ set }) => set["ref"] === toCommit(digit))
      .map(({ statuses }) => statuses.at(-1)?.["state"]);
  return {
    ...bench,
    async open() {
      await github.openPull(SHOP, { head: toCommit(1) });
      await pass(25);
    },
    async push(digit = 2) {
      await github.push(SHOP, 1, toCommit(digit));
      await pass(25);
    },
    async act(message: Readonly<Record<string, unknown>>) {
      await publish(message);
      await pass(25);
    },
    /** The check and the deployment of a commit. */
    of: (digit: number) => [...checkOf(digit), ...deploymentOf(digit)],
    comment: () => reports.comments.find(({ appId }) => appId !== undefined)?.body ?? "",
  };
}

const READY = ["success", "success"];
const RUNNING = ["in_progress", "in_progress"];
const FAILED = ["failure", "failure"];

describe("the check of a commit that waits for the run of the one before", () => {
  it("is not that of the other run, whose worker was frozen and succeeds later [claudie#1286]", async () => {
    const { open, push, act, of, findStack, store, clock, pass } = await createBench(
      ROLL.replaceAll("abandon", "wait"),
    );
    await open();
    await push(2);
    const attemptId = (await findStack())?.runs[0]?.attemptId ?? "";
    await push(3);
    await act({ event: "ABORT" });
    await act({ event: "CHECK" });
    const body = { event: "TASK_COMPLETED", stackId: "shop-pr-1", task: { name: "up" }, dispatchId: attemptId };
    const late = {
      id: `result:${attemptId}`,
      stackId: "shop-pr-1",
      origin: "worker",
      receivedAt: clock.now(),
    } as const;
    await store.enqueue([{ ...late, message: body }]);
    await pass(25);

    await act({ event: "TASK_COMPLETED", task: { name: "look" } });

    expect([of(1), of(2), of(3)]).toEqual([READY, ["cancelled", "inactive"], FAILED]);
  });
});

describe("the check and the deployment of a commit that the stack was never given", () => {
  const CASES: readonly (readonly [string, string, readonly string[], RegExp])[] = [
    [
      "is parked [sveltia-cms#967]",
      toMachine("  LIVE: { on: { CLOSED: GONE } }"),
      ["in_progress", "pending"],
      /Does not run yet: `2222222`, because `"PUSHED" is parked \(EVENT_NOT_HANDLED\)/,
    ],
    [
      "does not fit [onyx#14967]",
      toMachine("  LIVE: { on: { PUSHED: LIVE, CLOSED: GONE } }").replace(
        "type: string",
        'type: string, pattern: "^1"',
      ),
      FAILED,
      /Does not run: `2222222`, because `"PUSHED" was refused \(METADATA_INVALID\)/,
    ],
    [
      "is not declared",
      toMachine("  LIVE: { on: { CLOSED: GONE } }").replace("PUSHED, ", ""),
      FAILED,
      /Does not run: `2222222`, because `"PUSHED" was refused \(EVENT_UNDECLARED\)/,
    ],
    [
      "is not allowed [railway-preview-deploy#40]",
      toMachine(
        "  LIVE: { on: { PUSHED: LIVE, CLOSED: GONE } }",
        `events: { OPENED: {}, PUSHED: { allow: "'managers' in actor.groups" }, CLOSED: {} }`,
      ),
      FAILED,
      /Does not run: `2222222`, because `"PUSHED" was refused \(NOT_ALLOWED\)/,
    ],
  ];
  it.each(CASES)("say so: its event %s", async (_, machine, expected, text) => {
    const { open, push, of, comment } = await createBench(machine);
    await open();
    expect(of(1)).toEqual(READY);

    await push();

    expect(of(2)).toEqual(expected);
    expect(of(1)).toEqual(READY);
    expect(comment()).toContain("* Runs: `1111111`\n");
    expect(comment()).toMatch(text);
  });

  it("are those of the newest head where a rule has brought it", async () => {
    const document = DOCUMENT.replace(/^ {2}head: .*\n/m, "").replace(
      "rules:",
      'rules:\n  update: { on: pull.synchronize, send: PUSHED, metadata: { sha: "${hook.pull.head}" } }',
    );
    const { open, push, of } = await createBench(toMachine("  LIVE: { on: { PUSHED: LIVE, CLOSED: GONE } }"), document);
    await open();
    await push();

    expect([of(1)[0], of(2)]).toEqual(["success", READY]);
  });

  it("say so with the machine and the document of the documentation, unchanged, and after hours", async () => {
    const { open, push, of, wait, pass } = await createBench(HOW_LONG);
    await open();
    expect(of(1)).toEqual(READY);

    await push();
    expect(of(2)).toEqual(FAILED);
    await wait(120);
    await pass(20);

    expect(of(2)).toEqual(FAILED);
  });

  it("say so while the preview sleeps, and follow when it wakes", async () => {
    const { open, push, of, act, comment, wait, pass } = await createBench(ROLL);
    await open();
    await act({ event: "SLEEP" });
    await push();
    expect(of(2)).toEqual(["in_progress", "pending"]);

    await act({ event: "WAKE" });
    await wait(5);
    await pass(20);
    expect(of(2)).toEqual(RUNNING);
    await act({ event: "TASK_COMPLETED", task: { name: "up" } });

    expect(of(2)).toEqual(READY);
    expect(of(1)).toEqual(["success", "inactive"]);
    expect(comment()).toContain("* Commit: `2222222`\n");
  });

  it("are not those of the stack that takes it in its sleep without running it", async () => {
    const document = DOCUMENT.replace(
      "rules:",
      "rules:\n  sleep: { on: command.sleep, send: SLEEP }\n  wake: { on: command.wake, send: WAKE }",
    );
    const { open, push, of, act } = await createBench(
      ROLL.replace("ASLEEP: { on: { WAKE: LIVE", "ASLEEP: { on: { PUSHED: no-op, WAKE: ROLL"),
      document,
    );
    await open();
    await act({ event: "SLEEP" });
    await push();
    expect(of(2)).toEqual(["in_progress", "pending"]);

    await act({ event: "WAKE" });
    await act({ event: "TASK_COMPLETED", task: { name: "up" } });

    expect(of(2)).toEqual(READY);
  });
});

describe("the check and the deployment of a commit whose run did not succeed", () => {
  const ENDS: readonly (readonly [
    string,
    (bench: Awaited<ReturnType<typeof createBench>>) => Promise<unknown>,
    RegExp,
  ])[] = [
    [
      "its roll-out has failed [atlantis#6529]",
      ({ act }) => act({ event: "TASK_ERROR", task: { name: "up" }, code: "BOOM", description: "It broke." }),
      /`"up" has failed \(BOOM: It broke\.\)`/,
    ],
    ["its roll-out was aborted", ({ act }) => act({ event: "ABORT" }), /`"ABORT" left ROLL before "up" was done\.`/],
    ["its roll-out ran out of time", ({ wait, pass }) => wait(65).then(() => pass(20)), /`"TIMEOUT" left ROLL/],
  ];
  it.each(ENDS)("say so where the old version continues: %s", async (_, act, why) => {
    const bench = await createBench(ROLL);
    const { open, push, of, comment } = bench;
    await open();
    await push();
    expect(of(2)).toEqual(RUNNING);

    await act(bench);

    expect(await bench.stateOf()).toBe("LIVE");
    expect(of(2)).toEqual(FAILED);
    expect(of(1)).toEqual(READY);
    expect(comment()).toContain("* Runs: `1111111`\n* Does not run: `2222222`, because ");
    expect(comment()).toMatch(why);
  });

  it("stay so after a drift check, and change when the same task succeeds", async () => {
    const { open, push, of, act, stateOf, reports } = await createBench(
      ROLL.replace("on: { PUSHED: ROLL, CHECK", "on: { RETRY: ROLL, PUSHED: ROLL, CHECK"),
    );
    await open();
    await push();
    await act({ event: "TASK_ERROR", task: { name: "up" }, code: "BOOM" });
    await act({ event: "CHECK" });
    await act({ event: "TASK_COMPLETED", task: { name: "look" } });
    expect(await stateOf()).toBe("LIVE");
    expect(of(2)).toEqual(FAILED);

    await act({ event: "RETRY" });
    expect(of(2)).toEqual(RUNNING);
    await act({ event: "TASK_COMPLETED", task: { name: "up" } });

    expect(of(2)).toEqual(READY);
    // GitHub does not let a check that is completed begin again: the second one counts [mergify#444, mergify#1989].
    expect(reports.checks.filter(({ set }) => set["head_sha"] === toCommit(2))).toHaveLength(2);
  });

  it.each([
    ["an earlier commit of the pull request", 1, READY],
    ["a commit that it never had", 9, ["success", "inactive"]],
  ])("stay so when a person brings back %s by hand", async (_, digit, before) => {
    const { open, push, of, act } = await createBench(
      ROLL.replace("on: { PUSHED: ROLL, CHECK", "on: { BACK: ROLL, PUSHED: ROLL, CHECK").replace(
        "ABORT,",
        "ABORT, BACK,",
      ),
    );
    await open();
    await push();
    await act({ event: "TASK_ERROR", task: { name: "up" }, code: "BOOM" });

    await act({ event: "BACK", metadata: { sha: toCommit(digit) } });
    await act({ event: "TASK_COMPLETED", task: { name: "up" } });

    expect(of(2)[0]).toBe("failure");
    expect(of(1)).toEqual(before);
  });

  it("are not those of the commit that follows", async () => {
    const { open, push, of, act } = await createBench(ROLL);
    await open();
    await push();
    await act({ event: "TASK_ERROR", task: { name: "up" }, code: "BOOM" });

    await push(3);
    await act({ event: "TASK_COMPLETED", task: { name: "up" } });

    expect([of(1), of(2), of(3)]).toEqual([["success", "inactive"], ["failure", "inactive"], READY]);
  });

  it("are replaced by those of the next commit while it runs", async () => {
    const { open, push, of, act } = await createBench(ROLL);
    await open();
    await push();
    await push(3);
    expect([of(2), of(3)]).toEqual([["cancelled", "inactive"], RUNNING]);

    await act({ event: "TASK_COMPLETED", task: { name: "up" } });

    expect([of(2), of(3)]).toEqual([["cancelled", "inactive"], READY]);
  });

  it("stay a success when a later drift check fails", async () => {
    const { open, of, act } = await createBench(ROLL);
    await open();
    await act({ event: "CHECK" });

    await act({ event: "TASK_ERROR", task: { name: "look" }, code: "BOOM" });

    expect(of(1)).toEqual(READY);
  });

  it("say so for a preview that ends before it was ready, which hosts would count as passed", async () => {
    const { github, open, push, of, pass } = await createBench(ROLL);
    await open();
    await push();

    await github.closePull(SHOP, 1);
    await pass(25);

    expect(of(2)).toEqual(["cancelled", "inactive"]);
    expect(of(1)).toEqual(["success", "inactive"]);
  });
});

describe("the check and the deployment of a commit whose plan is rejected", () => {
  const document = DOCUMENT.replace("send: OPENED", "send: LAUNCH")
    .replace("send: PUSHED", "send: LAUNCH")
    .replace("send: CLOSED", "send: DESTROY");
  const plan = (destroys: number) => ({
    plan: "p1",
    summary: "s",
    unchanged: false,
    destroys,
    forgets: 0,
    imports: 0,
    vanished: 0,
  });

  it("say so with the machine of the documentation, unchanged [atlantis#1924]", async () => {
    const { open, push, of, act, comment, stateOf } = await createBench(PLANS, document);
    await open();
    await act({ event: "TASK_COMPLETED", task: { name: "plan" }, outputs: plan(0) });
    await act({ event: "TASK_COMPLETED", task: { name: "apply" } });
    expect(of(1)).toEqual(READY);
    await push();
    await act({ event: "TASK_COMPLETED", task: { name: "plan" }, outputs: plan(1) });
    expect(of(2)).toEqual(["in_progress", "pending"]);

    const sender = { kind: "person", id: "ada", name: "ada", groups: ["release-managers"] } as const;
    await act({ event: "REJECT_TASK", task: { name: "sign-off" }, reason: "Too big.", sender });

    expect(await stateOf()).toBe("REJECTED");
    expect(of(2)).toEqual(FAILED);
    expect(of(1)).toEqual(["success", "failure"]);
    expect(comment()).toContain('* Does not run: `2222222`, because `"sign-off" was rejected (Too big.)`');
  });
});

describe("the checks and the deployments of commits with the template, unchanged", () => {
  const planned = (destroys: number) => ({
    plan: "p",
    summary: "s",
    unchanged: false,
    destroys,
    forgets: 0,
    imports: 0,
    vanished: 0,
  });
  const ada = { kind: "person", id: "ada", name: "ada", groups: ["reviewers"] } as const;
  const ben = { ...ada, id: "ben", name: "ben", groups: [] };

  async function createTemplateBench() {
    const bench = await createBench(readTemplate("machines/preview.yaml"), readTemplate("hooks/shop.yaml"));
    const act = (message: Readonly<Record<string, unknown>>) => bench.act({ sender: ben, ...message });
    const complete = (task: string, outputs = {}) => act({ event: "TASK_COMPLETED", task: { name: task }, outputs });
    return {
      ...bench,
      act,
      async plan(destroys = 0) {
        await complete("slot");
        await complete("plan", planned(destroys));
      },
      apply: () => complete("apply", { url: "https://shop.example.org" }),
      fail: (task: string) => act({ event: "TASK_ERROR", task: { name: task }, code: "BOOM" }),
      answer: (event: string) => act({ event, task: { name: "sign-off" }, of: "p", reason: "Too big.", sender: ada }),
    };
  }

  it("follow a plan that is rejected, planned again and approved", async () => {
    const { open, push, act, of, plan, apply, answer, stateOf } = await createTemplateBench();
    await open();
    await plan();
    expect(of(1)).toEqual(RUNNING);
    await apply();
    expect([await stateOf(), of(1)]).toEqual(["LIVE", READY]);
    await push();
    await plan(1);
    await answer("REJECT_TASK");
    expect([await stateOf(), of(2)]).toEqual(["BROKEN", FAILED]);

    await act({ event: "RETRY" });
    await plan(1);
    expect(of(2)).toEqual(["in_progress", "pending"]);
    await answer("APPROVE_TASK");
    await apply();

    expect([of(1), of(2)]).toEqual([["success", "inactive"], READY]);
  });

  it("follow a plan that was rejected, and needs no approval when it is made again", async () => {
    const { open, push, act, of, plan, apply, answer, comment } = await createTemplateBench();
    await open();
    await plan();
    await apply();
    await push();
    await plan(1);
    await answer("REJECT_TASK");
    expect(of(2)).toEqual(FAILED);

    await act({ event: "RETRY" });
    await plan();
    await apply();

    expect([of(1), of(2)]).toEqual([["success", "inactive"], READY]);
    expect(comment()).toContain("* Commit: `2222222`\n");
  });

  it("follow a push in its sleep, whose plan fails", async () => {
    const { open, push, act, of, plan, apply, fail, stateOf } = await createTemplateBench();
    await open();
    await plan();
    await apply();
    await act({ event: "SLEEP" });
    await act({ event: "TASK_COMPLETED", task: { name: "destroy" } });
    await act({ event: "TASK_COMPLETED", task: { name: "leave" } });
    expect(await stateOf()).toBe("ASLEEP");

    await push();
    await act({ event: "TASK_COMPLETED", task: { name: "slot" } });
    await fail("plan");

    expect([await stateOf(), of(2)]).toEqual(["BROKEN", FAILED]);
  });
});

describe("the check of a commit when the stack is given another one by its machine", () => {
  const SAVED = toMachine(
    `  LIVE: { leaving: abandon, on: { PUSHED: ROLL, BACK: [{ action: advance, state: ROLL, set: { sha: "\${metadata.good}" } }], CLOSED: GONE } }
  ROLL: { leaving: abandon, tasks: [up], on: { NEXT: [{ action: advance, state: LIVE, set: { good: "\${metadata.sha}" } }], FAILED: LIVE, CLOSED: GONE } }`,
    "events: [OPENED, PUSHED, BACK, CLOSED]",
  )
    .replace("OPENED: LIVE", "OPENED: ROLL")
    .replace("{ sha: { type: string } }", "{ sha: { type: string }, good: { type: string } }");
  const RENAMED = SAVED.replaceAll(/(OPENED|PUSHED): ROLL/g, (_, event) => {
    return `${event}: [{ action: advance, state: ROLL, set: { sha: "\${metadata.commit}" } }]`;
  }).replace("good: { type", "commit: { type: string }, good: { type");
  const succeed = { event: "TASK_COMPLETED", task: { name: "up" } };
  const fail = { event: "TASK_ERROR", task: { name: "up" }, code: "BOOM" };

  it.each([
    ["sets it where events bring it", SAVED, DOCUMENT],
    ["sets it under a name of its own", RENAMED, toNamed("sha", DOCUMENT.replace("{ sha:", "{ commit:"))],
  ])("stays so, and the comment names the other one: it %s [argo-rollouts#3721]", async (_, machine, document) => {
    const { open, push, act, of, comment } = await createBench(machine, document);
    await open();
    await act(succeed);
    await push();
    await act(fail);
    expect([of(1), of(2)]).toEqual([READY, FAILED]);
    expect(comment()).toContain("* Runs: `1111111`\n* Does not run: `2222222`, because ");

    await act({ event: "BACK" });
    await act(succeed);

    expect(of(2)).toEqual(FAILED);
    expect(comment()).toContain("`1111111`\n* Does not run: `2222222`, because ");
  });

  it("is no success of the deployment any more where it ran [kots#1083]", async () => {
    const { open, push, act, of, comment } = await createBench(
      SAVED.replace('{ sha: "${metadata.good}" }', `{ sha: "${toCommit(9)}" }`),
    );
    await open();
    await act(succeed);
    await push();
    await act(succeed);
    expect([of(1), of(2)]).toEqual([["success", "inactive"], READY]);

    await act({ event: "BACK" });
    expect(of(2)).toEqual(["success", "inactive"]);
    await act(succeed);

    expect(of(2)).toEqual(["success", "inactive"]);
    expect(comment()).toContain("* Was given: `9999999`\n* Was ready before: `2222222`\n");
  });

  it("is a failure, and that of the commit before a success, where a failure has set that one again [shipit-engine#840]", async () => {
    const machine = SAVED.replace(
      "FAILED: LIVE",
      'FAILED: [{ action: advance, state: LIVE, set: { sha: "${metadata.good}" } }]',
    );
    const { open, push, act, of, comment } = await createBench(machine);
    await open();
    await act(succeed);
    await push();

    await act(fail);

    expect([of(1), of(2)]).toEqual([READY, FAILED]);
    expect(comment()).toContain("* Runs: `1111111`\n* Does not run: `2222222`, because ");
    await push(3);
    await act(succeed);
    expect([of(1), of(2), of(3)]).toEqual([["success", "inactive"], ["failure", "inactive"], READY]);
  });

  it.each([
    ["before it fails", fail],
    ["before it is stopped", { event: "ABORT" }],
  ])("is a failure although all that happened between two reports: %s [cf_deployer#38]", async (_, left) => {
    const machine = RENAMED.replace("FAILED: LIVE,", "FAILED: LIVE, ABORT: LIVE,").replace("BACK,", "BACK, ABORT,");
    const bench = await createBench(machine, toNamed("sha", DOCUMENT.replace("{ sha:", "{ commit:")));
    const { open, push, act, of, comment, tick, poll, pass, publish, github } = bench;
    await open();
    await act(succeed);
    const unseen = { tick, poll, report: async () => undefined };
    await github.push(SHOP, 1, toCommit(2));
    await pass(25, unseen);
    for (const event of [left, { event: "BACK" }, succeed]) await publish(event, unseen);

    await pass(25);

    expect([of(1), of(2)]).toEqual([READY, FAILED]);
    expect(comment()).toContain("* Runs: `1111111`\n* Does not run: `2222222`, because ");
    await push(3);
    await act(succeed);
    expect([of(1), of(3)]).toEqual([["success", "inactive"], READY]);
  });

  it("is that of its last run where the machine brings it back, and that one fails", async () => {
    const { open, push, act, of, comment } = await createBench(SAVED);
    await open();
    await act(succeed);
    await push();
    await act(fail);
    await act({ event: "BACK" });
    expect([of(1), of(2)]).toEqual([["in_progress", "in_progress"], FAILED]);

    await act(fail);

    expect([of(1), of(2)]).toEqual([FAILED, FAILED]);
    expect(comment()).toContain("* Does not run: `2222222`, because ");
    await act({ event: "BACK" });
    await act(succeed);
    expect([of(1), of(2)]).toEqual([READY, FAILED]);
  });

  it("is that of the image that events name with it", async () => {
    const tag = "registry.example.org/shop:";
    const { open, push, act, of, comment } = await createBench(
      SAVED.replaceAll("sha", "image").replace(
        'BACK: [{ action: advance, state: ROLL, set: { image: "${metadata.good}" } }]',
        "BACK: ROLL",
      ),
      toNamed("image", DOCUMENT.replace('{ sha: "', `{ image: "${tag}`)),
    );
    await open();
    await act(succeed);
    await push();
    await act(fail);

    await act({ event: "BACK", metadata: { image: `${tag}${toCommit(1)}` } });
    await act(succeed);

    expect([of(1), of(2)]).toEqual([READY, FAILED]);
    expect(comment()).toContain("* Runs: `1111111`\n* Does not run: `2222222`, because ");
  });

  it("does not exist where the document names no key: what the stack runs is not known [argo-cd#5442]", async () => {
    const document = DOCUMENT.replace(/metadata: &pr .*}/, "metadata: &pr {}");
    const { open, push, act, of, comment } = await createBench(
      SAVED.replace(/BACK: \[.*?\]/, "BACK: ROLL").replace(/NEXT: \[.*?\]/, "NEXT: LIVE"),
      document,
    );
    await open();
    await act(succeed);
    await push();
    await act(fail);

    expect([of(1), of(2)]).toEqual([[], []]);
    expect(comment()).toContain("Preview `shop-pr-1`");
  });
});

describe("what users of other tools have reported about checks of commits", () => {
  const TWO = toMachine(
    `  LIVE: { on: { PUSHED: ROLL, CLOSED: GONE } }
  ROLL: { leaving: abandon, tasks: [up, look], on: { NEXT: LIVE, FAILED: LIVE, PUSHED: ROLL, CLOSED: GONE } }`,
    "events: [OPENED, PUSHED, CLOSED]",
  ).replace("OPENED: LIVE", "OPENED: ROLL");
  const succeed = (task: string) => ({ event: "TASK_COMPLETED", task: { name: task } });

  it.each([
    ["succeeds", succeed("look"), READY],
    ["fails", { event: "TASK_ERROR", task: { name: "look" }, code: "BOOM" }, FAILED],
  ])(
    "no success before the last part of a roll-out has ended, which then %s [notification-controller#327, atlantis#5368]",
    async (_, last, expected) => {
      const { github, open, act, publish, pass, of } = await createBench(TWO);
      const seen = new Set<unknown>();
      async function watch(seconds: number) {
        for (let second = 0; second < seconds; second += 1) {
          await pass(1);
          seen.add(JSON.stringify(of(2)));
        }
      }
      await open();
      for (const task of ["up", "look"]) await act(succeed(task));
      await github.push(SHOP, 1, toCommit(2));
      await watch(20);
      await publish(succeed("up"));
      await watch(20);
      expect(of(2)).toEqual(RUNNING);

      await publish(last);
      await watch(20);

      expect(of(2)).toEqual(expected);
      expect([...seen].filter((each) => String(each).includes("success"))).toEqual(
        expected === READY ? [JSON.stringify(READY)] : [],
      );
    },
  );

  it("a failure where the roll-out cannot even begin [notification-controller#1373]", async () => {
    const machine = TWO.replace("config: { name: up }", "config: { name: '${metadata.name.split(\"/\")[1]}' }").replace(
      "{ sha: { type: string } }",
      '{ sha: { type: string }, name: { type: string, default: "acme/shop" } }',
    );
    const document = DOCUMENT.replace(
      "head: { send: PUSHED, metadata: *pr }",
      'head: { send: PUSHED, metadata: { sha: "${hook.pull.head}", name: shop } }',
    );
    const { open, push, act, of, comment } = await createBench(machine, document);
    await open();
    for (const task of ["up", "look"]) await act(succeed(task));

    await push();
    await act(succeed("look"));

    expect([of(1), of(2)]).toEqual([READY, FAILED]);
    expect(comment()).toContain("* Runs: `1111111`\n* Does not run: `2222222`, because ");
  });
});

describe("a preview that does not exist", () => {
  it("is reported with the reason", async () => {
    const machine = toMachine("  LIVE: { on: { CLOSED: GONE } }").replace(
      "type: string",
      'type: string, pattern: "^2"',
    );
    const { open, of, comment, reports } = await createBench(machine);

    await open();

    expect(of(1)).toEqual(["failure"]);
    expect(reports.deployments).toEqual([]);
    expect(comment()).toContain("Preview `shop-pr-1` does not exist");
    expect(comment()).toContain('* Does not run: `1111111`, because `"OPENED" was refused (METADATA_INVALID)');
  });
});
