import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import { logStrayErrors } from "./stray-errors.ts";

describe("errors that nothing handles", () => {
  // The kinds of hatchet-dev/hindsight#2675, temporalio/sdk-typescript#1039 and OpenFn/kit#463.
  it("are logged, and do not end the process, until that is over", () => {
    const process = new EventEmitter();
    const logger = createRecordingLogger();

    const end = logStrayErrors(process, logger);
    process.emit("unhandledRejection", new Error("stray"));
    process.emit("uncaughtException", "a text");
    end();

    expect(logger.lines.map(({ level }) => level)).toEqual(["error", "error"]);
    expect(process.eventNames()).toEqual([]);
  });
});
