import { JOB_MACHINE } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { inSchema } from "./database.ts";
import { isSchemaName } from "./store-options.ts";

describe("inSchema", () => {
  it("puts the schema's name before tables, functions and in texts", () => {
    const text = "select stackyard.f('stackyard.take') from stackyard.stack_gone join stackyard.stacks s on true";

    expect(inSchema(text, "prod")).toBe("select prod.f('prod.take') from prod.stack_gone join prod.stacks s on true");
  });

  it("names the predecessor's table where it lies", () => {
    expect(inSchema("stackyard.stacks, stackyard.stack_gone", "prod", "public")).toBe("public.stacks, prod.stack_gone");
  });

  it("leaves the name of the machine of jobs", () => {
    const text = `s.machine = '${JOB_MACHINE}'`;

    expect(inSchema(text, "prod")).toBe(text);
  });
});

describe("isSchemaName", () => {
  it.each([["stackyard"], ["_a1"], ["a".repeat(41)]])("takes %s", (name) => expect(isSchemaName(name)).toBe(true));

  it.each([[""], ["Prod"], ["a-b"], ["1a"], ["a".repeat(42)], ['a"; drop']])("refuses %j", (name) =>
    expect(isSchemaName(name)).toBe(false),
  );
});
