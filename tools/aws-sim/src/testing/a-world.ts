import {
  AutoScalingClient,
  CreateAutoScalingGroupCommand,
  type CreateAutoScalingGroupCommandInput,
  DeleteAutoScalingGroupCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeScalingActivitiesCommand,
  UpdateAutoScalingGroupCommand,
  type UpdateAutoScalingGroupCommandInput,
} from "@aws-sdk/client-auto-scaling";
import { CreateLaunchTemplateCommand, EC2Client } from "@aws-sdk/client-ec2";
import { ECSClient, RunTaskCommand, type RunTaskCommandInput } from "@aws-sdk/client-ecs";
import { type Command, SendCommandCommand, type SendCommandCommandInput, SSMClient } from "@aws-sdk/client-ssm";
import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import { type AwsSim, createAwsSim } from "../aws-sim.ts";
import type { InstanceInput } from "../ec2/sim-ec2.ts";
import type { ClusterInput, DefinitionInput } from "../ecs/ecs-state.ts";
import type { SimCredentials } from "../identities.ts";
import { createSimPlugin, type SimPlugin } from "../sim-plugin.ts";
import type { AgentInput } from "../ssm/sim-ssm.ts";

/** A simulation with one user, and clients for it. */
export interface AWorld {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly credentials: SimCredentials;
  /** Returns a client that tries once. */
  client<Client extends Pluggable>(type: new (config: never) => Client, as?: SimCredentials, region?: string): Client;
}

/** As every client of the SDK is. */
interface Pluggable {
  readonly middlewareStack: { use(plugin: never): void };
}

/** The account that the user is of. */
export const ACCOUNT = "111122223333";
/** An account that is not the user's. */
export const OTHER = "444455556666";
/** The bucket that the user's account has. */
export const BUCKET = "yard";

/** Creates a user with all permissions, and an empty bucket in eu-west-1. */
export function createWorld(): AWorld {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  const plugin: SimPlugin = createSimPlugin(sim);
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "app" });
  sim.s3.createBucket({ name: BUCKET, account: ACCOUNT, region: "eu-west-1" });
  return {
    sim,
    clock,
    credentials,
    client(type, as = credentials, region = "eu-west-1") {
      const made = new type({ region, credentials: as, maxAttempts: 1 } as never);
      made.middlewareStack.use(plugin as never);
      return made;
    },
  };
}

/** A world with nodes to send commands to. */
interface AFleet extends AWorld {
  readonly ssm: SSMClient;
  /** Adds a running instance with an agent; returns its id. */
  addNode(input?: Partial<InstanceInput> & Partial<AgentInput>): string;
  /** Sends `AWS-RunShellScript` by default. */
  send(ids: readonly string[], input?: Partial<SendCommandCommandInput>): Promise<Command>;
}

/** Creates a world without nodes. */
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

/** Where everything is. */
export const SCALING_PLACE = { account: ACCOUNT, region: "eu-west-1" } as const;

/** Returns a world with an image, two subnets, a security group, a target group and the launch template `web`. */
export async function createScalingWorld() {
  const world = createWorld();
  const { ec2, loadBalancing } = world.sim;
  const imageId = ec2.addImage(SCALING_PLACE);
  const subnets = [ec2.addSubnet(SCALING_PLACE), ec2.addSubnet(SCALING_PLACE)];
  const groupId = ec2.addSecurityGroup(SCALING_PLACE);
  const targetGroup = loadBalancing.addTargetGroup({ ...SCALING_PLACE, name: "web" });
  const client = world.client(AutoScalingClient);
  const ec2Client = world.client(EC2Client);
  const data = { ImageId: imageId, InstanceType: "t3.small" as const, SecurityGroupIds: [groupId] };
  await ec2Client.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: "web", LaunchTemplateData: data }));
  const usual = {
    AutoScalingGroupName: "web",
    MinSize: 0,
    MaxSize: 10,
    DesiredCapacity: 2,
    LaunchTemplate: { LaunchTemplateName: "web", Version: "1" },
    VPCZoneIdentifier: subnets.join(","),
  };
  const find = async (name = "web") => {
    const asked = { AutoScalingGroupNames: [name] };
    return (await client.send(new DescribeAutoScalingGroupsCommand(asked))).AutoScalingGroups?.[0];
  };
  return {
    ...world,
    clientOf: world.client,
    client,
    ec2Client,
    imageId,
    subnets,
    groupId,
    targetGroup,
    find,
    create: (input: Partial<CreateAutoScalingGroupCommandInput> = {}) =>
      client.send(new CreateAutoScalingGroupCommand({ ...usual, ...input })),
    update: (input: Partial<UpdateAutoScalingGroupCommandInput>) =>
      client.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: "web", ...input })),
    remove: (ForceDelete?: boolean) =>
      client.send(new DeleteAutoScalingGroupCommand({ AutoScalingGroupName: "web", ForceDelete })),
    states: async () => (await find())?.Instances?.map(({ LifecycleState }) => LifecycleState),
    activities: async () => {
      const asked = { AutoScalingGroupName: "web" };
      return (await client.send(new DescribeScalingActivitiesCommand(asked))).Activities ?? [];
    },
  };
}

/** Where the cluster and the definitions are. */
export const PLACE = { account: ACCOUNT, region: "eu-west-1" } as const;

/** Two subnets are enough for awsvpc. */
export const NETWORK = { awsvpcConfiguration: { subnets: ["subnet-1", "subnet-2"], securityGroups: ["sg-1"] } };

/** Returns a world with the cluster `main` and the families `migrate` (bridge) and `api` (Fargate). */
export function createEcsWorld(cluster: Partial<ClusterInput> = {}) {
  const world = createWorld();
  const { ecs } = world.sim;
  ecs.addCluster({ ...PLACE, name: "main", ...cluster });
  ecs.registerTaskDefinition(aDefinition({ family: "migrate" }));
  ecs.registerTaskDefinition(aDefinition({ family: "api", ...FARGATE }));
  const client = world.client(ECSClient);
  const run = (input: Partial<RunTaskCommandInput> = {}) =>
    client.send(new RunTaskCommand({ cluster: "main", taskDefinition: "migrate", ...input }));
  return { ...world, clientOf: world.client, ecs, client, run };
}

const FARGATE = { networkMode: "awsvpc", requiresCompatibilities: ["FARGATE"], cpu: "256", memory: "512" } as const;

/** Returns one essential container `app` of 256 units and 512 MiB. */
export function aDefinition(input: Partial<DefinitionInput> & { readonly family: string }): DefinitionInput {
  return { ...PLACE, containerDefinitions: [{ name: "app", cpu: 256, memory: 512 }], ...input };
}
