import { DescribeInstanceInformationCommand, SSMClient } from "@aws-sdk/client-ssm";
import { describe, expect, it } from "vitest";
import { addFleet } from "./add-fleet.ts";
import { ACCOUNT, createWorld } from "./testing/a-world.ts";

const at = { account: ACCOUNT, region: "eu-west-1" };

describe("addFleet", () => {
  it("makes tagged instances that run and have agents", async () => {
    const { sim, client } = createWorld();

    const fleet = addFleet(sim, { ...at, count: 5 });

    expect(fleet.map(({ roles }) => roles)).toEqual([
      ...["webserver,appserver", "dbserver", "common", "webserver,appserver", "dbserver"],
    ]);
    expect(sim.ec2.findInstance(fleet[0]?.instanceId ?? "")?.tags).toEqual({
      has_ssm_agent: "true",
      Ansible_Roles: "webserver,appserver",
    });
    const { InstanceInformationList } = await client(SSMClient).send(new DescribeInstanceInformationCommand({}));
    expect(InstanceInformationList).toHaveLength(5);
  });

  it("spreads what is broken over the fleet", () => {
    const { sim } = createWorld();

    const fleet = addFleet(sim, { ...at, count: 100, broken: { playbook: 2, unregistered: 2 } });

    const places = fleet.flatMap(({ defect }, index) => (defect === undefined ? [] : [index]));
    expect(places).toEqual([12, 37, 62, 87]);
    expect(fleet.filter(({ defect }) => defect === "unregistered")).toHaveLength(2);
  });

  it("refuses more than there are, and defects that there are not", () => {
    const { sim } = createWorld();

    expect(() => addFleet(sim, { ...at, count: 1, broken: { playbook: 2 } })).toThrow("2 broken instances do not fit");
    expect(() => addFleet(sim, { ...at, count: 1, broken: { colour: 1 } as never })).toThrow('Unknown defect "colour"');
  });
});
