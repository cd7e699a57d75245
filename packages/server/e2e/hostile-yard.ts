import { cpSync, globSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defineExecutor, failed, running } from "@stackyard/core";
import type { CustomResourceRun } from "@stackyard/core/api";
import { Type } from "typebox";
import { fakeArtifacts } from "../src/testing/fake-artifacts.ts";
import { type ConsoleYard, startConsoleYard } from "./console-yard.ts";

/** A yard with a server on the loopback, with data that tries to inject code into a browser. */
export interface HostileYard extends ConsoleYard {
  /** The stack with the failed task, and the attempt of that task. */
  readonly stackId: string;
  readonly attemptId: string;
  /** A job that does not end. */
  readonly jobId: string;
  /** A running release and a failed one. */
  readonly releaseId: string;
  readonly failedReleaseId: string;
  /** A Terraform state with two versions, and a locked one. */
  readonly stateKey: string;
  readonly lockedKey: string;
}

const MARKUP = `<img src="https://evil.example/x.png" onerror="window.hacked=1"><script>window.hacked=1</script>`;
const HOSTILE = `${MARKUP} javascript:alert(1) \u202egnp.exe \u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007 __proto__ ../../etc`;
const STACK = "pr-12/../%2e<img onerror=x>";

const MACHINE = `
version: 2
description: ${JSON.stringify(HOSTILE)}
events: { LAUNCH: {}, DEPLOY: {} }
metadata: { note: { type: string }, link: { type: string }, password: { type: string, sensitive: true } }
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [create, sign-off], on: { NEXT: IDLE } }
  IDLE: { on: { DEPLOY: UP } }
tasks:
  create: { executor: script, config: {} }
  sign-off: { executor: approval, config: { from: [release-managers] } }
`;

/** Fails with hostile texts in its log and its error. */
const script = defineExecutor({
  name: "script",
  config: Type.Object({}),
  async start(ctx) {
    ctx.report(HOSTILE);
    ctx.report("\u001b[31mred\u001b[0m and \u001b[2J cleared");
    return failed({ code: "BROKEN", message: HOSTILE, retryable: false });
  },
});

/** Runs until the yard ends. */
const endless = defineExecutor({
  name: "endless",
  config: Type.Object({}),
  progress: Type.Object({}),
  start: async () => running({ progress: {}, pollAfterMs: 3_600_000, message: HOSTILE }),
  poll: async () => running({ progress: {}, pollAfterMs: 3_600_000, message: HOSTILE }),
});

/** Releases that run until the yard ends, or fail immediately. */
const asg = defineExecutor({
  name: "asg",
  config: Type.Object({ op: Type.String(), release: Type.Record(Type.String(), Type.String()) }),
  progress: Type.Object({}),
  async start(_ctx, { release }) {
    if (release["release_id"] === "failed") {
      return failed({ code: "RELEASE_FAILED", message: HOSTILE, retryable: false });
    }
    return running({ progress: {}, pollAfterMs: 3_600_000, message: HOSTILE });
  },
  poll: async () => running({ progress: {}, pollAfterMs: 3_600_000, message: HOSTILE }),
});

const BUSY_MACHINE = `
version: 2
events: [LAUNCH]
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [wait] }
tasks:
  wait: { executor: endless, config: {} }
`;

/** Executors of the examples' machines, which no stack of this yard reaches. */
const others = ["delay", "ecs", "lambda", "runner", "terraform"].map((name) =>
  defineExecutor({
    name,
    config: Type.Object({}),
    start: async () => failed({ code: "X", message: "x", retryable: false }),
  }),
);

/** A failed request of CloudFormation. */
const REQUEST: CustomResourceRun = {
  id: "8236-r",
  requestId: HOSTILE,
  requestType: "Update",
  stackId: `arn:aws:cloudformation:eu-west-1:111122223333:stack/${MARKUP}/1`,
  logicalId: HOSTILE,
  resourceId: "0123456789abcdef0123456789abcdef",
  cluster: HOSTILE,
  taskDefinition: HOSTILE,
  taskArns: ["arn:aws:ecs:eu-west-1:111122223333:task/web/96052dc0123456789abcdef012345678", HOSTILE],
  receivedAt: "2026-01-01T00:00:00.000Z",
  startedAt: "2026-01-01T00:00:10.000Z",
  answeredAt: "2026-01-01T00:01:00.000Z",
  answer: { status: "FAILED", reason: HOSTILE, physicalId: HOSTILE, data: { Ran: "true" } },
};

/** Starts one on SQLite with the machines of the examples, and waits until a task has failed and an approval waits. */
export async function startHostileYard(): Promise<HostileYard> {
  const examples = join(import.meta.dirname, "../../../examples");
  const yard = await startConsoleYard({
    executors: [script, endless, asg, ...others],
    artifacts: fakeArtifacts,
    customResources: [REQUEST],
    name: MARKUP,
    grants: [
      { to: { token: MARKUP }, role: "admin", also: ["states:write"] },
      { to: { group: "release-managers" }, role: "admin", also: ["states:read", "states:write", "secrets:read"] },
    ],
    addMachines(folder) {
      for (const file of globSync("*/machines/*.{yml,yaml}", { cwd: examples })) {
        cpSync(join(examples, file), join(folder, `${file.split("/")[0]}-${basename(file)}`));
      }
      writeFileSync(join(folder, "hostile.yaml"), MACHINE);
      writeFileSync(join(folder, "busy.yaml"), BUSY_MACHINE);
    },
  });
  const { call } = yard;
  const metadata = { note: HOSTILE, link: "javascript:alert(1)", password: HOSTILE };
  await call("/v1/tokens", { name: "ci", role: "viewer", expires: "90d" });
  await call("/v1/events", { event: "LAUNCH", stackId: STACK, machine: "hostile", metadata });
  await call("/v1/events", {
    event: "UNKNOWN",
    stackId: STACK,
    machine: "hostile",
    metadata: { constructor: HOSTILE },
  });
  await call("/v1/events", { event: "LAUNCH", stackId: "busy-1", machine: "busy" });
  const { jobId } = await call<{ readonly jobId: string }>("/v1/jobs", { executor: "endless", config: {} });
  const release = {
    aws_account_id: "111122223333",
    aws_region: "eu-west-1",
    project_name: MARKUP,
    config_name: "production",
  };
  const startRelease = async (release_id: string) => {
    const config = { op: "deploy", release: { ...release, release_id } };
    return (await call<{ readonly jobId: string }>("/v1/jobs", { executor: "asg", config })).jobId;
  };
  const [releaseId, failedReleaseId] = [await startRelease(HOSTILE), await startRelease("failed")];
  const stateKey = "hostile/<img onerror=x>/state";
  const lockedKey = "hostile/locked";
  for (const serial of [1, 2]) {
    const state = { version: 4, serial, lineage: MARKUP, outputs: {}, resources: [] };
    await call(`/terraform/state/${encodeURIComponent(stateKey)}`, state);
  }
  const lock = { ID: "l-1", Operation: HOSTILE, Info: "", Who: MARKUP, Version: "1.9.0", Created: "", Path: "" };
  await call(`/terraform/state/${encodeURIComponent(lockedKey)}`, lock, "LOCK");
  const path = `/v1/stacks/${encodeURIComponent(STACK)}`;
  type Attempts = { readonly items: readonly { readonly attemptId: string; readonly outcome?: string }[] };
  let attemptId: string | undefined;
  while (attemptId === undefined) {
    await sleep(50);
    const { items } = await call<Attempts>(`${path}/attempts`);
    attemptId = items.find(({ outcome }) => outcome === "failed")?.attemptId;
  }
  return { ...yard, stackId: STACK, attemptId, jobId, releaseId, failedReleaseId, stateKey, lockedKey };
}
