import { readFileSync } from "node:fs";
import { failed, type Stack, succeeded } from "@stackyard/core";
import { decide, parseMachine } from "@stackyard/core/machine";
import { anEvent, createScriptedExecutor, createSimulator } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";

const DAY_MS = 86_400_000;
const FAULT = failed({ code: "NO_ROOM", message: "no room", retryable: false });

/** Starts the template `staging`, whose roll-outs and approvals fail when they shall, and sends events to one stack. */
function startStaging() {
  const fails = new Set<string>();
  let deployments = 0;
  const executors = ["terraform", "quota", "signed"].map((name) => {
    const { executor } = createScriptedExecutor(name, ({ task }) => {
      if (fails.has(task)) return FAULT;
      if (task === "app") deployments += 1;
      return succeeded({ address: "db", password: "x", url: "http://127.0.0.1" });
    });
    return executor;
  });
  const path = new URL("../template-staging/machines/staging.yaml", import.meta.url);
  const source = readFileSync(path, "utf8")
    .replaceAll("executor: approval", "executor: signed")
    .replace("    approved: [sign-off]\n", "");
  const { machine } = parseMachine(source, { name: "staging" });
  if (machine === undefined) throw new Error("The machine of the template is invalid.");
  const yard = createSimulator({ executors, machines: [{ machine, source }] });
  let count = 0;
  const state = async () => (await yard.findStack("web"))?.state;
  return {
    fails,
    countDeployments: () => deployments,
    yard,
    state,
    async send(event: string, version?: string) {
      count += 1;
      const given = version === undefined ? {} : { metadata: { app_version: version } };
      await yard.publish({ id: `e${count}`, stackId: "web", event, machine: "staging", ...given });
      await yard.settle();
      return state();
    },
  };
}

describe("a version of the template staging that a person rejects", () => {
  it("leaves the version before LIVE", async () => {
    const { fails, countDeployments, send } = startStaging();
    await send("OPENED", "1.0");
    fails.add("sign-off");

    expect(await send("RELEASED", "1.1")).toBe("LIVE");
    expect(countDeployments()).toBe(1);
  });

  it("does not make LIVE what has never been healthy, and cannot be deployed by RETRY", async () => {
    const { fails, countDeployments, send, yard, state } = startStaging();
    fails.add("database").add("sign-off");
    expect(await send("OPENED", "1.0")).toBe("BROKEN");
    fails.delete("database");

    const rejected = await send("RELEASED", "1.1");
    const retried = await send("RETRY");
    await yard.advance(2 * DAY_MS);

    expect([rejected, retried, await state()]).toEqual(["REFUSED", "REFUSED", "REFUSED"]);
    expect(countDeployments()).toBe(0);
    fails.delete("sign-off");
    expect(await send("RELEASED", "1.2")).toBe("LIVE");
    expect(countDeployments()).toBe(1);
  });
});

describe("a version of the template staging that a release manager approves", () => {
  const path = new URL("../template-staging/machines/staging.yaml", import.meta.url);
  const { machine } = parseMachine(readFileSync(path, "utf8"), { name: "staging" });
  const person = (id: string) => ({ kind: "person", id, name: id, groups: ["release-managers"] }) as const;

  function play(...events: readonly ReturnType<typeof anEvent>[]) {
    if (machine === undefined) throw new Error("The machine of the template is invalid.");
    let stack: Stack | undefined;
    for (const [index, event] of events.entries()) {
      const decision = decide(machine, stack, { ...event, id: `e${index}`, at: index, machine: "staging" });
      if (decision.kind === "applied") ({ stack } = decision);
    }
    return [stack?.state, stack?.lastFailure?.code, stack?.runs.map(({ task }) => task)];
  }

  const send = (name: string, version?: string) =>
    anEvent(name, { sender: person("oscar"), ...(version !== undefined && { metadata: { app_version: version } }) });
  const done = (name: string) =>
    anEvent("TASK_COMPLETED", {
      task: { name },
      origin: "worker",
      outputs: { address: "db", password: "x", url: "u" },
    });
  const ready = [send("OPENED", "1.0"), ...["place", "database", "app"].map(done), send("RELEASED", "1.1")];
  const approve = anEvent("APPROVE_TASK", { task: { name: "sign-off" }, of: "1.1", sender: person("rita") });
  const broken = [...ready, approve, anEvent("TASK_ERROR", { task: { name: "place" }, origin: "worker" })];

  it("is deployed, and RETRY deploys it again but no other one", () => {
    expect(play(...ready, approve)).toEqual(["RELEASE", undefined, ["place"]]);
    expect(play(...broken, send("RETRY"))).toEqual(["RELEASE", undefined, ["place"]]);
    expect(play(...broken, send("RETRY", "6.6"))).toEqual(["BROKEN", "APPROVAL_STALE", []]);
  });
});
