import { describe, expect, it } from "vitest";
import { SYSTEM_EVENTS } from "../machine/event-message.ts";
import { JOB_MACHINE } from "../machine/machine.ts";
import { toRight } from "./access-config.ts";
import { OLD_RIGHTS } from "./decide-access.ts";
import { decideEvent, formatServiceDenial, SERVICE_RIGHTS } from "./decide-event.ts";
import { permissionOfEvent, ROLES } from "./permissions.ts";

const APPROVALS = ["APPROVE_TASK", "REJECT_TASK", "WITHDRAW_APPROVAL"];
const EVENTS = ["START", "RETRY", "CLOSE", "NEXT", "ANYTHING", ...APPROVALS, ...Object.values(SYSTEM_EVENTS)];
const operator = [toRight({ role: "operator", stacks: ["web-"] })];

describe("decideEvent", () => {
  it.each(EVENTS)("lets no sender send %s to an internal machine, whatever its rights", (name) => {
    const event = { name, stackId: "web-1", machine: JOB_MACHINE };
    const kinds = [OLD_RIGHTS, undefined].map((rights) => decideEvent(event, rights).kind);

    expect(kinds).toEqual(["internal", "internal"]);
    for (const role of ROLES) expect(decideEvent(event, [toRight({ role })]).kind).not.toBe("allowed");
  });

  it.each(EVENTS)("lets the yard itself send %s to an internal machine", (name) => {
    expect(decideEvent({ name, stackId: "run-1", machine: JOB_MACHINE, own: true })).toEqual({ kind: "allowed" });
  });

  it.each(EVENTS)(
    "lets an assistant send %s only if it needs no more than send or operate, whatever its rights",
    (name) => {
      const event = {
        name,
        stackId: "web-1",
        machine: "review-app",
        channel: "mcp",
        own: true,
        isNamed: true,
      } as const;
      const kinds = [OLD_RIGHTS, undefined].map((rights) => decideEvent(event, rights).kind);

      const isForAssistants = ["send", "operate"].includes(permissionOfEvent(name));
      expect(kinds).toEqual(isForAssistants ? ["allowed", "allowed"] : ["closed", "closed"]);
    },
  );

  it("does not show senders without the permission that a machine is internal", () => {
    const event = { name: "START", stackId: "api-1", machine: JOB_MACHINE };

    expect(decideEvent(event, operator)).toEqual({ kind: "denied", permission: "send", access: "absent" });
  });

  it.each([
    ["DEPLOY", "web-1", { kind: "allowed" }],
    ["DEPLOY", "api-1", { kind: "denied", permission: "send", access: "absent" }],
    ["CANCEL_TASK", "web-1", { kind: "allowed" }],
    ["SETTLE_TASK", "web-1", { kind: "denied", permission: "repair", access: "forbidden" }],
    ["REMOVE_STACK", "web-1", { kind: "denied", permission: "repair", access: "forbidden" }],
    ["NEXT", "web-1", { kind: "denied", permission: "repair", access: "forbidden" }],
  ])("decides about %s of %s by the permission of the operation", (name, stackId, decision) => {
    expect(decideEvent({ name, stackId, machine: "review-app" }, operator)).toEqual(decision);
  });

  it.each(["TASK_COMPLETED", "TASK_ERROR"])(
    "lets those who may settle tasks send %s, and those who are given it",
    (name) => {
      const event = { name, stackId: "web-1", machine: "review-app" };
      const decide = (also: ("repair" | "results")[]) => decideEvent(event, [toRight({ role: "operator", also })]).kind;

      expect([decide([]), decide(["results"]), decide(["repair"])]).toEqual(["denied", "allowed", "allowed"]);
      expect(ROLES.map((role) => decideEvent(event, [toRight({ role })]).kind)).toEqual([
        "denied",
        "denied",
        "allowed",
        "allowed",
      ]);
      expect(
        decideEvent({ ...event, stackId: "api-1" }, [
          toRight({ role: "operator", also: ["results"], stacks: ["web-"] }),
        ]),
      ).toEqual({ kind: "denied", permission: "results", access: "absent" });
    },
  );

  it("lets senders whom the task names send its results with no more than send", () => {
    const decide = (name: string, stackId: string, rights: Parameters<typeof decideEvent>[1]) =>
      decideEvent({ name, stackId, machine: "review-app", isNamed: true }, rights).kind;

    expect(decide("TASK_ERROR", "web-1", operator)).toBe("allowed");
    expect(decide("TASK_ERROR", "api-1", operator)).toBe("denied");
    expect(decide("TASK_ERROR", "web-1", [toRight({ role: "viewer" })])).toBe("denied");
    expect(decide("SETTLE_TASK", "web-1", operator)).toBe("denied");
    expect(
      decideEvent({ name: "TASK_ERROR", stackId: "web-1", machine: JOB_MACHINE, isNamed: true }, operator).kind,
    ).toBe("internal");
  });

  it("lets services send what operators may", () => {
    const allowed = EVENTS.filter((name) => {
      return decideEvent({ name, stackId: "pr-1", machine: "app" }, SERVICE_RIGHTS).kind === "allowed";
    });
    const denied = decideEvent({ name: "REMOVE_STACK", stackId: "pr-1" }, SERVICE_RIGHTS);

    expect(allowed).toEqual(expect.arrayContaining(["ANYTHING", "CANCEL_TASK", "RETRY_FAILED_TASKS"]));
    expect(allowed).not.toEqual(expect.arrayContaining(["SETTLE_TASK", "REMOVE_STACK", "NEXT", "APPROVE_TASK"]));
    if (denied.kind === "allowed") throw new Error("It must be denied.");
    expect(formatServiceDenial("REMOVE_STACK", denied)).toContain('"repair"');
  });
});
