import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { expect, it } from "vitest";
import { createWorld } from "../testing/a-world.ts";
import { limitAsDocumented } from "./limit-as-documented.ts";

it("lets a hundred reads of EC2 pass at once, and then twenty a second", async () => {
  const { sim, client, clock } = createWorld();
  limitAsDocumented(sim);
  const ec2 = client(EC2Client);
  const read = async (count: number) => {
    const answers = Array.from({ length: count }, () => ec2.send(new DescribeInstancesCommand({})));
    return (await Promise.allSettled(answers)).filter(({ status }) => status === "fulfilled").length;
  };

  const first = await read(110);
  await clock.advance(1_000);

  expect([first, await read(30)]).toEqual([100, 20]);
});
