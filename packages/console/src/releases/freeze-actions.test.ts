import * as operations from "@stackyard/core/api/operations";
import { expect, it } from "vitest";
import { FREEZE_ACTIONS } from "./freeze-actions.ts";

it("names each operation that changes a freeze", () => {
  const changing = Object.values(operations).flatMap((each) =>
    typeof each === "object" && "path" in each && each.path.startsWith("/v1/freezes") && each.method !== "GET"
      ? [each.operationId]
      : [],
  );

  expect(FREEZE_ACTIONS.toSorted()).toEqual(changing.toSorted());
});
