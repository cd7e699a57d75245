import type { AwsSim } from "@stackyard/aws-sim";
import type { FakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { aSimFleet } from "./testing/a-sim-fleet.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const config = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

interface Listed {
  readonly CommandInvocations: readonly { InstanceId: string; Status: string; StatusDetails: string }[];
}

/** SSM keeps reporting until that instant that the instance works on its command. */
function keepInProgress(
  { sim, clock }: { readonly sim: AwsSim; readonly clock: FakeClock },
  id: string,
  until: number,
) {
  const look = async (proceed: () => Promise<unknown>): Promise<unknown> => {
    sim.once("SSM.ListCommandInvocations", look);
    const answer = (await proceed()) as Listed;
    if (clock.now() >= until) return answer;
    for (const each of answer.CommandInvocations) {
      if (each.InstanceId === id) Object.assign(each, { Status: "InProgress", StatusDetails: "InProgress" });
    }
    return answer;
  };
  sim.once("SSM.ListCommandInvocations", look);
  const list = async (proceed: () => Promise<unknown>): Promise<unknown> => {
    sim.once("SSM.ListCommands", list);
    const answer = (await proceed()) as { readonly Commands: readonly object[] };
    if (clock.now() < until)
      for (const each of answer.Commands) Object.assign(each, { Status: "InProgress", StatusDetails: "InProgress" });
    return answer;
  };
  sim.once("SSM.ListCommands", list);
}

describe("a command that SSM shows as in progress although its agent is gone", () => {
  it("succeeds once the agent is back and has reported it (amazon-ssm-agent#320)", async () => {
    const fleet = aSimFleet();
    const [id = ""] = fleet.addMany(2);
    keepInProgress(fleet, id, fleet.clock.now() + 3 * HOUR);

    const { step } = await fleet.run({ ...config, timeout: "12h" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 2, failed: 0 } });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it.each([{}, { targetsAbove: 1 }])(
    "has timed out when SSM has lost it during an update of the agent (amazon-ssm-agent#430): %j",
    async (way) => {
      const fleet = aSimFleet();
      const [id = ""] = fleet.addMany(2);
      keepInProgress(fleet, id, Number.POSITIVE_INFINITY);

      const { step, elapsedMs } = await fleet.run({ ...config, timeout: "10m", ...way });

      expect(step).toMatchObject({ kind: "failed", code: "EXECUTION_TIMEOUT", outputs: { succeeded: 1, failed: 1 } });
      expect(elapsedMs).toBeLessThan(40 * MINUTE);
      const { instances } = await fleet.report();
      expect(instances.find(({ instanceId }) => instanceId === id)).toMatchObject({ detailedStatus: "InProgress" });
      expect(fleet.sim.calls.filter(({ operation }) => operation === "SSM.CancelCommand")).toHaveLength(1);
    },
  );

  it("is waited for where its own document decides how long it takes (bottlerocket-ecs-updater#53)", async () => {
    const fleet = aSimFleet();
    const [id = ""] = fleet.addMany(2);
    keepInProgress(fleet, id, fleet.clock.now() + 5 * HOUR);
    const parameters = { commands: ["true"], executionTimeout: ["86400"] };

    const { step } = await fleet.run({ ...config, parameters, timeout: "10m" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 2 } });
  });
});
