import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createLogTail,
  isConfigurationFault,
  saysConfigurationFault,
  toHead,
  toHeadAndTail,
  toTail,
} from "./failure.ts";

describe("createLogTail", () => {
  it("keeps the newest lines", () => {
    const tail = createLogTail(11);
    for (const line of ["one", "two", "three", "four"]) tail.add(line);

    expect(tail.text(100)).toBe("three\nfour");
    expect(tail.text(4)).toBe("four");
  });

  it("never returns more bytes than the limit, and cuts between characters", () => {
    const text = fc.string({ unit: "grapheme" }).filter((given) => !given.includes("\uFFFD"));

    fc.assert(
      fc.property(text, fc.nat(40), (given, bytes) => {
        for (const cut of [toTail(given, bytes), toHead(given, bytes)]) {
          expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytes);
          expect(given).toContain(cut);
        }
      }),
    );
  });
});

describe("toHeadAndTail", () => {
  it("keeps the beginning, which names the fault and its place, and the end [atlantis#55]", () => {
    const text = `error: It failed (main.tf:12)\n${"word ".repeat(5000)}the end`;
    const cut = toHeadAndTail(text, 1000);

    expect(cut).toMatch(/^error: It failed \(main\.tf:12\)[\s\S]*\n… \d+ bytes are left out …\n[\s\S]*the end$/);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1000);
    expect(toHeadAndTail("short", 1000)).toBe("short");
  });
});

describe("a fault of the configuration", () => {
  it.each([
    "Unreadable module directory",
    "Unsupported backend type",
    "Invalid value for variable",
    "Invalid value for input variable",
    "Reference to undeclared input variable",
    "Missing required argument",
    "No value for required variable",
    "Unsupported argument",
    'Duplicate resource "a" configuration',
  ])("is %j", (summary) => {
    expect(isConfigurationFault({ severity: "error", summary, detail: "" })).toBe(true);
  });

  it.each([
    "Failed to query available provider packages",
    "Failed to download module",
    "Error acquiring the state lock",
    "local-exec provisioner error",
    "creating EC2 Instance: operation error",
    "Error refreshing state: Failed to get state",
    "Invalid credentials",
    "",
  ])("is not %j, which may pass", (summary) => {
    expect(isConfigurationFault({ severity: "error", summary, detail: "" })).toBe(false);
  });

  it("is read from the text of init, where all errors must be such faults", () => {
    const fault = "Error: Unsupported backend type\n\n  on main.tf line 2";

    expect(saysConfigurationFault(`│ ${fault}`)).toBe(true);
    expect(saysConfigurationFault(`Error: Terraform encountered problems during initialisation\n${fault}`)).toBe(true);
    expect(saysConfigurationFault(`${fault}\nError: Failed to query available provider packages`)).toBe(false);
    expect(saysConfigurationFault("Killed")).toBe(false);
  });
});
