import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isAllowed } from "../testing/find-grants.ts";
import { allowReleases } from "./release-permissions.ts";
import type { Statement } from "./statement.ts";

const MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:stackyard-releases";
const BUCKET = "stackyard-releases-111122223333";
const RIGHTS = {
  bucket: BUCKET,
  stateMachineArn: MACHINE,
  account: "444455556666",
  project: "org/shop",
  config: "production",
};

/** As IAM reads them: the partition is a token of the template. */
const statements: readonly Statement[] = JSON.parse(
  JSON.stringify(allowReleases(RIGHTS).statements).replaceAll(/\$\{Token\[[^\]]*\]\}/g, "aws"),
);
const plain = statements.map(({ Sid, Action, Resource }) => ({
  policy: "Releases",
  sid: Sid,
  actions: Action,
  resources: [Resource].flat(),
  conditions: {},
}));

describe("who may release a project-config", () => {
  const key = (rest: string) => `arn:aws:s3:::${BUCKET}/444455556666/org/shop/${rest}`;

  it.each([
    ["s3:PutObject", key("production/release-1/release")],
    ["s3:PutObject", key("production/release-1/userdata")],
    ["s3:PutObject", key("production/halt")],
    ["s3:PutObject", key("production/release-1/halt")],
    ["states:StartExecution", MACHINE],
    ["states:DescribeExecution", `${MACHINE.replace("stateMachine", "execution")}:deploy-org-shop-production-1`],
  ])("may %s on %s", (action, resource) => {
    expect(isAllowed(plain, { action, resource })).toBe(true);
  });

  it.each([
    ["s3:PutObject", key("development/release-1/release")],
    ["s3:PutObject", key("production/lock")],
    ["s3:PutObject", key("production/release-1/lock")],
    ["s3:PutObject", key("production/lock-token")],
    ["s3:PutObject", key("production/user-lock")],
    ["s3:DeleteObject", key("production/lock")],
    ["s3:GetObject", key("production/release-1/userdata")],
    ["states:StopExecution", `${MACHINE.replace("stateMachine", "execution")}:deploy-org-shop-production-1`],
  ])("may not %s on %s", (action, resource) => {
    expect(isAllowed(plain, { action, resource })).toBe(false);
  });

  it("has the policy that the README shows", () => {
    const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
    const [, shown = "{}"] = /<!-- release-client -->\n```json\n([\s\S]*?)```/.exec(readme) ?? [];

    expect(JSON.parse(shown)).toEqual({ Version: "2012-10-17", Statement: statements });
  });
});
