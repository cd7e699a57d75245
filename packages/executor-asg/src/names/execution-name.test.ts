import { describe, expect, it } from "vitest";
import { findProjectFault, toExecutionName, toExecutionPrefix } from "./execution-name.ts";
import { toLetters, toReleaseId } from "./release-id.ts";
import { toReleasePaths } from "./release-paths.ts";

const at = Date.parse("2026-03-04T05:06:07.890Z");

const key = { aws_account_id: "1", project_name: "acme/shop", config_name: "prod", release_id: "r1" };

describe("toExecutionName", () => {
  it("begins with the prefix of the project-config, without slashes", () => {
    expect(toExecutionPrefix(key)).toBe("deploy-acme-shop-prod-");
    expect(toExecutionName(key, at, "abcdefg")).toBe("deploy-acme-shop-prod-2026-03-04T05-06-07Z-abcdefg");
  });

  it("has 80 characters where project and config have as many as they may", () => {
    const longest = { project_name: "p".repeat(21), config_name: "c".repeat(22) };

    expect(toExecutionName(longest, at, "abcdefg")).toHaveLength(80);
    expect(findProjectFault(longest)).toBeUndefined();
    expect(findProjectFault({ ...longest, config_name: "c".repeat(23) })).toBe(
      "project_name and config_name have 44 characters together, and 43 are the limit: shorten one.",
    );
  });
});

describe("toReleaseId", () => {
  it("has a time and letters", () => {
    const letters = toLetters(() => 0.999);

    expect(toReleaseId(at, letters)).toBe("release-2026-03-04T05-06-07Z-zzzzzzz");
    expect(toLetters(() => 0)).toBe("aaaaaaa");
  });
});

describe("toReleasePaths", () => {
  it("begins with the account", () => {
    expect(toReleasePaths(key, "odin")).toEqual({
      root: "1/acme/shop/prod",
      shared: "1/acme/shop/_shared",
      dir: "1/acme/shop/prod/r1",
      release: "1/acme/shop/prod/r1/release",
      userData: "1/acme/shop/prod/r1/userdata",
      lock: "1/acme/shop/prod/lock",
      userLock: "1/acme/shop/prod/user-lock",
      releaseLock: "1/acme/shop/prod/r1/lock",
      halt: "1/acme/shop/prod/halt",
      ownHalt: "1/acme/shop/prod/r1/halt",
    });
  });

  it("has no account in the first generation", () => {
    expect(toReleasePaths(key, "step-asg-deployer")).toMatchObject({
      root: "acme/shop/prod",
      release: "acme/shop/prod/r1/release",
      lock: "acme/shop/prod/lock",
      halt: "acme/shop/prod/halt",
    });
  });
});
