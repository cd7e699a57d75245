import { describe, expect, it } from "vitest";
import { toRedeployment } from "./to-redeployment.ts";

const input = { releaseId: "release-3", now: Date.UTC(2026, 0, 2, 3, 4, 5, 678) };

describe("toRedeployment", () => {
  it("has the document under a new id and time, and nothing else changed", () => {
    const document = {
      release_id: "release-1",
      created_at: "2026-01-01T00:00:00Z",
      ami: "ami-1",
      services: { web: {} },
    };

    expect(toRedeployment(document, input)).toEqual({
      ...document,
      release_id: "release-3",
      created_at: "2026-01-02T03:04:05.678Z",
    });
  });

  it("takes out what a deployer has written", () => {
    const document = {
      ami: "ami-1",
      uuid: "u",
      started_at: "x",
      success: true,
      healthy: true,
      error: {},
      Task: "Lock",
    };

    expect(Object.keys(toRedeployment(document, input) ?? {})).toEqual(["ami", "release_id", "created_at"]);
  });

  it.each([undefined, null, "text", 1, []])("has no document in %j", (document) => {
    expect(toRedeployment(document, input)).toBeUndefined();
  });
});
