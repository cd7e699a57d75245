import { describe, expect, it } from "vitest";
import { hintAt } from "./hint.ts";

const KNOWN = ["ami", "timeout", "services", "spot_price", "elbs"];

describe("hintAt", () => {
  it.each([
    ["Timeout", "timeout"],
    ["time-out", "timeout"],
    ["spotPrice", "spot_price"],
    ["timout", "timeout"],
    ["timeoutt", "timeout"],
    ["timeoot", "timeout"],
    ["tiemout", "timeout"],
    ["elb", ""],
    ["elbss", "elbs"],
    ["AMI", "ami"],
    ["amis", ""],
    ["colour", ""],
    ["", ""],
    ["t".repeat(100_000), ""],
  ])("has for %.20s: %s", (key, known) => {
    expect(hintAt(key, KNOWN)).toBe(known === "" ? "" : ` Do you mean "${known}"?`);
  });

  it("knows what people bring along from elsewhere", () => {
    expect(hintAt("warm_pool", KNOWN)).toBe(" Warm pools are not supported.");
    expect(hintAt("user_data_kms_key", KNOWN)).toBe(" User data is encrypted with the key of the bucket.");
  });
});
