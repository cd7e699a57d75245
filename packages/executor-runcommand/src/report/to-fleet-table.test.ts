import { describe, expect, it } from "vitest";
import { aFailure, anInstance, aPage, WHOLE_RUN } from "../testing/a-report.ts";
import { toFleetTable } from "./to-fleet-table.ts";

describe("toFleetTable", () => {
  it("shows the run by role, by cause, and by instance, failed ones first", () => {
    const table = toFleetTable([
      aPage(
        [
          anInstance(1, { startedAt: 0, endedAt: 12_000 }),
          aFailure(2, { roles: ["webserver", "appserver"], startedAt: 0, endedAt: 400 }),
          anInstance(3, { roles: ["dbserver"], state: "skipped", code: "TAG_VALUE" }),
        ],
        WHOLE_RUN,
      ),
    ]);

    expect(table).toBe(
      `
1 of 2 instances failed.
Run:         run-7
Started by:  a pipeline
Artifact:    s3://artifacts/site/app.zip (version v1)
Started:     2026-01-01T12:00:00Z
Ended:       2026-01-01T12:04:12Z
Took:        4m 12s

ROLE           FAILED  SKIPPED  SUCCEEDED  ALL
appserver           1        0          0    1
dbserver            0        1          0    1
webserver           1        0          1    2
all instances       1        1          1    3

WHY             INSTANCES  EXIT  FOR EXAMPLE
COMMAND_FAILED          1     2  i-00000000000000002: fatal: [i-2]: UNREACHABLE! after 2 s

STATE      INSTANCE             ROLES                WHY             EXIT  TOOK  LAST LINE
failed     i-00000000000000002  webserver,appserver  COMMAND_FAILED     2  0.4s  fatal: [i-2]: UNREACHABLE! after 2 s
skipped    i-00000000000000003  dbserver             TAG_VALUE
succeeded  i-00000000000000001  webserver                                  12s
`.trim(),
    );
  });

  it("leaves out the rest of a long list, never the failing ones at its head", () => {
    const table = toFleetTable([aPage([anInstance(1), anInstance(2), aFailure(3)])], { maxInstances: 1 });

    expect(table).toContain("failed  i-00000000000000003");
    expect(table).not.toContain("i-00000000000000001");
    expect(table).toMatch(/… and 2 more$/);
  });

  it.each([
    ["nothing was selected", [], "No instance was selected."],
    ["all is well", [anInstance(1), anInstance(2)], "All 2 instances succeeded."],
    ["it is a plan", [anInstance(1, { state: "not-sent" })], "1 instance, and nothing was sent yet."],
    ["one is all", [anInstance(1)], "The instance succeeded."],
    [
      "it is still running",
      [anInstance(1), aFailure(2), anInstance(3, { state: "running" })],
      "2 of 3 instances are done: 1 succeeded, 1 failed.",
    ],
    [
      "it has stopped early",
      [aFailure(1), anInstance(2, { state: "not-sent", code: "NOT_SENT" })],
      "2 of 2 instances failed. 1 of them was not sent to.",
    ],
  ])("begins with a sentence when %s", (_what, instances, sentence) => {
    expect(toFleetTable([aPage(instances)]).split("\n")[0]).toBe(sentence);
  });

  it("shows what instances say as text alone, on their one line", () => {
    const hostile = "ok\u001b]0;owned\u0007\u001b[2J\u001b[1;1H\r\nSTATE  all is well \u202egnp\u001b[32m";
    const table = toFleetTable([
      aPage([
        aFailure(1, {
          stderrTail: hostile,
          code: `X\u001b[31m\nY`,
          roles: ["a\u001b[2K\nb"],
          instanceId: "i-1\n\u001b[A",
        }),
      ]),
    ]);

    expect(table).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
    expect(table.split("\n").filter((line) => line.startsWith("failed"))).toEqual([
      "failed  i-1       a b    X Y     2        STATE all is well gnp",
    ]);
  });
});
