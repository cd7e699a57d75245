import { silentLogger } from "@stackyard/core";
import { createFakeClock, createRandom } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createApp } from "./create-app.ts";

function createTestApp(environment: Readonly<Record<string, string>>) {
  const sessions: object[] = [];
  const app = createApp({
    environment: { AWS_REGION: "eu-west-1", ...environment },
    clock: createFakeClock(),
    random: createRandom(1),
    access(session) {
      sessions.push(session);
      throw new Error("This test must not call AWS.");
    },
    telemetry: { logger: silentLogger, invoke: (_fields, work) => work() },
  });
  return { app, sessions };
}

const DOCUMENT = {
  release_id: "release-1",
  project_name: "org/shop",
  config_name: "production",
  ami: "base",
  timeout: 600,
  created_at: "2026-01-01T00:00:00Z",
  subnets: ["private-a"],
  user_data_sha256: "0".repeat(64),
  services: { web: { instance_type: "t3.micro", security_groups: ["web"] } },
};

describe("the app", () => {
  it("fails with what is wrong with its environment", async () => {
    const { app } = createTestApp({});

    await expect(app.handler({ Task: "Validate" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("ACCOUNT_ID is not set"),
    });
  });

  it("names its errors as the predecessor's classes", async () => {
    const { app } = createTestApp({ ACCOUNT_ID: "111122223333" });

    await expect(app.handler({ Task: "Dance" })).rejects.toMatchObject({ name: "TaskError" });
    await expect(app.handler({ Task: "Validate", a: 1 })).rejects.toMatchObject({ name: "UnmarshalError" });
  });

  it.each([
    ["true", { ProjectName: "org/shop", ConfigName: "production", ReleaseID: "release-1" }],
    ["false", undefined],
  ])("tags its sessions as SESSION_TAGS %s says", async (SESSION_TAGS, tags) => {
    const { app, sessions } = createTestApp({ ACCOUNT_ID: "111122223333", SESSION_TAGS });

    await expect(app.handler({ Task: "Validate", ...DOCUMENT })).rejects.toThrow();

    expect(sessions).toEqual([{ name: "release-release-1", ...(tags && { tags }) }]);
  });

  it.each([
    ["odin", "coinbase-odin-111122223333", {}],
    ["step-asg-deployer", "coinbase-step-asg-deployer-111122223333", { user_data: "#!/bin/sh" }],
  ])("finds the bucket of %s", async (RELEASES_PRESET, bucket, more) => {
    const { app } = createTestApp({ ACCOUNT_ID: "111122223333", RELEASES_PRESET });

    await expect(app.handler({ Task: "Validate", ...DOCUMENT, ...more, bucket: "other" })).rejects.toMatchObject({
      message: expect.stringContaining(`reads only ${bucket}`),
    });
  });

  it("refuses a release of another bucket before it reads anything", async () => {
    const { app } = createTestApp({ ACCOUNT_ID: "111122223333" });

    await expect(app.handler({ Task: "Validate", ...DOCUMENT, bucket: "other" })).rejects.toMatchObject({
      name: "BadReleaseError",
      message: expect.stringContaining("reads only stackyard-releases-111122223333"),
    });
  });
});
