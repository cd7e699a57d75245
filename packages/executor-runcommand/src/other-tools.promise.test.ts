import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { aSimFleet } from "./testing/a-sim-fleet.ts";

const shell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

describe("what users of other tools have reported about Run Command", () => {
  it("waits for invocations that are not listed yet, with status 200 and an empty list (aws-sdk#190, aws-cli#3546)", async () => {
    const fleet = aSimFleet();
    fleet.addMany(3);
    for (let time = 0; time < 2; time += 1) {
      fleet.sim.once("SSM.ListCommandInvocations", async () => ({ CommandInvocations: [] }));
    }

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 3 } });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it("knows a failure though SSM does not know the invocation of its output (ssm-scala#34, aws-sdk#86)", async () => {
    const fleet = aSimFleet();
    const [id = ""] = fleet.addMany(2);
    fleet.sim.ssm.script(id, { exitCode: 3 });
    fleet.sim.once("SSM.GetCommandInvocation", async () => {
      throw Object.assign(new Error("no"), { name: "InvocationDoesNotExist", $metadata: { httpStatusCode: 400 } });
    });

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "failed", outputs: { succeeded: 1, failed: 1 } });
    const { instances } = await fleet.report();
    expect(instances.find(({ instanceId }) => instanceId === id)).toMatchObject({
      state: "failed",
      code: "COMMAND_FAILED",
    });
  });

  it("ends, with a report of each instance, where commands fail: that they do is not an error of the watch (aws-sdk#90)", async () => {
    const fleet = aSimFleet();
    const [id = ""] = fleet.addMany(2);
    fleet.sim.ssm.script(id, { exitCode: 127 });

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "failed", outputs: { succeeded: 1, failed: 1 } });
    const { instances } = await fleet.report();
    expect(instances.map(({ state }) => state).toSorted()).toEqual(["failed", "succeeded"]);
  });
});
