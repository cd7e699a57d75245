import { describe, expect, it } from "vitest";
import { toReleasePaths } from "./release-paths.ts";

const key = { aws_account_id: "1", project_name: "acme/shop", config_name: "prod", release_id: "r1" };

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
