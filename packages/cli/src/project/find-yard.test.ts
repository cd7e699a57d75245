import { describe, expect, it } from "vitest";
import { findYard } from "./find-yard.ts";

const staging = { url: "https://staging.example.org" };
const file = { projectDir: "/p", path: "/p/stackyard.config.ts", config: { yards: { staging } } };

describe("a yard by its name", () => {
  it("is that of the configuration", () => {
    expect(findYard(file, "staging")).toBe(staging);
  });

  it("that is not there is told with the nearest name", () => {
    expect(() => findYard(file, "stagin")).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: 'There is no yard "stagin" in /p/stackyard.config.ts.',
        details: { hint: 'Did you mean "staging"?' },
      }),
    );
    expect(() => findYard(file, "production")).toThrow(
      expect.objectContaining({ details: { hint: "It names staging. Write it under `yards`." } }),
    );
  });

  it("is none that every map has", () => {
    expect(() => findYard(file, "constructor")).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(() => findYard({ projectDir: "/p", config: {} }, "a")).toThrow("a stackyard.config.ts");
  });
});
