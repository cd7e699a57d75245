import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { runConftest } from "../plan/conftest.ts";
import { estimateWithInfracost } from "../plan/infracost.ts";
import type { ResourceChange } from "../plan/plan-document.ts";
import { aContext } from "../testing/a-context.ts";
import type { StagedRun } from "./staged-run.ts";

const dir = mkdtempSync(join(tmpdir(), "external-tool-"));
afterAll(() => rmSync(dir, { recursive: true }));

let runs = 0;
let programs = "";
let ctx = aContext();
beforeEach(() => {
  runs += 1;
  programs = join(dir, `bin-${runs}`);
  mkdirSync(programs);
  ctx = aContext();
});

/** Puts a shell script into PATH under the name of the program. */
function install(name: string, script: string): void {
  const file = join(programs, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

const print = (text: string, code = 0) => `cat <<'END'\n${text}\nEND\nexit ${code}`;

/** What tools use of a run. */
function aRun(environment: Readonly<Record<string, string>> = {}): StagedRun {
  const folder = join(dir, `run-${runs}`);
  mkdirSync(folder);
  const PATH = `${programs}:/usr/bin:/bin`;
  const settings = { environment: { PATH, AWS_SECRET_ACCESS_KEY: "hunter22", ...environment } };
  const mask = (text: string) => text.replaceAll("s3cr3t", "***");
  return { ctx, folder, mask, settings, environment: { AWS_REGION: "eu-west-1" } } as unknown as StagedRun;
}

const change: ResourceChange = {
  address: "aws_instance.web",
  type: "aws_instance",
  name: "web",
  provider: "registry.terraform.io/hashicorp/aws",
  actions: ["create"],
  before: null,
  after: { instance_type: "t3.micro", user_data: "***" },
  unknown: { id: true },
  isImport: false,
  changedAttributes: [],
};
const planJson = {
  format_version: "1.2",
  planned_values: {
    root_module: {
      resources: [
        {
          address: "aws_instance.web",
          mode: "managed",
          type: "aws_instance",
          name: "web",
          provider_name: "registry.terraform.io/hashicorp/aws",
          values: { instance_type: "t3.micro", user_data: "***" },
        },
      ],
    },
  },
  resource_changes: [
    {
      address: "aws_instance.web",
      mode: "managed",
      type: "aws_instance",
      name: "web",
      provider_name: "registry.terraform.io/hashicorp/aws",
      change: {
        actions: ["create"],
        before: null,
        after: { instance_type: "t3.micro", user_data: "***" },
        after_unknown: { id: true },
      },
    },
  ],
};
const limits = { timeoutMs: 20_000, maxBytes: 10_000 };

// The shapes are those of the documentation of conftest 0.62: the program itself is in no registry that tests use.
const result = (more: object) => JSON.stringify([{ filename: "plan.json", namespace: "main", ...more }]);
const failure = { msg: "Use t3.nano.", metadata: { query: "data.main.deny_size" } };

describe("conftest", () => {
  const check = async (run = aRun(), given = limits) =>
    (await runConftest(run, { folder: "/policies", changes: [change], limits: given })).map(
      ({ level, text }) => `${level}: ${text}`,
    );
  const broken = (reason: string) => [`error: conftest cannot be evaluated: ${reason}`];

  it.each([
    ["nothing to object to", print(result({ successes: 2 })), []],
    ["a failure", print(result({ successes: 1, failures: [failure] }), 1), ["error: main.deny_size: Use t3.nano."]],
    ["a failure, and exit code 0", print(result({ failures: [failure] })), ["error: main.deny_size: Use t3.nano."]],
    [
      "a warning, and a failure without the name of its rule",
      print(result({ successes: 0, warnings: [failure], failures: [{ msg: "a\n\u001b[31m s3cr3t" }] }), 1),
      ["error: main: a [31m ***", "warning: main.deny_size: Use t3.nano."],
    ],
    ["an exception from a rule", print(result({ successes: 0, exceptions: [failure] })), []],
    ["no rule at all", print(result({ successes: 0 })), broken("no rule was evaluated")],
    ["no namespace", print("[]"), broken("no rule was evaluated")],
    [
      "exit code 1 without a failure",
      `echo oops >&2\n${print(result({ successes: 1 }), 1)}`,
      broken("exit code 1: oops"),
    ],
    [
      "an error instead of results",
      "echo 'Error: load: no policies found in [/policies] s3cr3t' >&2; exit 1",
      broken("exit code 1, and no results: Error: load: no policies found in [/policies] ***"),
    ],
    ["another form of output", print('{"failures": 0}'), broken("exit code 0, and no results: nothing was printed")],
    ["no JSON", print("2 tests, 2 passed"), broken("exit code 0, and no results: nothing was printed")],
    ["too much output", "yes", broken("conftest printed more than 10000 bytes")],
    ["an end by a signal", "kill -9 $$", broken("conftest was ended by SIGKILL")],
  ])("that reports %s", async (_, script, expected) => {
    install("conftest", script);

    expect(await check()).toEqual(expected);
  });

  it("that is missing, cannot be started or does not end denies the plan", async () => {
    const missing = await check();
    writeFileSync(join(programs, "conftest"), "#!/nowhere/sh\n", { mode: 0o755 });
    runs += 1000;
    const dead = await check();
    install("conftest", "trap '' INT; sleep 60");
    runs += 1000;
    const slow = await check(aRun(), { ...limits, timeoutMs: 50 });

    expect(missing).toEqual(broken("conftest is not in PATH"));
    expect(dead).toEqual([expect.stringContaining("conftest cannot be started")]);
    expect(slow).toEqual(broken("conftest did not end within 0.05 s"));
  });

  it("gets the masked plan and the policies, and nothing of the runner's environment", async () => {
    install(
      "conftest",
      `echo "$@" >&2; env >&2; for f; do :; done; cat "$f" > ${programs}/seen; env > ${programs}/env; exit 3`,
    );

    const [problem] = await check();

    expect(JSON.parse(readFileSync(join(programs, "seen"), "utf8"))).toEqual({ ...planJson, configuration: {} });
    const names = readFileSync(join(programs, "env"), "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0]);
    // By its own mark a program is found when what started it has died.
    expect(names.filter((name) => !["PWD", "OLDPWD", "SHLVL", "_"].includes(name ?? "")).toSorted()).toEqual([
      ...["HOME", "PATH", "STACKYARD_PROGRAM", "TMPDIR"],
    ]);
    expect(problem).toContain(
      "exit code 3, and no results: test --no-color --output json --parser json --all-namespaces --policy /policies /",
    );
  });

  it("ends with its task", async () => {
    install("conftest", "sleep 60");
    const stopping = new AbortController();
    ctx = { ...ctx, signal: stopping.signal };
    const checking = check();
    stopping.abort();

    await expect(checking).rejects.toMatchObject({ code: "TERRAFORM_CANCELLED" });
  });
});

// The keys are those that infracost 0.10 prints.
const breakdown = (more: object = {}) =>
  JSON.stringify({
    version: "0.2",
    currency: "USD",
    projects: [],
    totalMonthlyCost: "8.468",
    summary: { totalDetectedResources: 3, totalSupportedResources: 1, totalUnsupportedResources: 2 },
    ...more,
  });

describe("infracost", () => {
  const estimate = (environment: Readonly<Record<string, string>> = { INFRACOST_API_KEY: "ico-s3cr3t" }) =>
    estimateWithInfracost(aRun(environment), [change], limits);

  it("estimates the masked plan in the region of its target, with its key and no other secret", async () => {
    install(
      "infracost",
      `for f; do :; done; cat "$f" > ${programs}/seen; env > ${programs}/env\n${print(breakdown())}`,
    );

    const estimated = await estimate();

    const environment = readFileSync(join(programs, "env"), "utf8");
    expect(estimated).toEqual({
      kind: "estimated",
      cost: { monthly: 8.47, currency: "USD", unpriced: 2, source: "infracost" },
    });
    expect(environment).toContain("INFRACOST_API_KEY=ico-s3cr3t\n");
    expect(environment).not.toContain("hunter22");
    const region = { region: { constant_value: "eu-west-1" } };
    expect(JSON.parse(readFileSync(join(programs, "seen"), "utf8"))).toEqual({
      ...planJson,
      configuration: { provider_config: { aws: { name: "aws", expressions: region } } },
    });
  });

  it.each([
    ["a currency other than USD", print(breakdown({ currency: "EUR" })), "infracost did not estimate in USD"],
    ["a negative price", print(breakdown({ totalMonthlyCost: "-1" })), "the output of infracost cannot be read"],
    ["text", print("Total 8 USD"), "the output of infracost cannot be read"],
    ["an error", "echo 'Invalid API Key ico-s3cr3t' >&2; exit 1", "infracost ended with exit code 1"],
  ])("gives no estimate when it reports %s", async (_, script, reason) => {
    install("infracost", script);

    expect(await estimate()).toEqual({ kind: "none", reason });
    expect(ctx.lines.join()).toContain(`No estimate of Infracost: ${reason}`);
    expect(ctx.lines.join()).not.toContain("s3cr3t");
  });

  it("gives none without its key, or without the program", async () => {
    expect(await estimate({})).toEqual({ kind: "none", reason: "INFRACOST_API_KEY is not set" });
    runs += 1000;
    expect(await estimate()).toEqual({ kind: "none", reason: "infracost is not in PATH" });
  });
});
