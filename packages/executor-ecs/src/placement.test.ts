import { describe, expect, it } from "vitest";
import { isTransientReason, toPlacementMessage, toReasonText } from "./placement.ts";

describe("isTransientReason", () => {
  it.each([
    "RESOURCE:MEMORY",
    "RESOURCE:CPU",
    "RESOURCE:ENI",
    "RESOURCE:FARGATE",
    "AGENT",
    "Capacity is unavailable at this time. Please try again later or in a different availability zone",
    "You've reached the limit on the number of tasks you can run concurrently",
    "You've reached the limit on the number of vCPUs you can run concurrently",
    "The cluster has reached the maximum number of tasks in the PROVISIONING state.",
    "You've reached the provisioning limit of the cluster.",
    "Rate exceeded",
  ])("takes %s for something that passes", (reason) => {
    expect(isTransientReason(reason)).toBe(true);
  });

  it.each([
    undefined,
    "",
    "ATTRIBUTE",
    "LOCATION",
    "INACTIVE",
    "MISSING",
    "EMPTY CAPACITY PROVIDER",
    "MemberOf placement constraint unsatisfied.",
    "AGENTS",
    "No Container Instances were found in your cluster.",
  ])("takes %s for something that stays", (reason) => {
    expect(isTransientReason(reason)).toBe(false);
  });
});

describe("the text of a placement", () => {
  it("names reason, detail and place", () => {
    expect(toReasonText({ reason: "ATTRIBUTE", detail: "no GPU", arn: "arn:1" })).toBe("ATTRIBUTE (no GPU) arn:1");
    expect(toReasonText({})).toBe("no reason was given");
  });

  it("tells equal reasons once", () => {
    expect(toPlacementMessage({ placed: 1, expected: 4 }, ["AGENT", "RESOURCE:CPU", "AGENT"])).toBe(
      "1 of 4 tasks found a place: 2 times AGENT; RESOURCE:CPU.",
    );
  });

  it("tells that nothing was told", () => {
    expect(toPlacementMessage({ placed: 0, expected: 1 }, [])).toBe(
      "0 of 1 tasks found a place: ECS named neither tasks nor failures.",
    );
  });
});
