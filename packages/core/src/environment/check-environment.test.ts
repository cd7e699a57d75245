import { describe, expect, it } from "vitest";
import { checkEnvironment } from "./check-environment.ts";

const VARIABLES = {
  PORT: { meaning: "the port", pattern: /^\d+$/, must: "be a number", isRequired: true },
  COLOR: { meaning: "the color", pattern: /^(blue|green)$/, must: "be blue or green", isRequired: false },
};

describe("checkEnvironment", () => {
  it.each([{ PORT: "80" }, { PORT: "80", COLOR: "" }, { PORT: "80", COLOR: "blue", OTHER: "x" }])(
    "takes %j",
    (environment) => {
      expect(() => checkEnvironment(environment, VARIABLES)).not.toThrow();
    },
  );

  it("lists everything that is wrong, and no value", () => {
    const check = () => checkEnvironment({ PORT: "", COLOR: "hunter2" }, VARIABLES);
    const faults = ["PORT is not set; it must be a number.", "COLOR must be blue or green."];

    expect(check).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        details: { faults },
        message: `The environment of the function is wrong: ${faults.join(" ")}`,
      }),
    );
  });
});
