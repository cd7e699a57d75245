import { describe, expect, it } from "vitest";
import { aSimFleet } from "./testing/a-sim-fleet.ts";

const config = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

describe("an instance that SSM does not send a command to", () => {
  it.each([
    ["modernisation-platform#9643", "InvalidPlatform", "INVALID_PLATFORM"],
    ["bottlerocket-images-cache#4", "AccessDenied", "INSTANCE_ACCESS_DENIED"],
    ["eks-anywhere#8313", "Undeliverable", "UNDELIVERABLE"],
  ] as const)("has a code of its own [%s]: %s", async (_report, refusedAs, code) => {
    const fleet = aSimFleet();
    const [id = ""] = [fleet.add()].flat();
    fleet.sim.ssm.script(String(id), { refusedAs });

    const { step, reports } = await fleet.run(config);

    expect(step).toMatchObject({ kind: "failed", code });
    const shown = refusedAs === "Undeliverable" ? code : `${code} (${refusedAs})`;
    expect(JSON.stringify([step, reports])).toContain(shown);
  });

  it.each(["InvalidPlatform", "AccessDenied", "RateExceeded"])(
    "has SSM's own status in its line: %s",
    async (details) => {
      const fleet = aSimFleet();
      fleet.add();
      for (const operation of ["SSM.ListCommandInvocations", "SSM.GetCommandInvocation"])
        rewrite(fleet, operation, details);

      const { step, reports } = await fleet.run(config);

      expect(JSON.stringify([step, reports])).toContain(details);
    },
  );
});

/** Ends each invocation with these details, before it ran. */
function rewrite({ sim }: ReturnType<typeof aSimFleet>, operation: string, details: string): void {
  sim.once(operation, async (proceed) => {
    rewrite({ sim } as ReturnType<typeof aSimFleet>, operation, details);
    const answer: Record<string, unknown> = Object(await proceed());
    const all = Array.isArray(answer["CommandInvocations"]) ? answer["CommandInvocations"] : [answer];
    for (const each of all) {
      if (each.StatusDetails !== "Success") continue;
      Object.assign(each, { Status: "Failed", StatusDetails: details, ResponseCode: -1 });
    }
    return answer;
  });
}
