import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseReleaseReport, type ReleaseReport } from "./release.ts";

const REPORT: ReleaseReport = {
  operation: "rollback",
  releaseId: "release-1",
  account: "111122223333",
  region: "eu-west-1",
  project: "acme/shop",
  config: "production",
  state: "CheckHealthy",
  since: 5,
  startedAt: 1,
  timeoutSeconds: 600,
  path: [{ state: "Validate", at: 1 }],
  services: {
    web: {
      healthy: 1,
      unhealthy: 2,
      terminating: 3,
      launching: 6,
      targetHealthy: 4,
      targetLaunched: 5,
      group: "acme-web",
      isHealthy: true,
      causes: ["no Spot capacity"],
    },
  },
  lines: [{ at: 2, text: "web: 1 of 4" }],
  error: { class: "HaltError", message: "stop" },
  laterErrors: [{ class: "DetachError", message: "slow" }],
  end: "FailureDirty",
};

describe("parseReleaseReport", () => {
  it("reads back what was written", () => {
    expect(parseReleaseReport(JSON.parse(JSON.stringify(REPORT)))).toEqual(REPORT);
  });

  it("fills in what an older executor has not written", () => {
    expect(parseReleaseReport({ releaseId: "r", state: "Lock" })).toEqual({
      operation: "deploy",
      releaseId: "r",
      account: "",
      region: "",
      project: "",
      config: "",
      state: "Lock",
      since: 0,
      timeoutSeconds: 0,
      path: [],
      services: {},
      lines: [],
      laterErrors: [],
    });
  });

  it("leaves out what is of another type", () => {
    const page = {
      releaseId: "r",
      state: "Lock",
      account: 7,
      since: -1,
      startedAt: "now",
      path: [{}, { state: "Lock" }, 5],
      services: { web: { healthy: "1", causes: [1, "x"], group: 5 }, none: null },
      lines: "x",
      error: "broken",
      laterErrors: [{ class: "X" }, { message: "y" }],
      end: "Over",
      operation: "dance",
    };

    expect(parseReleaseReport(page)).toEqual({
      operation: "deploy",
      releaseId: "r",
      account: "",
      region: "",
      project: "",
      config: "",
      state: "Lock",
      since: 0,
      timeoutSeconds: 0,
      path: [{ state: "Lock", at: 0 }],
      lines: [],
      services: {
        web: {
          healthy: 0,
          unhealthy: 0,
          terminating: 0,
          launching: 0,
          targetHealthy: 0,
          targetLaunched: 0,
          isHealthy: false,
          causes: ["x"],
        },
      },
      laterErrors: [{ class: "X", message: "" }],
    });
  });

  it.each([[undefined], [null], [[]], ["text"], [{ releaseId: "r" }], [{ state: "Lock" }]])(
    "is undefined for %j, which is not a report",
    (page) => {
      expect(parseReleaseReport(page)).toBeUndefined();
    },
  );

  it("takes any JSON without a fault", () => {
    const page = fc.record({ releaseId: fc.string(), state: fc.string() }).chain((known) =>
      fc
        .dictionary(fc.constantFrom("services", "path", "lines", "error", "end", "since"), fc.jsonValue())
        .map((more) => ({
          ...more,
          ...known,
        })),
    );

    fc.assert(fc.property(page, (value) => parseReleaseReport(value)?.state === value.state));
  });
});
