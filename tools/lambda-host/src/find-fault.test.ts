import { describe, expect, it } from "vitest";
import { findEventSourceFault, findFunctionFault } from "./find-fault.ts";
import type { FunctionInput } from "./function-input.ts";

const aFunction: FunctionInput = { name: "f", environment: {}, create: () => () => null, timeoutMs: 30_000 };
const aSource = { queueUrl: "http://127.0.0.1/0/q", functionName: "f" };
const times = { visibilityMs: 180_000, timeoutMs: 30_000 };

describe("what Lambda refuses of a function", () => {
  it.each([
    [{ timeoutMs: 900_001 }, "between 1 and 900 seconds"],
    [{ timeoutMs: 0 }, "between 1 and 900 seconds"],
    [{ reservedConcurrency: 901 }, "leave 100"],
  ])("%j", (change, fault) => {
    expect(findFunctionFault({ ...aFunction, ...change })).toContain(fault);
  });

  it("lets the rest be", () => {
    expect(findFunctionFault({ ...aFunction, timeoutMs: 900_000, reservedConcurrency: 1 })).toBeUndefined();
  });
});

describe("what Lambda refuses of an event source mapping", () => {
  it("is a queue whose messages come back while the function may still run", () => {
    expect(findEventSourceFault(aSource, { ...times, visibilityMs: 29_000 })).toBe(
      "InvalidParameterValueException: Queue visibility timeout: 29 seconds is less than Function timeout: 30 seconds",
    );
  });

  it.each([
    [{ batchSize: 11 }, "batching window"],
    [{ batchSize: 0 }, "batching window"],
    [{ maximumConcurrency: 1 }, "between 2 and 1000"],
    [{ maximumConcurrency: 1_001 }, "between 2 and 1000"],
  ])("%j", (change, fault) => {
    expect(findEventSourceFault({ ...aSource, ...change }, times)).toContain(fault);
  });

  it("lets the rest be", () => {
    expect(findEventSourceFault({ ...aSource, batchSize: 1, maximumConcurrency: 2 }, times)).toBeUndefined();
  });
});
