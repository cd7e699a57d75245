import { type AwsSim, createSimYard, type SimYard } from "@stackyard/aws-sim";
import { createAsgExecutor } from "@stackyard/executor-asg";
import { loadResources, type TemplateResource } from "./load-files.ts";

/** A yard, and an account that contains the network and the template's resources. */
export interface World {
  readonly yard: SimYard;
  /** Groups that are not being deleted: their release, the number of serving servers, and whether it is kept without traffic. */
  groups(): readonly StandingGroup[];
}

/** The state of a group. */
export interface StandingGroup {
  readonly releaseId: string;
  readonly servers: number;
  readonly isKept: boolean;
}

/** The account of the demo. */
export const PLACE = { account: "111122223333", region: "eu-west-1" } as const;

/** Versions of the service, as baked images; each has the name that releases look up, or its own. */
export const IMAGES = { good: "deploy-test", broken: "deploy-test-broken", next: "deploy-test-next" } as const;

/** Creates it. */
export function createWorld(): World {
  const yard = createSimYard({ ...PLACE, executors: [createAsgExecutor({ random: createDraw() })] });
  addExample(yard.sim);
  return {
    yard,
    groups: () =>
      yard.sim.autoScaling
        .listGroups(PLACE)
        .filter(({ isDeleting }) => !isDeleting)
        .map(({ tags, instances }) => ({
          releaseId: tags["ReleaseID"] ?? "",
          servers: instances.filter(({ lifecycleState }) => lifecycleState === "InService").length,
          isKept: "stackyard:retired-at" in tags,
        })),
  };
}

/** Makes the ids of releases the same in each run. */
function createDraw(): () => number {
  let draws = 0;
  return () => {
    draws += GOLDEN;
    return draws % 1;
  };
}

/** Multiples of it lie far apart. */
const GOLDEN = 0.618_033_988_7;

/** Adds the existing network, and the resources of the template. */
export function addExample(sim: AwsSim): void {
  addNetwork(sim);
  addResources(sim);
}

/** Adds the network, tagged for the deployer, so that every release may use it. */
function addNetwork({ ec2 }: AwsSim): void {
  for (const Name of ["private-a", "private-b"]) ec2.addSubnet({ ...PLACE, tags: { Name, DeployWith: "stackyard" } });
  for (const Name of Object.values(IMAGES)) ec2.addImage({ ...PLACE, tags: { Name, DeployWith: "stackyard" } });
}

/** Creates them as CloudFormation would from the template. */
function addResources(sim: AwsSim): void {
  for (const resource of Object.values(loadResources())) MAKERS[resource.Type]?.(sim, resource.Properties);
}

const MAKERS: Readonly<Record<string, (sim: AwsSim, properties: TemplateResource["Properties"]) => void>> = {
  "AWS::EC2::SecurityGroup": (sim, { Tags }) => void sim.ec2.addSecurityGroup({ ...PLACE, tags: toTags(Tags) }),
  "AWS::ElasticLoadBalancingV2::TargetGroup"(sim, { Name, Tags, TargetGroupAttributes }) {
    const attributes = toTags(TargetGroupAttributes);
    sim.loadBalancing.addTargetGroup({
      ...PLACE,
      name: String(Name),
      tags: toTags(Tags),
      deregistrationDelaySeconds: Number(attributes["deregistration_delay.timeout_seconds"]),
      slowStartSeconds: Number(attributes["slow_start.duration_seconds"]),
    });
  },
  "AWS::IAM::InstanceProfile"(sim, { InstanceProfileName, Path }) {
    sim.iam.addInstanceProfile({ account: PLACE.account, name: String(InstanceProfileName), path: String(Path) });
  },
};

function toTags(list: unknown): Readonly<Record<string, string>> {
  const pairs = Array.isArray(list) ? list : [];
  return Object.fromEntries(pairs.map(({ Key, Value }) => [String(Key), String(Value)]));
}
