import { describe, expect, it } from "vitest";
import { anId } from "./testing/a-run.ts";
import { type AgentCheck, evaluateAgent } from "./wait-for-agent.ts";

const instanceId = anId(1);
const instance = { instanceId, state: "running", tags: [{ key: "has_ssm_agent", value: "true" }] };
const online = { pingStatus: "Online" };

function look(overrides: Partial<AgentCheck> = {}, config = {}) {
  const watched = { lookedAt: 0, unwatchedMs: 0 };
  const check = { instance, agent: undefined, since: 0, polls: 0, now: 0, watched, isUnknown: false };
  return evaluateAgent({ ...check, ...overrides }, config);
}

describe("evaluateAgent", () => {
  it("sends once the agent is online", () => {
    expect(look({ agent: online })).toEqual({ kind: "send", instance });
    expect(look({ agent: { pingStatus: "ConnectionLost" } })).toMatchObject({ kind: "wait" });
  });

  it.each([
    [0, 5_000],
    [1, 10_000],
    [2, 20_000],
    [3, 30_000],
    [9, 30_000],
  ])("after %d looks it looks again in %d ms", (polls, afterMs) => {
    expect(look({ polls })).toMatchObject({ kind: "wait", afterMs });
  });

  it("gives up after ten minutes, or as configured, with a last look at that instant", () => {
    expect(look({ polls: 20, now: 590_000 })).toMatchObject({ kind: "wait", afterMs: 10_000 });
    expect(look({ now: 600_000 })).toEqual({ kind: "end", state: "failed", code: "SSM_AGENT_TIMEOUT" });
    expect(look({ now: 600_000, agent: online })).toEqual({ kind: "send", instance });
    expect(look({ now: 60_000 }, { agentTimeout: "1m" })).toMatchObject({ code: "SSM_AGENT_TIMEOUT" });
  });

  it("does not count unwatched time", () => {
    const watched = { lookedAt: 4_000_000, unwatchedMs: 3_600_000 };

    expect(look({ now: 4_000_000, watched })).toMatchObject({ kind: "wait", afterMs: 5_000 });
    expect(look({ now: 4_200_000, watched })).toMatchObject({ code: "SSM_AGENT_TIMEOUT" });
  });

  it("waits for EC2 to know the instance, until looks in a row did not show it", () => {
    expect(look({ instance: undefined, now: 90_000, polls: 4 })).toMatchObject({ kind: "wait", afterMs: 30_000 });
    expect(look({ instance: undefined, isUnknown: true })).toEqual({
      kind: "end",
      state: "skipped",
      code: "INSTANCE_GONE",
    });
  });

  it.each(["shutting-down", "terminated", "stopping", "stopped"])("takes a %s instance for gone", (state) => {
    expect(look({ instance: { ...instance, state } })).toMatchObject({ state: "skipped", code: "INSTANCE_GONE" });
  });

  it("waits while the instance starts, also where its agent is faster", () => {
    expect(look({ instance: { ...instance, state: "pending" }, agent: online })).toMatchObject({ kind: "wait" });
  });

  it("never touches an instance without the tag", () => {
    expect(look({ instance: { ...instance, tags: [] }, agent: online })).toMatchObject({ code: "TAG_MISSING" });
    expect(look({ agent: online }, { select: { tagValues: ["yes"] } })).toMatchObject({ code: "TAG_VALUE" });
  });
});
