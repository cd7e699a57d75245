import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createJsonLogger } from "./json-logger.ts";

function log(level?: "warn") {
  const lines: string[] = [];
  const options = { clock: createFakeClock(0), write: (line: string) => void lines.push(line) };
  return { lines, logger: createJsonLogger(level === undefined ? options : { ...options, level }) };
}

describe("the logger", () => {
  it("writes a line of JSON whose head no field can change", () => {
    const { lines, logger } = log();

    logger.info("It is so.", { key: "a", level: "error", error: new Error("at https://host/key?secret") });

    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        time: "1970-01-01T00:00:00.000Z",
        level: "info",
        message: "It is so.",
        key: "a",
        error: { name: "Error", message: "at https://host/key" },
      },
    ]);
    expect(lines[0]?.endsWith("}\n")).toBe(true);
  });

  it("leaves out what is less severe", () => {
    const { lines, logger } = log("warn");

    for (const level of ["debug", "info", "warn", "error"] as const) logger[level](level);

    expect(lines.map((line) => JSON.parse(line).level)).toEqual(["warn", "error"]);
  });
});
