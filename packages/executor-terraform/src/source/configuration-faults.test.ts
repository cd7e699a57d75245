import { findSlowStep } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { isConfigurationFault, saysConfigurationFault } from "./configuration-faults.ts";

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
    // `TF_WORKSPACE` with a backend that has none [atlantis#1572].
    "Error loading state: workspaces not supported",
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

  it("is what has a place in a file and belongs to no resource, unless it may pass", () => {
    const isFault = (summary: string, over: object = { place: "main.tf:2" }) =>
      isConfigurationFault({ severity: "error", summary, detail: "", ...over });

    expect(
      ["Operation failed", "Output refers to sensitive values", "Redundant move statement"].map((s) => isFault(s)),
    ).toEqual([true, true, true]);
    expect(isFault("Operation failed", {})).toBe(false);
    expect(isFault("creating Bucket: AccessDenied", { place: "main.tf:2", address: "aws_s3_bucket.a" })).toBe(false);
    expect(
      [
        "Resource precondition failed",
        "Module output value precondition failed",
        "Failed to download module",
        "Error accessing remote module registry",
        "Cannot import non-existent remote object",
      ].map((s) => isFault(s)),
    ).toEqual([false, false, false, false, false]);
  });

  it("is read from the text of init, where all errors must be such faults", () => {
    const fault = "Error: Unsupported backend type\n\n  on main.tf line 2";

    expect(saysConfigurationFault(`│ ${fault}`)).toBe(true);
    expect(saysConfigurationFault(`Error: Terraform encountered problems during initialisation\n${fault}`)).toBe(true);
    expect(saysConfigurationFault(`${fault}\nError: Failed to query available provider packages`)).toBe(false);
    expect(saysConfigurationFault("Killed")).toBe(false);
    expect(saysConfigurationFault("Error: Missing item separator\n\n  on main.tf line 3, in resource:\n  3: 1 2")).toBe(
      true,
    );
  });

  it("is a provider or a version that its registry does not have", () => {
    const summary = "Error: Failed to query available provider packages\n\nCould not retrieve the list of available";
    const answers = [
      "versions for\nprovider hashicorp/acme: provider registry registry.terraform.io does not\nhave a provider named registry.terraform.io/hashicorp/acme",
      "versions for provider hashicorp/aws: no available releases\n│ match the given constraints ~> 99.0",
      "versions for provider hashicorp/acme: could not connect to registry.terraform.io: no such host",
    ];

    expect(answers.map((answer) => saysConfigurationFault(`│ ${summary} ${answer}`))).toEqual([true, true, false]);
  });

  it.each(["\n", " ", "on ", "│ "])("is looked for in a run of %j in linear time", async (piece) => {
    const toText = (chars: number) => `Error: x\n${piece.repeat(chars / piece.length)}x`;

    expect(await findSlowStep(toText, saysConfigurationFault)).toBeUndefined();
  });
});
