import { describe, expect, it } from "vitest";
import { aFunction } from "../testing/yard-facts.ts";
import { evaluateFunctions } from "./evaluate-functions.ts";

const events = { role: "events", name: "stack-events" } as const;
const { mapping } = aFunction();

describe("the functions that read a yard's queues", () => {
  it("are named", () => {
    expect(evaluateFunctions([aFunction()], [events])).toEqual([
      { check: "function", status: "ok", message: "state-manager reads stack-events." },
    ]);
  });

  it("may be absent where a container reads", () => {
    expect(evaluateFunctions([], [events])).toMatchObject([
      { status: "warn", message: "No function reads stack-events: a container must read it, or nothing is processed." },
    ]);
    expect(evaluateFunctions([], [{ role: "longTasks", name: "stack-long-tasks" }])).toMatchObject([{ status: "ok" }]);
  });

  it("should read ticks", () => {
    expect(evaluateFunctions([], [{ role: "ticks", name: "stack-ticks" }])).toMatchObject([
      { status: "warn", message: expect.stringContaining("wait for the next sweep") },
    ]);
  });

  it("read no dead letters", () => {
    expect(evaluateFunctions([], [{ role: "eventDeadLetters", name: "event-dead-letters" }])).toEqual([]);
  });

  it("that are switched off do nothing", () => {
    const off = aFunction({ mapping: { ...mapping, isEnabled: false } });

    expect(evaluateFunctions([off], [events])).toMatchObject([
      { status: "fail", hint: expect.stringContaining("update-event-source-mapping --uuid 4a1f --enabled") },
    ]);
  });

  it("should report single messages, unless they get only one", () => {
    const whole = aFunction({ mapping: { ...mapping, reportsFailures: false } });
    const single = aFunction({ mapping: { ...mapping, reportsFailures: false, batchSize: 1 } });

    expect(evaluateFunctions([whole], [events])).toMatchObject([
      { status: "warn", hint: expect.stringContaining("--function-response-types ReportBatchItemFailures") },
    ]);
    expect(evaluateFunctions([single], [events])).toMatchObject([{ status: "ok" }]);
  });

  it("must report them where the function counts on it: what fails in a batch would be lost", () => {
    const variables = { SQS_TICK_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-ticks" };
    const losing = aFunction({ variables, mapping: { ...mapping, reportsFailures: false } });

    expect(evaluateFunctions([losing], [events])).toMatchObject([
      {
        status: "fail",
        message: expect.stringContaining("are lost"),
        hint: expect.stringContaining("--function-response-types ReportBatchItemFailures"),
      },
    ]);
  });

  it("must be allowed to loop; a function that reads two queues is reported once", () => {
    const ends = { recursiveLoop: "Terminate" };
    const functions = [aFunction(ends), aFunction({ queue: "ticks", ...ends })];

    const found = evaluateFunctions(functions, [events, { role: "ticks", name: "stack-ticks" }]);

    expect(found.filter(({ status }) => status === "warn")).toMatchObject([
      { hint: expect.stringContaining("--function-name state-manager --recursive-loop Allow") },
    ]);
  });
});
