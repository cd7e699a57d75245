import { PRESETS } from "@stackyard/executor-asg/releases";
import { describe, expect, it } from "vitest";
import { parseSettings } from "./parse-settings.ts";

describe("parseSettings", () => {
  it("needs the account only, and calls things as Stackyard does", () => {
    expect(parseSettings({ ACCOUNT_ID: "111122223333", PATH: "/bin", LOCK_TABLE: "" })).toEqual({
      constants: PRESETS.stackyard,
      account: "111122223333",
      hasSessionTags: true,
      bucket: "stackyard-releases-111122223333",
    });
  });

  it("takes a preset, and what differs from it", () => {
    expect(
      parseSettings({
        ACCOUNT_ID: "111122223333",
        RELEASES_PRESET: "odin",
        BUCKET: "releases",
        LOCK_TABLE: "coinbase-odin-locks",
        ASSUMED_ROLE: "deployer",
        EXTERNAL_ID: "yard-blue",
        SESSION_TAGS: "false",
        LEASE_SECONDS: "600",
      }),
    ).toEqual({
      constants: { ...PRESETS.odin, assumedRole: "deployer" },
      account: "111122223333",
      bucket: "releases",
      lockTable: "coinbase-odin-locks",
      externalId: "yard-blue",
      hasSessionTags: false,
      leaseMs: 600_000,
    });
  });

  it.each([
    ["odin", "coinbase-odin-111122223333"],
    ["step-asg-deployer", "coinbase-step-asg-deployer-111122223333"],
  ])("finds the bucket of %s", (RELEASES_PRESET, bucket) => {
    expect(parseSettings({ ACCOUNT_ID: "111122223333", RELEASES_PRESET }).bucket).toBe(bucket);
  });

  it("takes single names in the place of the preset's", () => {
    const names = { OPT_IN_TAG: "ours", PROFILE_ROOT: "/ours/", PLACEMENT_ROOT: "ours/", WILDCARD: "*" };
    const settings = { ACCOUNT_ID: "111122223333", RELEASES_PRESET: "odin", ...names };

    expect(parseSettings(settings).constants).toEqual({
      ...PRESETS.odin,
      optInTag: "ours",
      profileRoot: "/ours/",
      placementRoot: "ours/",
      wildcard: "*",
    });
    expect(parseSettings({ ...settings, PROFILE_ROOT: "/" }).constants.profileRoot).toBe("/");
    expect(() => parseSettings({ ...settings, PROFILE_ROOT: "ours" })).toThrow("PROFILE_ROOT must begin and end");
  });

  it.each(["299", "86401", "1e3", "-600"])("refuses a lease of %s s", (LEASE_SECONDS) => {
    expect(() => parseSettings({ ACCOUNT_ID: "111122223333", LEASE_SECONDS })).toThrow("must be 300 to 86400");
  });

  it("lists everything that is wrong, and no value", () => {
    const wrong = () => parseSettings({ RELEASES_PRESET: "hunter2", BUCKET: "Releases", SESSION_TAGS: "yes" });

    expect(wrong).toThrow(
      [
        "The environment of the function is wrong: ACCOUNT_ID is not set; it must be an account of 12 digits.",
        "RELEASES_PRESET must be stackyard, odin or step-asg-deployer.",
        "BUCKET must be the name of a bucket.",
        "SESSION_TAGS must be true or false.",
      ].join(" "),
    );
    expect(wrong).not.toThrow(/hunter2/);
  });
});
