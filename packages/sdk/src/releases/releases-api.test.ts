import { describe, expect, it } from "vitest";
import { toCareJob, toDeployJob } from "./releases-api.ts";

const AT = { account: "111122223333", region: "eu-west-1", project: "acme/shop", config: "production" };
const DOCUMENT = {
  aws_account_id: AT.account,
  aws_region: AT.region,
  project_name: AT.project,
  config_name: AT.config,
  release_id: "release-1",
};

describe("toDeployJob", () => {
  it("is a job of the executor asg under the release's own key", () => {
    expect(toDeployJob({ document: DOCUMENT })).toEqual({
      executor: "asg",
      config: { op: "deploy", release: DOCUMENT },
      key: "release:111122223333/eu-west-1/acme/shop/production/release-1",
    });
  });

  it("carries the options next to the document", () => {
    const target = { account: AT.account, region: AT.region, role: "deployer" };
    const memory = { bucket: "releases" };

    const run = toDeployJob({
      document: DOCUMENT,
      userData: "#!/bin/sh",
      queue: true,
      revision: "abc",
      preset: "odin",
      actor: "ann",
      memory,
      target,
    });

    expect(run).toMatchObject({
      config: {
        op: "deploy",
        userData: "#!/bin/sh",
        queue: true,
        revision: "abc",
        preset: "odin",
        actor: "ann",
        memory,
      },
      target,
    });
  });

  it("keeps the end of a key that is too long, which has the release's own id", () => {
    const { key = "" } = toDeployJob({ document: { ...DOCUMENT, project_name: "p".repeat(300) } });

    expect([key.length, key.startsWith("release:…ppp"), key.endsWith("/production/release-1")]).toEqual([
      255,
      true,
      true,
    ]);
  });
});

describe("toCareJob", () => {
  it("names the project-config and leaves out missing values", () => {
    expect(toCareJob("repair", { at: AT }, { confirm: undefined })).toEqual({
      executor: "asg",
      config: { op: "repair", at: AT },
    });
    expect(toCareJob("rollback", { at: AT, reason: "500s", actor: "ann" }, { releaseId: "release-0" })).toEqual({
      executor: "asg",
      config: { op: "rollback", at: AT, reason: "500s", actor: "ann", releaseId: "release-0" },
    });
  });
});
