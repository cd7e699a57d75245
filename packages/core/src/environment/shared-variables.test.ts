import { describe, expect, it } from "vitest";
import { findSealFaults, readYardName } from "./shared-variables.ts";

describe("readYardName", () => {
  it.each([undefined, ""])("returns main where its name is %j", (YARD_NAME) => {
    expect(readYardName({ YARD_NAME })).toBe("main");
  });

  it("accepts only names that are the same in tags, metrics and role sessions", () => {
    expect(readYardName({ YARD_NAME: "blue" })).toBe("blue");
    expect(() => readYardName({ YARD_NAME: "two words" })).toThrow(
      "YARD_NAME must be 1 to 64 letters, digits and _.-.",
    );
  });
});

describe("findSealFaults", () => {
  const STACKYARD_SEAL_KMS_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1";

  it("accepts one kind of keys", () => {
    expect(findSealFaults({})).toEqual([]);
    expect(findSealFaults({ STACKYARD_SEAL_KMS_KEY })).toEqual([]);
    expect(findSealFaults({ STACKYARD_SEAL_KEY: "key", STACKYARD_SEAL_KEY_FILE: "/key" })).toEqual([]);
  });

  it.each(["STACKYARD_SEAL_KEY", "STACKYARD_SEAL_KEY_FILE"])("reports %s together with keys in KMS", (name) => {
    expect(findSealFaults({ [name]: "key", STACKYARD_SEAL_KMS_KEY })).toEqual([
      `${name} and STACKYARD_SEAL_KMS_KEY are both set. Unset one of them.`,
    ]);
  });
});
