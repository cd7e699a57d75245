import { executorConformance } from "@stackyard/core/testing";
import { describe, it } from "vitest";
import { createRunCommandExecutor } from "./run-command.ts";
import { aSimFleet } from "./testing/a-sim-fleet.ts";

const shell = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

describe.each([
  ["ids", shell],
  ["targets", { ...shell, targets: [{ key: "tag:Ansible_Roles", values: ["web"] }] }],
])("runcommand by %s", (_way, config) => {
  for (const each of executorConformance) {
    it(each.name, () =>
      each.run(async () => {
        const fleet = aSimFleet();
        fleet.addMany(3);
        const { aws, records, clock, machine, stackId } = fleet.context();
        return {
          executor: createRunCommandExecutor(),
          restart: () => createRunCommandExecutor(),
          config,
          invalidConfig: { document: 7 },
          context: { aws, records, clock, machine, stackId },
          countWork: () => fleet.sim.ssm.listCommands().length,
        };
      }),
    );
  }
});
