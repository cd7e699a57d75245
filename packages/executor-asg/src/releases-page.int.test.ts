import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type PageCommand, readPageCommands } from "@stackyard/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createReleaseCommands } from "./commands/create-release-commands.ts";
import { type SimulatedYard, startSimulatedYard } from "./testing/command-world.ts";

// Plays the commands of docs/releases.md over a real server, with releases into a simulated account.
const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/releases.md"), "utf8");
const [, FILE = ""] = /```json\n(\{\n {2}"aws_account_id"[\s\S]*?)```/.exec(PAGE) ?? [];
const PLACE = { account: "111122223333", region: "eu-west-1" };
const environment = { USER: "ann", AWS_ACCOUNT_ID: PLACE.account, AWS_REGION: PLACE.region };

const commands = readPageCommands(PAGE, createReleaseCommands());

let world: SimulatedYard;
beforeEach(async () => {
  world = await startSimulatedYard();
  addResources(world.yard.sim);
  world.commands.write("shop.json", FILE);
  world.commands.write("shop.json.userdata", "#!/bin/sh\n");
});
afterEach(() => world.stop());

/** Adds what the file of the page names, with the tags of the table on the page. */
function addResources({ ec2, loadBalancing }: SimulatedYard["yard"]["sim"]): void {
  const own = (name: string, ServiceName: string) => ({
    ...PLACE,
    name,
    tags: { Name: name, ProjectName: "acme/shop", ConfigName: "production", ServiceName },
  });
  // The subnets are there.
  const tags = { Name: "shop-2026-11-20", DeployWith: "stackyard" };
  ec2.addImage({ ...PLACE, tags });
  ec2.addSecurityGroup(own("shop-web", "web"));
  ec2.addSecurityGroup(own("shop-worker", "worker"));
  loadBalancing.addTargetGroup({ ...own("shop-web", "web"), slowStartSeconds: 0, deregistrationDelaySeconds: 0 });
}

const run = (name: string, args: object) => world.run(name.replace(/^asg /, ""), args, { environment });

const start = async () => {
  const { text } = await run("deploy", { file: "shop.json", detach: true });
  await world.yard.advance(20_000);
  return text;
};

/** What has happened before a reader needs the command; returns the run that exists then. */
const BEFORE: Readonly<Record<string, () => Promise<unknown>>> = {
  "asg watch": start,
  "asg halt": start,
  "asg rollback": async () => {
    await run("deploy", { file: "shop.json" });
    await run("deploy", { file: "shop.json" });
  },
  "asg unlock": () => run("lock", { project: "acme/shop", config: "production", reason: "sale" }),
};

describe("docs/releases.md", () => {
  it("shows a command of every kind", () => {
    expect(commands.map(({ name }) => name)).toEqual([
      ...["validate", "plan", "deploy", "watch", "halt", "lock", "unlock", "rollback", "repair"].map(
        (each) => `asg ${each}`,
      ),
    ]);
  });

  it.each(commands.map((command) => [command.text, command] as const))(
    "%s works as written",
    async (_, { name, args }: PageCommand) => {
      const jobId = await BEFORE[name]?.();

      const { exitCode, text } = await run(name, args["release"] === "JOB" ? { ...args, release: jobId } : args);

      expect(exitCode, text).toBe(0);
    },
  );
});
