import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromMarkdown } from "mdast-util-from-markdown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ActionYard, HOSTILE, startActionYard } from "./a-yard.ts";

const BUNDLE = join(import.meta.dirname, "../dist/index.mjs");
const HEAD = "1".repeat(40);
const PULL = {
  repository: { id: 424242, full_name: "acme/shop" },
  pull_request: {
    number: 7,
    html_url: "https://github.com/acme/shop/pull/7",
    title: "Add a cart",
    head: { sha: HEAD },
    user: { login: "octocat" },
  },
};

interface Step {
  readonly inputs: Readonly<Record<string, string>>;
  /** The webhook that the workflow runs for. */
  readonly event?: unknown;
  readonly env?: Readonly<Record<string, string>>;
  readonly interruptAfter?: RegExp;
}

let yard: ActionYard;
let folder: string;
let number = 0;
beforeAll(async () => {
  yard = await startActionYard();
  folder = mkdtempSync(join(tmpdir(), "action-"));
});
afterAll(async () => {
  await yard.stop();
  rmSync(folder, { recursive: true });
});

/** Runs the bundle as the runner does: inputs in variables, outputs and summary in files. */
async function run({ inputs, event, env = {}, interruptAfter }: Step) {
  number += 1;
  const [output, summary, payload] = ["output", "summary", "event.json"].map((name) =>
    join(folder, `${number}-${name}`),
  );
  for (const file of [output, summary]) writeFileSync(file ?? "", "");
  writeFileSync(payload ?? "", JSON.stringify(event ?? {}));
  const given = Object.entries({ url: yard.url, ...inputs }).map(([name, value]) => [
    `INPUT_${name.toUpperCase()}`,
    value,
  ]);
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const variables = {
    PATH,
    ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }),
    GITHUB_RUN_ID: "99",
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_JOB: "preview",
    GITHUB_OUTPUT: output,
    GITHUB_STEP_SUMMARY: summary,
    GITHUB_EVENT_PATH: payload,
    ...yard.toJob(),
    ...Object.fromEntries(given),
    ...env,
  };
  const log = await new Promise<{ readonly exitCode: number | null; readonly stdout: string }>((resolve) => {
    let stdout = "";
    const child = execFile(process.execPath, [BUNDLE], { env: variables, encoding: "utf8" });
    child.stdout?.on("data", (part) => {
      stdout += part;
      if (!child.killed && interruptAfter?.test(stdout)) child.kill("SIGINT");
    });
    child.stderr?.on("data", (part) => {
      stdout += part;
    });
    child.on("close", (exitCode) => resolve({ exitCode, stdout }));
  });
  return {
    ...log,
    outputs: parseOutputs(readFileSync(output ?? "", "utf8")),
    summary: readFileSync(summary ?? "", "utf8"),
  };
}

function parseOutputs(text: string): Readonly<Record<string, string>> {
  const found = text.matchAll(/^([\w-]+)<<(ghadelimiter_\S+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...found].map(([, name = "", , value = ""]) => [name, value]));
}

const open = (stack: string, more: Readonly<Record<string, string>> = {}) => ({
  stack,
  event: "OPENED",
  machine: "preview",
  metadata: "outcome=ok\nurl=https://shop.example.org",
  until: "LIVE",
  timeout: "30s",
  ...more,
});

const listHistory = async (stackId: string) =>
  (await yard.store.queries.listHistory({ stackId }, { limit: 100 })).items;

describe("the action", () => {
  it("links the pull request, sends the event, waits, and says what became of it", { tags: "app" }, async () => {
    const result = await run({ inputs: open("shop-pr-7"), event: PULL });

    expect(result.outputs).toEqual({
      stack: "shop-pr-7",
      "event-id": expect.stringMatching(/^99\/1\/preview\/OPENED\/[\w-]{16}$/),
      outcome: "applied",
      state: "LIVE",
      url: "https://shop.example.org/",
      code: "",
    });
    expect(result.exitCode).toBe(0);
    expect(result.summary).toContain("Preview `shop-pr-7` is ready, in the state `LIVE`");
    expect(result.stdout).toContain("Linked shop-pr-7 to pull request #7.");
    const link = await yard.store.records.list("previews/", { limit: 10, now: Date.now() });
    expect(JSON.stringify(link.items)).toContain(HEAD);
    // Neither token is in the log but to be masked.
    const masked = [...result.stdout.matchAll(/^::add-mask::(.*)$/gm)].map(([, secret]) => secret);
    expect(masked).toEqual([yard.idTokens.at(-1), expect.stringMatching(/^syw_/)]);
    for (const secret of masked) expect(result.stdout.split(secret ?? "")).toHaveLength(2);
  });

  it("publishes once when the step runs again under the same id", async () => {
    const again = await run({ inputs: open("shop-pr-7"), event: PULL });

    expect([again.exitCode, again.outputs["state"]]).toEqual([0, "LIVE"]);
    expect((await listHistory("shop-pr-7")).filter(({ event }) => event === "OPENED")).toHaveLength(1);
  });

  it("waits for a removal, which must be confirmed in a protected state", async () => {
    const inputs = { stack: "shop-pr-7", event: "CLOSED", until: "removed" };
    const refused = await run({ inputs, env: { GITHUB_RUN_ID: "100" } });
    const result = await run({ inputs: { ...inputs, confirm: "shop-pr-7" } });

    expect([refused.exitCode, refused.outputs["code"]]).toEqual([1, "OUTCOME_NEGATIVE"]);
    expect(refused.summary).toContain("CONFIRMATION_REQUIRED");

    expect([result.exitCode, result.outputs["state"]]).toEqual([0, "removed"]);
    expect(result.summary).toContain("Preview `shop-pr-7` has ended");
  });

  it("ends with 2 when a task fails, and shows foreign texts as code only", async () => {
    const stack = `pr <b>${HOSTILE}`.slice(0, 255);
    const result = await run({ inputs: open(stack.replaceAll("\n", " "), { metadata: "outcome=fail" }) });

    expect([result.exitCode, result.outputs["code"]]).toEqual([2, "LEFT_BEHIND"]);
    const nodes = listNodes(fromMarkdown(result.summary));
    const html = nodes.flatMap(({ type, value }) => (type === "html" ? [value] : []));
    expect(html).toEqual(["<details>\n<summary>Why it failed</summary>", "</details>"]);
    expect(nodes.filter(({ type }) => type === "link" || type === "image")).toEqual([]);
    expect(nodes.flatMap(({ type, value }) => (type === "text" ? [value] : [])).join()).not.toMatch(
      /team|evil|add-mask/,
    );
    expect(nodes.some(({ type, value }) => type === "code" && value?.includes("@team"))).toBe(true);
    const commands = [...result.stdout.matchAll(/^\s*::([a-z-]+)/gm)].map(([, name]) => name);
    expect(commands).toEqual(["add-mask", "add-mask", "error"]);
    expect(result.stdout).not.toContain("##[");
  });

  it("ends with 4 at the end of its time", async () => {
    const inputs = open("shop-pr-8", { metadata: "outcome=hang", timeout: "1s" });
    const result = await run({ inputs });

    expect([result.exitCode, result.outputs["code"], result.outputs["state"]]).toEqual([4, "TIMED_OUT", "UP"]);
    expect(result.summary).toContain("is being changed");
  });

  it("ends with 130 when its job is cancelled", async () => {
    const inputs = open("shop-pr-9", { metadata: "outcome=hang" });
    const result = await run({ inputs, interruptAfter: /is in UP/ });

    expect([result.exitCode, result.outputs["code"]]).toEqual([130, "INTERRUPTED"]);
  });

  it("links only the repository of its job, and the refusal is in the audit log", async () => {
    const event = { ...PULL, repository: { id: 5, full_name: "acme/other" } };
    const result = await run({ inputs: open("shop-pr-10"), event });

    expect([result.exitCode, result.outputs["code"]]).toEqual([3, "FORBIDDEN"]);
    expect(await listHistory("shop-pr-10")).toEqual([]);
    // Lines wait under one prefix, and are sealed under another.
    const audit = await yard.store.records.list("audit/", { limit: 100, now: Date.now() });
    expect(JSON.stringify(audit.items)).toContain("PUT /v1/previews/shop-pr-10/link");
  });

  it.each([
    ["no grant", { env: () => yard.toJob({ repository_owner_id: "2" }) }, 3, "NO_GRANT"],
    ["a wrong request token", { env: () => ({ ACTIONS_ID_TOKEN_REQUEST_TOKEN: "x" }) }, 3, "UNAUTHENTICATED"],
    ["no identity", { env: () => ({ ACTIONS_ID_TOKEN_REQUEST_URL: "" }) }, 3, "UNAUTHENTICATED"],
    ["no server", { inputs: { url: "http://127.0.0.1:1" } }, 3, "UNREACHABLE"],
    ["an address without TLS", { inputs: { url: "http://yard.example.org" } }, 64, "USAGE"],
    ["no stack", { inputs: { stack: "" } }, 64, "USAGE"],
    ["a long stack", { inputs: { stack: "x".repeat(256) } }, 64, "USAGE"],
    ["wrong metadata", { inputs: { metadata: "sha" } }, 64, "USAGE"],
    ["nested metadata", { inputs: { metadata: '{"a":{}}' } }, 64, "USAGE"],
    ["a wrong duration", { inputs: { timeout: "soon" } }, 64, "USAGE"],
    ["an unknown state", { inputs: { until: "LIFE" } }, 64, "USAGE"],
    ["no job", { env: () => ({ GITHUB_RUN_ID: "" }) }, 64, "USAGE"],
    ["an unknown machine", { inputs: { machine: "other" } }, 1, "MACHINE_UNKNOWN"],
    ["an event that is not declared", { inputs: { event: "LAUNCH" } }, 1, "OUTCOME_NEGATIVE"],
  ] satisfies readonly (readonly [
    string,
    { inputs?: Record<string, string>; env?: () => Record<string, string> },
    number,
    string,
  ])[])(
    "refuses %s",
    async (_, {
      inputs,
      env,
    }: { inputs?: Record<string, string>; env?: () => Record<string, string> }, exitCode, code) => {
      const result = await run({ inputs: open("shop-pr-11", inputs), env: env?.() ?? {} });

      expect([result.exitCode, result.outputs["code"]]).toEqual([exitCode, code]);
      expect(result.stdout).toContain(`::error::${code} `);
      expect(result.summary).toContain(code);
    },
  );
});

it("the licenses of what the file contains can be printed", () => {
  const root = join(import.meta.dirname, "../../..");
  const notices = execFileSync(process.execPath, ["tools/package/src/notices-process.ts", "apps/action"], {
    cwd: root,
  });

  expect(notices.toString()).toMatch(/@actions\/core@3[\s\S]*Permission is hereby granted/);
});

interface Node {
  readonly type: string;
  readonly value?: string;
  readonly children?: readonly Node[];
}

function listNodes(node: Node): readonly Node[] {
  return [node, ...(node.children ?? []).flatMap(listNodes)];
}
