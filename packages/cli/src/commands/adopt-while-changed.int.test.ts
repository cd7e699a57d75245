import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

// A workflow that is still on writes its state while the yard takes it over.
// Reported: carina-rs/carina#2834 ("causing migration to publish a stale snapshot").

const APP = `variable "stack_id" { type = string }
resource "terraform_data" "app" { input = var.stack_id }
`;
const MACHINE = `version: 2
events: { ADOPTED: {} }
states:
  INIT: { on: { ADOPTED: CHECK } }
  CHECK:
    tasks: [plan]
    on:
      NEXT:
        - { when: tasks.plan.outputs.unchanged, action: advance, state: LIVE }
        - { action: advance, state: DIFFERS }
      FAILED: DIFFERS
  DIFFERS: { on: { ADOPTED: CHECK } }
  LIVE: {}
tasks:
  plan:
    executor: terraform
    config: { action: plan, source: { type: local, location: app } }
`;
/** The state of a stack, as Terraform writes it. */
const toState = (stack: string, serial: number) => ({
  version: 4,
  terraform_version: "1.9.0",
  serial,
  lineage: `of-${stack}`,
  outputs: {},
  resources: [
    {
      mode: "managed",
      type: "terraform_data",
      name: "app",
      provider: 'provider["terraform.io/builtin/terraform"]',
      instances: [
        {
          schema_version: 0,
          attributes: {
            id: "9e8f2a4c-0000-4000-8000-000000000000",
            input: { value: stack, type: "string" },
            output: { value: stack, type: "string" },
            triggers_replace: null,
          },
        },
      ],
    },
  ],
});

/** How often a state was read, and from which read on it is the next one. */
const reads = new Map<string, number>();
const changesAt = new Map<string, number>();
const backend = createServer(({ url = "" }, response) => {
  const stack = url.slice(1);
  const read = (reads.get(stack) ?? 0) + 1;
  reads.set(stack, read);
  response.end(JSON.stringify(toState(stack, read < (changesAt.get(stack) ?? Number.POSITIVE_INFINITY) ? 1 : 2)));
});
let project: ReturnType<typeof makeTempProject>;
let server: ReturnType<typeof startCli>;
let ready: { readonly url: string; readonly tokenFile: string };
beforeAll(async () => {
  project = makeTempProject({
    "stackyard.config.json": JSON.stringify({ server: { port: 0 } }),
    "machines/app.yaml": MACHINE,
    "app/main.tf": APP,
  });
  const env = { PATH: process.env["PATH"] ?? "", CHECKPOINT_DISABLE: "1" };
  server = startCli(["server", "--with-worker", "--json"], { cwd: project.folder, env });
  ready = JSON.parse(await server.line((line) => line.includes('"kind":"ready"')));
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  backend.close();
  server.interrupt();
  await server.result;
  project.remove();
});
beforeEach(() => {
  reads.clear();
  changesAt.clear();
});

async function adopt(stack: string) {
  const from = `http://127.0.0.1:${(backend.address() as AddressInfo).port}/{stack}`;
  const words = ["adopt", stack, "--machine", "app", "--from", from, "--json"];
  const { exitCode, stdout } = await runCli(words, { cwd: project.folder });
  const [row] = parseLines(stdout);
  return [exitCode, row?.["outcome"], row?.["reason"]];
}

const hasTerraform = spawnSync("terraform", ["version"]).status === 0;

describe.runIf(hasTerraform)("a state that is taken over while something else works with it", () => {
  it("is taken over if nothing changes it", async () => {
    expect(await adopt("calm")).toEqual([0, "adopted", undefined]);
    expect(await adopt("calm")).toEqual([0, "unchanged", undefined]);
  });

  it("is refused, and the yard has nothing of it, if it changes after the check", async () => {
    changesAt.set("early", 2);

    const refused = await adopt("early");

    expect(refused).toEqual([1, "refused", expect.stringMatching(/changed meanwhile \(serial 2, not 1\).*Turn off/)]);
    const known = await Promise.all([
      runCli(["stacks", "ls", "--json"], { cwd: project.folder }),
      runCli(["states", "ls", "--json"], { cwd: project.folder }),
    ]);
    expect(known.map(({ stdout }) => stdout.includes("early"))).toEqual([false, false]);
    // The next call takes over what is there now.
    expect(await adopt("early")).toEqual([0, "adopted", undefined]);
  });

  it("is reported as stale if it changes while the yard plans, and again by the next call", async () => {
    changesAt.set("late", 3);

    expect(await adopt("late")).toEqual([
      2,
      "stale",
      expect.stringMatching(/\(serial 2, not 1\).*push the newer state/),
    ]);
    expect(await adopt("late")).toEqual([
      1,
      "refused",
      expect.stringContaining("The yard has an older state of this environment (serial 1, not 2)"),
    ]);
  });

  it("is not older than the one of a yard that has applied since", async () => {
    await adopt("ahead");
    changesAt.set("ahead", 0);
    const key = `${ready.url}/terraform/state/app/ahead/local/app`;
    const headers = { authorization: `Bearer ${readFileSync(ready.tokenFile, "utf8").trim()}` };
    await fetch(key, { method: "POST", headers, body: JSON.stringify(toState("ahead", 3)) });

    expect(await adopt("ahead")).toEqual([0, "unchanged", undefined]);
  });
});
