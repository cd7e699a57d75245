import { describe, expect, it } from "vitest";
import { readPlanDocument } from "../plan/plan-document.ts";
import { findDrift, toDriftSummary } from "./drift-run.ts";

/** As `show -json` of Terraform 1.11 writes it for a plan with -refresh-only. */
const document = {
  format_version: "1.2",
  resource_drift: [
    {
      address: "aws_autoscaling_group.web",
      mode: "managed",
      type: "aws_autoscaling_group",
      change: {
        actions: ["update"],
        before: { desired_capacity: 2, tags: { a: "1" }, user_data: "old" },
        after: { desired_capacity: 3, tags: { a: "2" }, user_data: "new" },
        before_sensitive: { user_data: true },
        after_sensitive: { user_data: true },
      },
    },
    {
      address: "aws_instance.gone",
      mode: "managed",
      type: "aws_instance",
      change: { actions: ["delete"], before: { id: "i-1" }, after: null },
    },
    {
      address: "aws_instance.moved",
      previous_address: "aws_instance.old",
      mode: "managed",
      type: "aws_instance",
      change: { actions: ["no-op"], before: { id: "i-2" }, after: { id: "i-2" } },
    },
  ],
};
const drift = (await readPlanDocument({ bytes: Buffer.from(JSON.stringify(document)) }, (text) => text))?.drift ?? [];

describe("findDrift", () => {
  it("returns what was changed or deleted, sensitive attributes too, by name only", () => {
    expect(findDrift(drift, [])).toEqual([
      { address: "aws_autoscaling_group.web", attributes: ["desired_capacity", "tags", "user_data"] },
      { address: "aws_instance.gone", attributes: [] },
    ]);
  });

  it.each([
    [["aws_autoscaling_group.*:desired_capacity"], ["tags", "user_data"]],
    [["*:tags", "*:user_data"], ["desired_capacity"]],
    [["aws_autoscaling_group.other:tags"], ["desired_capacity", "tags", "user_data"]],
  ])("leaves out %j", (ignore, attributes) => {
    expect(findDrift(drift, ignore)[0]).toEqual({ address: "aws_autoscaling_group.web", attributes });
  });

  it("ignores a deletion only with every attribute of the resource", () => {
    expect(findDrift(drift, ["aws_instance.gone:id", "aws_autoscaling_group.web:*"])).toEqual([
      { address: "aws_instance.gone", attributes: [] },
    ]);
    expect(findDrift(drift, ["aws_instance.gone:*", "aws_autoscaling_group.web:*"])).toEqual([]);
  });
});

describe("toDriftSummary", () => {
  it("names resources and attributes, and no values", () => {
    expect(toDriftSummary(findDrift(drift, []))).toBe(
      "2 resources differ from the state.\n" +
        "aws_autoscaling_group.web: desired_capacity, tags, user_data\n" +
        "aws_instance.gone: deleted",
    );
    expect(toDriftSummary([])).toBe("No drift.");
  });

  it("stays short", () => {
    const found = Array.from({ length: 60 }, (_, index) => ({ address: `a.b[${index}]`, attributes: ["tags"] }));

    expect(toDriftSummary(found).split("\n")).toHaveLength(52);
    expect(toDriftSummary(found)).toMatch(/and 10 more$/);
  });
});
