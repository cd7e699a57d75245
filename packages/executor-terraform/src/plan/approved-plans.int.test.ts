// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { randomBytes } from "node:crypto";
import { provideService, type Stack, silentLogger } from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import {
  createMemoryStore,
  createStaticLocator,
  createUlids,
  publishMessages,
  startYard,
  systemClock,
} from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { createSealer, provideSealer } from "@stackyard/core/services";
import { afterEach, describe, expect, it } from "vitest";
import { TERRAFORM_STATE } from "../definition.ts";
import { aProject } from "../testing/a-project.ts";
import { hasTerraform } from "../testing/program.ts";
import { startStateServer } from "../testing/state-server.ts";

const main = `
variable "name" {}
resource "terraform_data" "app" { input = var.name }
output "name" { value = terraform_data.app.output }
`;

/** A plan is approved, waits for GO and is applied; NOTE may bring any metadata. \`plan\` is a key as any other. */
const MACHINE = `
version: 2
events: { OPENED: { metadata: [name] }, REPLAN: {}, NOTE: {}, GO: {} }
metadata: { name: { type: string }, plan: { type: string } }
states:
  INIT: { on: { OPENED: PLAN } }
  PLAN: { tasks: [plan, sign-off], on: { NEXT: READY, FAILED: BROKEN, NOTE: no-op, REPLAN: PLAN } }
  READY: { on: { GO: APPLY, NOTE: no-op, REPLAN: PLAN } }
  APPLY: { approved: [sign-off], tasks: [apply], on: { NEXT: LIVE, FAILED: STUCK, NOTE: no-op } }
  LIVE: { on: { REPLAN: PLAN } }
  STUCK: { on: { GO: APPLY, NOTE: no-op, REPLAN: PLAN } }
  BROKEN: { on: { REPLAN: PLAN } }
tasks:
  plan: { executor: terraform, config: { action: plan, source: &app { type: local, location: network } }, outputs: { plan: plan } }
  sign-off: { executor: approval, needs: [plan], config: { from: [managers], of: "\${metadata.plan}" } }
  apply: { executor: terraform, config: { action: apply, source: *app, plan: "\${metadata.plan}" } }
`;

const person = (id: string, ...groups: readonly string[]): Sender => ({ kind: "person", id, name: id, groups });
const [oscar, rita] = [person("oscar"), person("rita", "managers")] as const;
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

/** A yard with real Terraform, in which the event OPENED has made a plan for "blue". */
async function aYard(source = MACHINE) {
  const [server, project, store] = [
    await startStateServer(),
    aProject({ "network/main.tf": main }),
    createMemoryStore(),
  ];
  const executors = new Map([["terraform", project.executor()]]);
  const { machine, problems } = parseMachine(source, { name: "app", executors });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  const ids = createUlids();
  const deps = { store, locator: createStaticLocator([{ machine, source }]), executors, clock: systemClock, ids };
  const state = { url: server.url, password: async () => "7.proof" };
  const services = [provideSealer(createSealer([randomBytes(32)])), provideService(TERRAFORM_STATE, () => state)];
  const yard = startYard({ ...deps, logger: silentLogger }, { worker: { services } });
  open.push(
    server.close,
    async () => project.remove(),
    () => yard.stop(),
  );
  const find = async (): Promise<Stack | undefined> => (await store.load(["web-1"]))[0]?.stack;
  const send = async (event: string, body: object = {}, sender = oscar) => {
    const message = { stackId: "web-1", machine: "app", event, ...body };
    await publishMessages({ store, clock: systemClock, ids }, [message], { sender });
  };
  const until = async (is: (stack: Stack) => boolean): Promise<Stack> => {
    let stack: Stack | undefined;
    const check = async () => {
      stack = await find();
      return stack !== undefined && is(stack);
    };
    await expect.poll(check, { timeout: 60_000, interval: 50 }).toBe(true);
    return stack as Stack;
  };
  const untilAsked = async () => (await until(({ approvals = {} }) => "sign-off" in approvals)).metadata["plan"];
  const untilRests = (...states: readonly string[]) =>
    until(({ state: name, tasks }) => states.includes(name) && tasks.every(({ status }) => status !== "PENDING"));
  const approve = async (of: unknown, by = rita) => send("APPROVE_TASK", { task: { name: "sign-off" }, of }, by);
  await send("OPENED", { metadata: { name: "blue" } });
  return { server, send, untilAsked, untilRests, approve, first: await untilAsked() };
}

/** What runs: the output of the state. */
function runningIn({ states }: { readonly states: ReadonlyMap<string, string> }): unknown {
  const [state = "{}"] = states.values();
  return JSON.parse(state).outputs?.name?.value;
}

type Yard = Awaited<ReturnType<typeof aYard>>;

/** The plan for "blue" is rejected by asking for another; that for "green" is approved. */
async function approveGreen({ send, untilAsked, untilRests, approve, first }: Yard): Promise<unknown> {
  await send("REPLAN", { metadata: { name: "green" } });
  await expect.poll(untilAsked, { timeout: 60_000 }).not.toBe(first);
  const second = await untilAsked();
  await approve(second);
  await untilRests("READY");
  return second;
}

describe.skipIf(!hasTerraform())("a saved plan that was approved", () => {
  it("is the one that is applied", async () => {
    const yard = await aYard();
    await approveGreen(yard);

    await yard.send("GO");
    await yard.untilRests("LIVE");

    expect(runningIn(yard.server)).toBe("green");
  });

  it.each([
    ["an event before it is applied", ["NOTE"]],
    ["the event that applies it", ["GO"]],
  ])("is not swapped for an earlier one by %s (CVE-2026-27111)", async (_, [event = ""]) => {
    const yard = await aYard();
    await approveGreen(yard);

    await yard.send(event, { metadata: { plan: yard.first } });
    if (event !== "GO") await yard.send("GO");
    const { lastFailure } = await yard.untilRests("STUCK", "LIVE");

    expect([lastFailure?.code, runningIn(yard.server)]).toEqual(["APPROVAL_STALE", undefined]);
  });

  it("is not swapped by the retry of what has failed so, and is applied when it is named again", async () => {
    const yard = await aYard();
    const second = await approveGreen(yard);
    await yard.send("GO", { metadata: { plan: yard.first } });
    await yard.untilRests("STUCK");
    await yard.send("GO");
    const { lastFailure } = await yard.untilRests("STUCK");

    await yard.send("GO", { metadata: { plan: second } });
    await yard.untilRests("LIVE");

    expect(lastFailure?.code).toBe("APPROVAL_STALE");
    expect(runningIn(yard.server)).toBe("green");
  });

  it("cannot be approved under the id of another", async () => {
    const yard = await aYard();
    await yard.send("NOTE", { metadata: { plan: "0".repeat(32) } });

    await yard.approve(yard.first);
    await yard.approve("0".repeat(32), person("rob", "managers"));
    await yard.send("GO");
    const { lastFailure, state } = await yard.untilRests("STUCK", "LIVE");

    expect([state, lastFailure?.task, runningIn(yard.server)]).toEqual(["STUCK", "apply", undefined]);
  });
});
