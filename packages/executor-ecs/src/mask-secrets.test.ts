import { describe, expect, it } from "vitest";
import { createSecretMask } from "./mask-secrets.ts";

describe("createSecretMask", () => {
  const mask = createSecretMask(
    [
      {
        secrets: [{ name: "DB_PASS" }, { name: "A.B" }],
        environment: [
          { name: "API_TOKEN", value: "tok-12345" },
          { name: "STAGE", value: "production" },
          { name: "SHORT_SECRET", value: "abc" },
        ],
      },
    ],
    { containerOverrides: [{ name: "app", environment: [{ name: "MASTER_KEY_SECRET", value: "tok-12345-long" }] }] },
  );

  it.each([
    ["DB_PASS=hunter2 next", "DB_PASS=*** next"],
    ["DB_PASS: hunter2, next", "DB_PASS: ***, next"],
    ['{"DB_PASS":"hun ter2","a":1}', '{"DB_PASS":***,"a":1}'],
    ["A.B=x", "A.B=***"],
    ["AxB=x", "AxB=x"],
    ["MY_DB_PASSED=1", "MY_DB_PASSED=1"],
  ])("hides what follows the name of a secret: %s", (line, masked) => {
    expect(mask(line)).toBe(masked);
  });

  it("hides values of variables whose names sound secret, the longest first", () => {
    expect(mask("using tok-12345-long and tok-12345 in production")).toBe("using *** and *** in production");
  });

  it("leaves values alone that are too short to tell from other text", () => {
    expect(mask("abc")).toBe("abc");
  });

  it("hides what is secret by its form", () => {
    expect(mask("postgres://app:pw@db/x")).not.toContain("pw@");
  });

  it("leaves lines alone where there is nothing to hide", () => {
    expect(createSecretMask([])("migrated 3 tables")).toBe("migrated 3 tables");
  });
});
