import { StackyardError } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createJsonLogger, type LogLevel } from "./json-logger.ts";

function createLog(level: LogLevel) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return { lines, logger: createJsonLogger({ service: "state-manager", level, clock: createFakeClock(), write }) };
}

describe("the logger", () => {
  it("writes a line of JSON with what it is given", () => {
    const { lines, logger } = createLog("info");

    logger.info("An event was applied.", { stackId: "pr-12" });

    const expected = { time: "2026-01-01T00:00:00.000Z", level: "info", service: "state-manager" };
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { ...expected, message: "An event was applied.", stackId: "pr-12" },
    ]);
    expect(lines[0]?.endsWith("}\n")).toBe(true);
  });

  it("leaves out what is less severe than asked for", () => {
    const { lines, logger } = createLog("warn");

    for (const level of ["debug", "info", "warn", "error"] as const) logger[level](level);

    expect(lines.map((line) => JSON.parse(line).message)).toEqual(["warn", "error"]);
  });

  it("tells errors with their code and cause", () => {
    const { lines, logger } = createLog("debug");
    const error = new StackyardError("STORE_UNAVAILABLE", "no answer", { cause: new TypeError("socket") });

    logger.error("It failed.", { error, big: 1n });

    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      error: { code: "STORE_UNAVAILABLE", message: "no answer", cause: { name: "TypeError", message: "socket" } },
      big: "1",
    });
  });
});
