import { describe, expect, it } from "vitest";
import { formatJob } from "./job-title.ts";

const AT = { account: "111122223333", region: "eu-west-1", project: "acme/web", config: "prod" };
const RELEASE = { project_name: "acme/web", config_name: "prod", release_id: "rel-42" };

describe("formatJob", () => {
  it.each([
    ["asg", { op: "deploy", release: RELEASE }, "Deploy rel-42 of acme/web, prod"],
    ["asg", { release: RELEASE }, "Deploy rel-42 of acme/web, prod"],
    ["asg", { op: "rollback", at: AT, releaseId: "rel-41" }, "Roll back rel-41 of acme/web, prod"],
    ["asg", { op: "lock", at: AT }, "Lock acme/web, prod"],
    ["runcommand", { profile: "patch-scan", select: {} }, "Run patch-scan on a fleet"],
    ["runcommand", { document: "AWS-RunPatchBaseline", targets: [] }, "Run AWS-RunPatchBaseline on a fleet"],
    [
      "runcommand",
      { artifact: { bucket: "b", key: "play/site.zip" }, targets: [{ key: "tag:Role", values: ["web"] }] },
      "Run site.zip on Role=web",
    ],
    ["runcommand", { maxErrors: 2 }, "Command on a fleet"],
    ["terraform", { action: "apply", source: { type: "local", location: "infra/app" } }, "Apply infra/app"],
    ["terraform", { action: "drift", state: "network" }, "Look for drift in network"],
    ["terraform", { action: "plan" }, "Plan Terraform"],
    ["command", { run: ["make", "deploy"] }, "make deploy"],
    ["command", { run: "make deploy && make check", shell: true }, "make deploy && make check"],
    ["ecs", { taskDefinition: "arn:aws:ecs:eu-west-1:1:task-definition/migrate:42" }, "Run migrate:42"],
    ["lambda", { name: "arn:aws:lambda:eu-west-1:1:function:make-db:live" }, "Call make-db:live"],
    ["script", { run: ["bin/rebuild", "--all"] }, "bin/rebuild --all"],
  ])("names what a job of %s does: %j", (executor, config, title) => {
    expect(formatJob({ executor, config })).toBe(title);
  });

  it.each(["asg", "terraform", "command", "ecs", "lambda", "script", "constructor"])(
    "has the name of the executor %s where its config names nothing",
    (executor) => {
      expect(formatJob({ executor, config: { run: [1], source: 1, name: "", at: 2, release: [] } })).toBe(executor);
    },
  );

  it("cuts a long one", () => {
    expect(formatJob({ executor: "command", config: { run: "x".repeat(500) } })).toHaveLength(80);
  });
});
