import { describe, expect, it } from "vitest";
import { explainLog } from "./explain-log.ts";

describe("explainLog", () => {
  it("returns the last cause with the lines around it", () => {
    const log = "start\nerror: first\nretrying\nconnecting\nERROR no room\n    at make (db.mjs:1)\nREPORT 812 ms\nend";

    expect(explainLog(log)).toEqual([
      { text: "connecting", cause: false },
      { text: "ERROR no room", cause: true },
      { text: "    at make (db.mjs:1)", cause: false },
      { text: "REPORT 812 ms", cause: false },
      { text: "end", cause: false },
    ]);
  });

  it("leaves out the last line, which repeats the error that is shown above", () => {
    const work = "0042.sql\n\u001b[31mERROR: relation exists\u001b[0m\nrolled back";
    const end = "It failed. MIGRATION_FAILED: relation exists\n    at 0042.sql:17";

    expect(explainLog(`${work}\n${end}`).map(({ text }) => text)).toEqual(work.split("\n"));
    expect(explainLog(`0042.sql\n${end}`).map(({ text }) => text)).toEqual(["0042.sql"]);
    expect(explainLog(end)).toEqual([]);
  });

  it("keeps the lines of one cause together, such as the box of Terraform", () => {
    const log = "plan\n╷\n│ Error: creating subnet\n│ \n│   with aws_subnet.main,\n╵";

    expect(explainLog(log).map(({ text }) => text)).toEqual(log.split("\n"));
  });

  it("returns the end of a log without a cause, and nothing of an empty one", () => {
    const log = Array.from({ length: 20 }, (_, index) => `line ${index}`).join("\n");

    expect(explainLog(log).map(({ text }) => text)).toEqual(log.split("\n").slice(-8));
    expect(explainLog("\n\n")).toEqual([]);
  });

  it("never returns more than 8 lines", () => {
    expect(explainLog("error\n".repeat(1_000))).toHaveLength(8);
  });
});
