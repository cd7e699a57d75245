import { describe, expect, it } from "vitest";
import { inventory } from "../inventory.ts";
import { toInstanceState } from "../to-instance-state.ts";
import { explainCode } from "./explain-code.ts";

describe("explainCode", () => {
  it.each(["1web", Array.from({ length: 51 }, (_, number) => `r${number}`).join()])(
    "explains why a role tag makes no inventory: %.20s",
    (tag) => {
      const found = inventory(tag);

      expect("code" in found && explainCode(found.code)).toMatchObject({ advice: expect.stringMatching(/\S/) });
    },
  );

  it.each(["Failed", "Execution Timed Out", "Delivery Timed Out", "Undeliverable", "Terminated", "Cancelled"])(
    "explains what SSM calls %s",
    (status) => {
      expect(explainCode(toInstanceState(status).code ?? "")).toMatchObject({ meaning: expect.stringMatching(/\S/) });
    },
  );

  it("leaves AWS's own codes to themselves", () => {
    expect(explainCode("INVALID_DOCUMENT")).toBeUndefined();
  });
});
