import { afterEach, describe, expect, it } from "vitest";
import { type Answer, startAnswerServer } from "../testing/answer-server.ts";
import { runCli } from "../testing/run-cli.ts";

let stop = async () => undefined as unknown;
afterEach(() => stop());

async function start(answers: Readonly<Record<string, unknown>>) {
  const server = await startAnswerServer(({ call }): Answer | undefined =>
    call in answers ? { json: answers[call] } : undefined,
  );
  stop = server.stop;
  return {
    calls: server.calls,
    run: (...words: readonly string[]) => runCli([...words, "--url", server.url, "--token", "t".repeat(32)]),
  };
}

const APPROVAL = {
  id: "a1",
  stackId: "web-1",
  machine: "shop",
  state: "RELEASE",
  task: "sign-off",
  from: ["managers", "owners"],
  count: 2,
  askedAt: "2026-01-01T00:00:00.000Z",
  expiresAt: "2026-01-08T00:00:00.000Z",
  given: [],
};

describe("stackyard approvals ls", () => {
  it("shows who has asked and what is approved; a dash and nothing where that is not known", async () => {
    const items = [
      { ...APPROVAL, askedBy: { kind: "person", id: "e", name: "eve" }, of: "sha256:9f2c" },
      { ...APPROVAL, stackId: "web-2" },
    ];
    const { run, calls } = await start({ "GET /v1/approvals": { items } });

    const { stdout } = await run("approvals", "ls", "--mine", "--sort", "enteredAt");

    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(rows[0]).toEqual(["STACK", "TASK", "APPROVALS", "FROM", "ASKED BY", "FOR", "WHAT"]);
    expect(rows[1]).toEqual([
      "web-1",
      "sign-off",
      expect.any(String),
      "managers, owners",
      "eve",
      expect.any(String),
      "sha256:9f2c",
    ]);
    expect(rows[2]).toEqual(["web-2", "sign-off", expect.any(String), "managers, owners", "–", expect.any(String)]);
    expect(calls[0]?.query).toMatchObject({ mine: "true", sort: "enteredAt" });
  });

  it("shows what is wrong now in the environments before, for each plan of a release (kargo#5144)", async () => {
    const of = "5e0b".padEnd(64, "0");
    const items = [{ ...APPROVAL, stackId: "shop-1.42.0", of }, APPROVAL, { ...APPROVAL, stackId: "shop-gone", of }];
    const wave = {
      task: "staging",
      trouble: [{ code: "STACK_BROKEN", stacks: 2 }],
      soaksUntil: "2026-01-02T00:00:00Z",
    };
    const { run, calls } = await start({
      "GET /v1/approvals": { items },
      "GET /v1/stacks/shop-1.42.0/deploys": { items: [wave, { task: "canary", trouble: [] }] },
    });

    const { exitCode, stdout } = await run("approvals", "ls");

    expect(exitCode).toBe(0);
    expect(stdout.split("\n").slice(-4)).toEqual([
      "",
      "shop-1.42.0: staging: not as it had arrived any more: STACK_BROKEN 2.",
      "shop-1.42.0: staging soaks until 2026-01-02T00:00:00Z.",
      "",
    ]);
    expect(calls.map(({ call, query }) => [call, query?.["trouble"]])).not.toContainEqual([
      "GET /v1/stacks/web-1/deploys",
      "true",
    ]);
  });

  it.each([
    [[], "Nothing waits for an approval."],
    [["--mine"], "Nothing waits for your approval."],
  ])("says so when nothing waits: %j", async (words, text) => {
    const { run } = await start({ "GET /v1/approvals": { items: [] } });

    expect(await run("approvals", "ls", ...words)).toMatchObject({ exitCode: 0, stdout: "", stderr: `${text}\n` });
  });
});

describe("stackyard approvals commits", () => {
  const since = { kind: "success", at: "2026-01-01T00:00:00.000Z" };
  const [before, now] = ["1".repeat(40), "2".repeat(40)];
  const commits = [
    { id: "abcdef0123456789", subject: "Add the cart", author: "ada" },
    { id: "0123456789abcdef", subject: "Fix the cart" },
  ];

  it.each([
    ["no success", {}, "The stack has not succeeded yet, as far as its history is kept."],
    ["the same commit", { since, before }, `No commit has changed since the last success at ${since.at}.`],
    ["no list", { since, before, now }, `111111111 to 222222222, since the last success at ${since.at}`],
    [
      "a list that is cut",
      { since, before, now, commits, isCut: true, dropped: 2, compareUrl: "https://git.example/compare" },
      [
        `111111111 to 222222222, since the last success at ${since.at}`,
        "abcdef012  ada  Add the cart",
        "012345678       Fix the cart",
        "There are more.",
        "Commits of then that would go: 2.",
        "Compare: https://git.example/compare",
      ].join("\n"),
    ],
    [
      "an unknown list",
      { since, before, now, unknown: "The host does not answer." },
      `111111111 to 222222222, since the last success at ${since.at}\nNo list: The host does not answer.`,
    ],
  ])("prints %s", async (_, found, text) => {
    const { run, calls } = await start({
      "GET /v1/stacks/web-1": { id: "web-1", state: "RELEASE", tasks: [], approvals: [APPROVAL] },
      "GET /v1/stacks/web-1/commits": found,
    });

    expect(await run("approvals", "commits", "web-1", "sign-off")).toMatchObject({ exitCode: 0, stdout: `${text}\n` });
    expect(calls.at(-1)?.query).toEqual({ task: "sign-off" });
  });
});

describe("an answer to a task that waits for no approval", () => {
  const stack = {
    id: "web-1",
    state: "RELEASE",
    tasks: [
      { name: "deploy", status: "PENDING", detail: "RUNNING" },
      { name: "done", status: "SUCCESS" },
    ],
  };

  it.each([
    ["deploy", undefined, "it is RUNNING.", "`stackyard approvals ls` lists open approvals."],
    ["done", undefined, "it is SUCCESS.", "`stackyard approvals ls` lists open approvals."],
    [
      "other",
      [APPROVAL, { ...APPROVAL, task: "second" }],
      "RELEASE has no such task.",
      "Open approvals of this stack: sign-off, second.",
    ],
  ])("says what %s is, and which are open", async (task, approvals, is, hint) => {
    const { run } = await start({ "GET /v1/stacks/web-1": { ...stack, approvals } });

    const { exitCode, stderr } = await run("approvals", "reject", "web-1", task);

    expect(exitCode).toBe(1);
    expect(stderr).toContain(`Task "${task}" of "web-1" waits for no approval: ${is}`);
    expect(stderr).toContain(hint);
  });
});
