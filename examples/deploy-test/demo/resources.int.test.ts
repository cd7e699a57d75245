import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseRelease, renderUserData } from "@stackyard/executor-asg";
import { describe, expect, it } from "vitest";
import { loadReleaseFiles, loadResources } from "./load-files.ts";

const terraform = readFileSync(join(import.meta.dirname, "../resources/main.tf"), "utf8");
const { document, userData } = loadReleaseFiles();
const project = String(document["project_name"]);
const config = String(document["config_name"]);

describe("the release file", () => {
  it("has no problem and no warning, with what a client adds", () => {
    const added = {
      release_id: "release-1",
      created_at: "2026-01-01T00:00:00Z",
      user_data_sha256: "0".repeat(64),
    };

    expect(parseRelease({ ...document, ...added }, { deployerAccount: "111122223333" })).toMatchObject({
      kind: "parsed",
      warnings: [],
    });
  });

  it("has user data without unknown placeholders", () => {
    const facts = { release_id: "release-1", project_name: project, config_name: config, service_name: "web" };

    expect(renderUserData(userData, facts)).not.toMatch(/\{\{|\}\}/);
  });
});

describe("the resources", () => {
  const resources = Object.entries(loadResources());

  it("are of the very project, config and service", () => {
    const tagged = resources.filter(([, { Properties }]) => "Tags" in Properties);
    const own = [
      { Key: "ProjectName", Value: project },
      { Key: "ConfigName", Value: config },
      { Key: "ServiceName", Value: "web" },
    ];

    expect(tagged.map(([id]) => id)).toEqual(["WebSecurityGroup", "WebTargetGroup"]);
    for (const [, { Properties }] of tagged) expect(Properties["Tags"]).toEqual(expect.arrayContaining(own));
    const paths = resources.flatMap(([, { Properties }]) => ("Path" in Properties ? [Properties["Path"]] : []));
    expect(new Set(paths)).toEqual(new Set([`/stackyard/${project}/${config}/web/`]));
  });

  it("are the same by Terraform", () => {
    const types = [...terraform.matchAll(/^resource "(\w+)"/gm)].map(([, type]) => type);

    expect(types).toEqual(["aws_security_group", "aws_lb_target_group", "aws_iam_role", "aws_iam_instance_profile"]);
    for (const name of [project, config, "deploy-test-web", `/stackyard/${project}/${config}/web/`]) {
      expect(terraform).toContain(`"${name}"`);
    }
  });
});
