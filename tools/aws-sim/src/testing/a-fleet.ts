import { type Command, SendCommandCommand, type SendCommandCommandInput, SSMClient } from "@aws-sdk/client-ssm";
import type { InstanceInput } from "../ec2/sim-ec2.ts";
import type { AgentInput } from "../ssm/sim-ssm.ts";
import { ACCOUNT, type AWorld, createWorld } from "./a-world.ts";

/** A world with nodes to send commands to. */
interface AFleet extends AWorld {
  readonly ssm: SSMClient;
  /** An instance that runs, with an agent; gives its id. */
  addNode(input?: Partial<InstanceInput> & Partial<AgentInput>): string;
  /** Sends `AWS-RunShellScript` by default. */
  send(ids: readonly string[], input?: Partial<SendCommandCommandInput>): Promise<Command>;
}

/** No nodes at first. */
export function createFleet(): AFleet {
  const world = createWorld();
  const ssm = world.client(SSMClient);
  const at = { account: ACCOUNT, region: "eu-west-1" };
  return {
    ...world,
    ssm,
    addNode({ registersAt, ping, platformType, tags = {}, ...input } = {}) {
      const instanceId = world.sim.ec2.addInstance({ ...at, tags, ...input });
      const agent = { registersAt, ping, platformType };
      const given = Object.fromEntries(Object.entries(agent).filter(([, value]) => value !== undefined));
      world.sim.ssm.addAgent({ ...at, instanceId, ...given });
      return instanceId;
    },
    async send(ids, input = {}) {
      const usual = { DocumentName: "AWS-RunShellScript", Parameters: { commands: ["true"] } };
      const { Command = {} } = await ssm.send(new SendCommandCommand({ ...usual, InstanceIds: [...ids], ...input }));
      return Command;
    },
  };
}
