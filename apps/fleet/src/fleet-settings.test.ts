import { describe, expect, it } from "vitest";
import { parseFleetSettings } from "./fleet-settings.ts";

const source = { BOOT_SOURCE_BUCKET: "pipelines", BOOT_SOURCE_PIPELINE: "GARLC", BOOT_SOURCE_ARTIFACT: "MyApp" };

describe("parseFleetSettings", () => {
  it("needs nothing", () => {
    expect(parseFleetSettings({ AWS_REGION: "eu-west-1", FLEET_TAG_KEY: "" })).toEqual({
      region: "eu-west-1",
      boot: {},
    });
  });

  it("reads everything", () => {
    const environment = {
      ...source,
      AWS_REGION: "eu-west-1",
      FLEET_ENVIRONMENT: "live",
      FLEET_REPORT_URL: "https://yard.example.org/runs/{runId}",
      FLEET_PROFILES: "ansible, nightly",
      FLEET_TAG_KEY: "Managed",
      FLEET_TAG_VALUES: "yes,Yes",
      FLEET_REGION: "us-west-2",
      FLEET_TARGET_ROLE: "arn:aws:iam::210987654321:role/fleet",
      BOOT_PROFILE: "garlc-1",
      BOOT_TIMEOUT: "20m",
      BOOT_DELIVERY_TIMEOUT: "30m",
      BOOT_AGENT_TIMEOUT: "5m",
      BOOT_FALLBACK: "newest",
    };

    expect(parseFleetSettings(environment)).toEqual({
      account: "210987654321",
      region: "us-west-2",
      target: {
        account: "210987654321",
        region: "us-west-2",
        partition: "aws",
        role: "arn:aws:iam::210987654321:role/fleet",
      },
      environment: "live",
      reportUrl: "https://yard.example.org/runs/{runId}",
      profiles: ["ansible", "nightly"],
      boot: {
        profile: "garlc-1",
        tagKey: "Managed",
        tagValues: ["yes", "Yes"],
        timeout: "20m",
        deliveryTimeout: "30m",
        agentTimeout: "5m",
        fallback: "newest",
        source: { bucket: "pipelines", pipeline: "GARLC", artifact: "MyApp" },
      },
    });
  });

  it("may be of a fleet in the European Sovereign Cloud", () => {
    const environment = { ...source, AWS_REGION: "eusc-de-east-1", FLEET_REGION: "eusc-de-east-1" };

    expect(parseFleetSettings(environment).region).toBe("eusc-de-east-1");
  });

  it("lists all that is wrong, more than eight too, and shows no values", () => {
    const environment = {
      FLEET_ENVIRONMENT: "Live!secret",
      FLEET_REPORT_URL: "secret",
      FLEET_PROFILES: "a,,secret",
      FLEET_TAG_KEY: "k".repeat(129),
      FLEET_ACCOUNT: "secret",
      FLEET_REGION: "secret!",
      FLEET_TARGET_ROLE: "secret",
      BOOT_PROFILE: "SECRET",
      BOOT_TIMEOUT: "secret",
      BOOT_FALLBACK: "secret",
      BOOT_SOURCE_BUCKET: "SECRET",
    };

    let message = "";
    try {
      parseFleetSettings(environment);
    } catch (error) {
      message = String(error);
    }
    const named = [...message.matchAll(/- (\w+) /g)].map(([, name]) => name);
    expect(named).toEqual([...Object.keys(environment), "BOOT_SOURCE_PIPELINE", "BOOT_SOURCE_ARTIFACT"]);
    expect(message).not.toMatch(/secret/i);
  });

  it("wants to know where the newest artifact is", () => {
    expect(() => parseFleetSettings({ BOOT_FALLBACK: "newest" })).toThrow(
      /BOOT_SOURCE_BUCKET[\s\S]*BOOT_SOURCE_ARTIFACT/,
    );
  });

  it("takes no role of another account", () => {
    const environment = { FLEET_ACCOUNT: "123456789012", FLEET_TARGET_ROLE: "arn:aws:iam::210987654321:role/fleet" };

    expect(() => parseFleetSettings(environment)).toThrow(/another account/);
  });
});
