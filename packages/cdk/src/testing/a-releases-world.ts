import { createHash } from "node:crypto";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { createAwsAccess } from "@stackyard/aws";
import { type AwsSim, createAwsSim, createSimPlugin, type LoggedCall } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createFakeClock, createRandom, passUntil } from "@stackyard/core/testing";
import { createReleases, PRESETS, toReleaseStateMachine } from "@stackyard/executor-asg/releases";
import { ACCOUNT, REGION } from "./resolve-template.ts";
import { createSimulatedClients } from "./simulated-clients.ts";

/** The account of function and servers. */
export const PLACE = { account: ACCOUNT, region: REGION } as const;
/** The bucket and the role that the template makes. */
export const BUCKET = `stackyard-releases-${ACCOUNT}`;
export const ASSUMED = "stackyard-releases-assumed";
export const PROJECT = { ProjectName: "org/shop", ConfigName: "production" } as const;

/** The deployer's function behind its state machine, and an account with everything that releases need. */
export interface ReleasesWorld {
  readonly sim: AwsSim;
  /** Stores the document and starts an execution; returns how it ended. */
  release(document: Readonly<Record<string, unknown>>): Promise<string>;
  /** Calls of the function itself, and those in sessions of the role. */
  calls(): { readonly own: readonly LoggedCall[]; readonly assumed: readonly LoggedCall[] };
}

const EXTERNAL_ID = "yard-blue";
const USER_DATA = "#!/bin/sh\n";
const USER_DATA_SHA256 = createHash("sha256").update(USER_DATA).digest("hex");
const NAME = "releases";

/** Makes one. */
export function createReleasesWorld(): ReleasesWorld {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  addResources(sim);
  const credentials = sim.iam.addUser({ account: ACCOUNT, name: "function" });
  const plugins = [createSimPlugin(sim)] as never;
  const { handler } = createReleases({
    clock,
    random: createRandom(3),
    logger: silentLogger,
    bucket: BUCKET,
    externalId: EXTERNAL_ID,
    constants: PRESETS.stackyard,
    deployer: { account: ACCOUNT, region: REGION },
    access: (session) => createAwsAccess({ clock, session, credentials, plugins, region: REGION }),
  });
  sim.lambda.addFunction({ ...PLACE, name: NAME, handler });
  const functionArn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${NAME}`;
  const definition = toReleaseStateMachine({ functionArn, retryInvocations: true });
  const stateMachineArn = sim.stepFunctions.addStateMachine({ ...PLACE, name: NAME, definition });
  const sfn = createSimulatedClients(sim, { ...PLACE, name: "ada" })(SFNClient);

  async function release(document: Readonly<Record<string, unknown>>): Promise<string> {
    const whole = { ...aDocument(new Date(clock.now())), ...document };
    const folder = `${ACCOUNT}/org/shop/production/${whole.release_id}`;
    sim.s3.write(BUCKET, `${folder}/release`, JSON.stringify(whole));
    sim.s3.write(BUCKET, `${folder}/userdata`, USER_DATA);
    const { executionArn } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(whole) }),
    );
    const execution = sim.stepFunctions.executions.find(({ arn }) => arn === executionArn);
    await passUntil(clock, Promise.resolve(execution?.ended), { extraRounds: 500 });
    return execution?.error ?? execution?.status ?? "";
  }

  return {
    sim,
    release,
    calls: () => ({
      own: sim.calls.filter(({ arn }) => arn.endsWith("user/function")),
      assumed: sim.calls.filter(({ arn }) => arn.includes(`assumed-role/${ASSUMED}/`)),
    }),
  };
}

/** Adds image, network and the resources of the service `web`, with the required tags and paths. */
function addResources(sim: AwsSim): void {
  const shared = { DeployWith: PRESETS.stackyard.optInTag };
  const tags = { Name: "web", ...PROJECT, ServiceName: "web" };
  const path = `${PRESETS.stackyard.profileRoot}org/shop/production/web/`;
  sim.s3.createBucket({ ...PLACE, name: BUCKET });
  sim.iam.addRole({ account: ACCOUNT, name: ASSUMED, externalId: EXTERNAL_ID });
  sim.iam.addRole({ account: ACCOUNT, name: "hooks" });
  sim.iam.addInstanceProfile({ account: ACCOUNT, name: "web", path });
  sim.sns.addTopic({ ...PLACE, name: "hooks" });
  sim.ec2.addImage({ ...PLACE, tags: { Name: "base", ...shared } });
  sim.ec2.addSubnet({ ...PLACE, tags: { Name: "private-a", ...shared } });
  sim.ec2.addSecurityGroup({ ...PLACE, tags });
  const targetGroup = sim.loadBalancing.addTargetGroup({ ...PLACE, name: "web", tags, drainsForMs: 20_000 });
  sim.classicLoadBalancing.addLoadBalancer({ ...PLACE, name: "web", tags });
  sim.cloudWatch.addAlarm({ ...PLACE, name: "errors" });
  sim.autoScaling.addGroup({
    ...PLACE,
    name: OLD_GROUP,
    desired: 2,
    max: 10,
    targetGroups: [targetGroup],
    loadBalancers: ["web"],
    tags: { ...PROJECT, ServiceName: "web", ReleaseID: "release-0" },
    policies: [{ name: "up", alarms: [`${OLD_GROUP}-up`] }],
  });
}

/** The group of the release before, as releases name their groups: by project, config, release and service. */
export const OLD_GROUP = "org/shop-production-release-0-web";

/** Returns a release that uses every option. */
function aDocument(now: Date) {
  const stamp = now.toISOString().slice(0, 19);
  return {
    aws_account_id: ACCOUNT,
    aws_region: REGION,
    bucket: BUCKET,
    release_id: `release-${stamp}`,
    project_name: "org/shop",
    config_name: "production",
    created_at: `${stamp}Z`,
    timeout: 900,
    ami: "base",
    subnets: ["private-a"],
    user_data_sha256: USER_DATA_SHA256,
    alarms: ["errors"],
    count_terminations: "cumulative",
    drain_hooks: true,
    lifecycle: {
      ready: { transition: "autoscaling:EC2_INSTANCE_TERMINATING", role: "hooks", sns: "hooks", heartbeat_timeout: 60 },
    },
    services: {
      web: {
        instance_type: "t3.micro",
        security_groups: ["web"],
        elbs: ["web"],
        target_groups: ["web"],
        profile: "web",
        placement_group_name: "stackyard/org/shop/production/web",
        placement_group_strategy: "spread",
        autoscaling: {
          min_size: 2,
          max_size: 4,
          strategy: "GatedCanary",
          policies: [{ type: "cpu_scale_up" }],
        },
      },
    },
  };
}
