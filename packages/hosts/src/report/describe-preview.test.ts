import type { DescribedStack } from "@stackyard/core";
import { aStack } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { describePreview } from "./describe-preview.ts";

function aDescribed(over: Partial<DescribedStack> & { readonly stack?: DescribedStack["stack"] } = {}): DescribedStack {
  const { stack = aStack({ state: "LIVE" }) } = over;
  const tasks = stack.tasks.map((task) => ({ ...task, why: "" }));
  return { summary: "Waits for an event: CLOSED.", tasks, ...over, stack };
}

const AN_ATTEMPT = {
  attemptId: "a",
  stackId: "pr-12",
  task: "apply",
  entry: 1,
  attempt: 1,
  executor: "terraform",
  status: "suspended",
  dispatchedAt: 0,
  deadlineAt: 1,
  token: 1,
  heldKeys: [],
} as const;
const plan = { adds: 2, changes: 0, destroys: 0, summary: "2 to add." };

describe("what a report says about a stack", () => {
  it("is read from its metadata, and then from the newest outputs", () => {
    const metadata = {
      url: "https://pr-7.example.org",
      expires_at: "2026-01-31T12:00:00Z",
      owner: "octocat",
      docs_url: "https://docs.example.org/",
      bad_url: "javascript:alert(1)",
      drifted: true,
    };
    const described = aDescribed({ stack: aStack({ state: "LIVE", metadata }) });
    const outputs = [
      { drifted: true, summary: "1 resource has drifted." },
      { url: "https://other.example.org", monthly_cost: 12.5, grafana_url: "https://grafana.example.org/d" },
      plan,
      { ...plan, summary: "An older one." },
    ];

    expect(describePreview({ described, outputs, owner: "eve" })).toEqual({
      stackId: "pr-12",
      state: "LIVE",
      phase: "ready",
      url: "https://pr-7.example.org/",
      plan: "2 to add.",
      monthlyCost: 12.5,
      expiresAt: Date.UTC(2026, 0, 31, 12),
      owner: "octocat",
      drift: "1 resource has drifted.",
      links: [
        { name: "docs", url: "https://docs.example.org/" },
        { name: "grafana", url: "https://grafana.example.org/d" },
      ],
      actions: [],
    });
  });

  it.each([
    [{ name: "apply", status: "PENDING", detail: "RUNNING" }, {}, "working"],
    [{ name: "apply", status: "PENDING", detail: "WAITING" }, {}, "working"],
    [{ name: "sign-off", status: "PENDING", detail: "APPROVING" }, {}, "waiting"],
    [{ name: "apply", status: "ERROR" }, { failed: true }, "failed"],
    [{ name: "apply", status: "SATISFIED" }, {}, "ready"],
    [{ name: "apply", status: "SATISFIED" }, { stalled: { code: "LOOP_LIMIT", reason: "" } }, "failed"],
    [{ name: "apply", status: "SATISFIED" }, { heldBack: { code: "REVISION_LOST", reason: "" } }, "failed"],
  ] as const)("has the phase of its tasks: %j %j", (task, over, phase) => {
    const described = aDescribed({ stack: aStack({ ...over, tasks: [task] }) });

    expect(describePreview({ described, outputs: [], owner: "eve" }).phase).toBe(phase);
  });

  it.each([
    ["lease", "apply: Creating a bucket."],
    ["poll", "apply: Creating a bucket."],
    ["worker", "apply waits for a worker."],
    ["cancel", "apply is being stopped."],
    ["timer", "apply has failed, and is tried again."],
    ["leaving", "Waits until destroy of an earlier state has ended."],
    ["need", "Waits for apply. 4s"],
  ] as const)("says without a time that passes that it waits for %s", (kind, reason) => {
    const stack = aStack({ tasks: [{ name: "apply", status: "PENDING", detail: "RUNNING" }] });
    const attempt = { ...AN_ATTEMPT, progressMessage: "Creating a bucket." };
    const tasks = stack.tasks.map((task) => ({ ...task, why: "", attempt }));
    const waitsFor = { kind, task: "apply", tasks: ["destroy"] };
    const described = aDescribed({ stack, tasks, waitsFor, summary: "Waits for apply. 4s" });

    expect(describePreview({ described, outputs: [], owner: "eve" }).reason).toBe(reason);
  });

  it("is ready while a task waits until the preview is not used", () => {
    const stack = aStack({ state: "LIVE", tasks: [{ name: "unused", status: "PENDING", detail: "RUNNING" }] });
    const attempt = {
      ...AN_ATTEMPT,
      task: "unused",
      executor: "idle",
      progressMessage: "The last request was 1m ago.",
    };
    const tasks = stack.tasks.map((task) => ({ ...task, why: "", attempt }));
    const waitsFor = { kind: "poll", task: "unused", at: 5 } as const;

    const { phase, reason } = describePreview({
      described: aDescribed({ stack, tasks, waitsFor }),
      outputs: [],
      owner: "eve",
    });

    expect({ phase, reason }).toEqual({ phase: "ready", reason: undefined });
  });

  const ledBy = { task: "leak-check", state: "CLEAN-UP", code: "LEFT_BEHIND" };

  it("has failed in the state that a failure of its work has led to", () => {
    const described = aDescribed({ stack: aStack({ state: "LEAKED" }), ledBy });

    const facts = describePreview({ described, outputs: [], owner: "eve" });

    expect(facts).toMatchObject({ phase: "failed", failure: { task: "leak-check", code: "LEFT_BEHIND" } });
  });

  it("says without a time that passes that a failed stack waits for its own event", () => {
    const waitsFor = { kind: "timer", event: "CLOSED", events: ["CLOSED"], at: 5 } as const;
    const stack = aStack({ state: "LEAKED" });

    const facts = describePreview({
      described: aDescribed({ stack, ledBy, waitsFor, summary: "CLOSED is sent automatically in 59m." }),
      outputs: [],
      owner: "eve",
    });

    expect(facts).toMatchObject({ reason: "Waits for an event: CLOSED. CLOSED is sent automatically.", until: 5 });
  });

  it("names who may approve and until when, without a time that passes", () => {
    const waitsFor = {
      kind: "approval",
      task: "sign-off",
      need: 1,
      groups: ["a", "b"],
      given: ["eve"],
      at: 5,
    } as const;
    const stack = aStack({ tasks: [{ name: "sign-off", status: "PENDING", detail: "APPROVING" }] });

    const { reason, until } = describePreview({
      described: aDescribed({ stack, waitsFor }),
      outputs: [],
      owner: "eve",
    });

    expect({ reason, until }).toEqual({
      reason: "sign-off waits for 1 approval from a or b. Approved by eve.",
      until: 5,
    });
  });

  it("shows the task that failed, and its log", () => {
    const task = { name: "apply", status: "ERROR", errorCode: "FAILED", errorMessage: "No." } as const;
    const described = aDescribed({ stack: aStack({ failed: true, tasks: [task] }) });

    expect(describePreview({ described, outputs: [], owner: "eve", log: "end" }).failure).toEqual({
      task: "apply",
      code: "FAILED",
      message: "No.",
      log: "end",
    });
  });

  it.each([
    ["asleep", ["WAKE", "PUSHED"]],
    ["ready", ["SLEEP", "PUSHED"]],
    // A machine may handle both in each state.
    ["ready", ["SLEEP", "WAKE"]],
  ] as const)("is %s in a state that handles %j", (phase, events) => {
    const commands = { wake: { event: "WAKE", metadata: {} }, sleep: { event: "SLEEP", metadata: {} } };
    const described = aDescribed({ waitsFor: { kind: "timer", event: "CLOSED", events } });
    const actions = [{ label: "Wake up", url: "https://yard.example.org/wake/x" }];

    const facts = describePreview({ described, outputs: [], owner: "eve", commands, actions });

    expect(facts).toMatchObject({ phase });
    expect(facts.reason).toBeUndefined();
    expect(describePreview({ described, outputs: [], owner: "eve", actions }).phase).toBe("quiet");
  });

  it("links the console, and pages of services, over https or on this computer only", () => {
    const described = aDescribed({ stack: aStack({ id: "team/pr 7" }) });
    const actions = ["https://yard.example.org/wake/x", "http://example.org/wake/x", "javascript:alert(1)"].map(
      (url) => ({
        label: "Wake\n up",
        url,
      }),
    );
    const describe = (yardUrl: string) => describePreview({ described, outputs: [], owner: "eve", actions, yardUrl });

    expect(describe("https://yard.example.org/")).toMatchObject({
      console: "https://yard.example.org/stack?id=team%2Fpr+7",
      actions: [{ name: "Wake up", url: "https://yard.example.org/wake/x" }],
    });
    expect(describe("http://127.0.0.1:7070").console).toBe("http://127.0.0.1:7070/stack?id=team%2Fpr+7");
    expect(describe("http://yard.example.org").console).toBeUndefined();
  });
});
