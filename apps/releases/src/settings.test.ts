import { PRESETS } from "@stackyard/executor-asg/releases";
import { describe, expect, it } from "vitest";
import { parseSettings, toReleaseConstants } from "./settings.ts";

const LEAST = { ACCOUNT_ID: "111122223333" };
const constantsOf = (environment: Readonly<Record<string, string>>) =>
  toReleaseConstants(parseSettings({ ...LEAST, ...environment }));

describe("the settings", () => {
  it("need the account only, and call things as Stackyard does", () => {
    const settings = parseSettings({ ...LEAST, PATH: "/bin", LOCK_TABLE: "" });

    expect(settings).toEqual({
      ...LEAST,
      RELEASES_PRESET: "stackyard",
      SESSION_TAGS: true,
      LEASE_SECONDS: 1_800,
    });
    expect(toReleaseConstants(settings)).toEqual(PRESETS.stackyard);
  });

  it("take a preset, and what differs from it", () => {
    const texts = {
      RELEASES_PRESET: "odin",
      BUCKET: "releases",
      LOCK_TABLE: "coinbase-odin-locks",
      ASSUMED_ROLE: "deployer",
      EXTERNAL_ID: "yard-blue",
    };
    const settings = parseSettings({ ...LEAST, ...texts, SESSION_TAGS: "false", LEASE_SECONDS: "600" });

    expect(settings).toEqual({ ...LEAST, ...texts, SESSION_TAGS: false, LEASE_SECONDS: 600 });
    expect(toReleaseConstants(settings)).toEqual({ ...PRESETS.odin, assumedRole: "deployer" });
  });

  it("take single names in the place of the preset's", () => {
    const names = { OPT_IN_TAG: "ours", PROFILE_ROOT: "/ours/", PLACEMENT_ROOT: "ours/", WILDCARD: "*" };
    const texts = { RELEASES_PRESET: "odin", ...names };

    expect(constantsOf(texts)).toEqual({
      ...PRESETS.odin,
      optInTag: "ours",
      profileRoot: "/ours/",
      placementRoot: "ours/",
      wildcard: "*",
    });
    expect(constantsOf({ ...texts, PROFILE_ROOT: "/" }).profileRoot).toBe("/");
    expect(() => constantsOf({ ...texts, PROFILE_ROOT: "ours" })).toThrow(
      "PROFILE_ROOT must be a path that begins and ends",
    );
  });

  it.each(["299", "86401", "1e3", "-600"])("refuses a lease of %s s", (LEASE_SECONDS) => {
    expect(() => parseSettings({ ACCOUNT_ID: "111122223333", LEASE_SECONDS })).toThrow("must be 300 to 86400");
  });

  it("lists everything that is wrong, and no value", () => {
    const wrong = () => parseSettings({ RELEASES_PRESET: "hunter2", BUCKET: "Releases", SESSION_TAGS: "yes" });

    expect(wrong).toThrow(
      `The environment of the releases function has 4 errors:
  - ACCOUNT_ID is not set: it must be an account of 12 digits.
  - RELEASES_PRESET must be stackyard, odin or step-asg-deployer.
  - BUCKET must be the name of a bucket.
  - SESSION_TAGS must be true or false.`,
    );
    expect(wrong).not.toThrow(/hunter2/);
  });
});
