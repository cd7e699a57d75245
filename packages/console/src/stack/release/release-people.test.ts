import { describe, expect, it } from "vitest";
import { anEntry } from "../../testing/a-stack.ts";
import { findApproval, findStarter } from "./release-people.ts";

const approve = (position: number, actor: string, changes = {}) =>
  anEntry(position, { event: "APPROVE_TASK", task: "approve", actor, ...changes });
const move = (position: number, from: string, to: string, changes = {}) => anEntry(position, { from, to, ...changes });

describe("findApproval", () => {
  it("has all who approved in the last visit, in their order and once, and when the last one did", () => {
    const entries = [
      move(9, "REVIEW", "PRODUCTION"),
      approve(8, "ben", { from: "REVIEW", to: "PRODUCTION" }),
      approve(7, "eve", { outcome: "rejected" }),
      approve(6, "ada"),
      approve(5, "ben", { task: "other" }),
      move(4, "STOPPED", "REVIEW"),
      approve(3, "carl"),
      move(2, "STAGING", "REVIEW"),
    ];

    expect(findApproval(entries)).toEqual({ at: anEntry(8).at, by: ["ada", "ben"] });
  });

  it("tells two people of one name apart, who are two approvals (grafana#17635)", () => {
    const entries = [
      approve(4, "ada", { actorId: "p2" }),
      approve(3, "ada", { actorId: "p1" }),
      move(2, "STAGING", "REVIEW"),
    ];

    expect(findApproval(entries)?.by).toEqual(["ada (p1)", "ada (p2)"]);
  });

  it("is unknown of a release without an approval", () => {
    expect(findApproval([move(2, "STAGING", "REVIEW")])).toBeUndefined();
    expect(findApproval([])).toBeUndefined();
  });
});

describe("findStarter", () => {
  it("is the sender of the first event, as far as the lines go back", () => {
    expect(findStarter([move(3, "STAGING", "REVIEW"), move(2, "INIT", "STAGING", { actor: "ci" })])).toBe("ci");
    expect(findStarter([move(3, "STAGING", "REVIEW", { actor: "ada" })])).toBeUndefined();
  });

  it("is the sender of the event that created the release, whose line has no state before", () => {
    const { from: _, ...created } = anEntry(1, { to: "STAGING", actor: "ci" });

    expect(findStarter([move(2, "STAGING", "REVIEW"), created])).toBe("ci");
  });
});
