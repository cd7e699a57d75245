import { type AwsSim, createSimYard, type SimYard } from "@stackyard/aws-sim";
import { createAsgExecutor } from "@stackyard/executor-asg";
import { loadResources, type TemplateResource } from "./load-files.ts";

/** A yard, and an account in which the network and the template's resources stand. */
export interface World {
  readonly yard: SimYard;
  /** Groups that are not being deleted: of which release, how many servers serve, and whether it is kept without traffic. */
  groups(): readonly StandingGroup[];
}

/** A group as it stands. */
export interface StandingGroup {
  readonly releaseId: string;
  readonly servers: number;
  readonly isKept: boolean;
}

/** The account of the demo. */
export const PLACE = { account: "111122223333", region: "eu-west-1" } as const;

/** Versions of the service, as images that were baked; each carries the name that releases ask for, or its own. */
export const IMAGES = { good: "deploy-test", broken: "deploy-test-broken", next: "deploy-test-next" } as const;

/** Makes it. */
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

/** The same letters in the ids of releases at each play. */
function createDraw(): () => number {
  let draws = 0;
  return () => {
    draws += GOLDEN;
    return draws % 1;
  };
}

/** Multiples of it lie far apart. */
const GOLDEN = 0.618_033_988_7;

/** The network, which is given, and what the template makes. */
export function addExample(sim: AwsSim): void {
  addNetwork(sim);
  addResources(sim);
}

/** Everybody may use these: the deployer's tag says so. */
function addNetwork({ ec2 }: AwsSim): void {
  for (const Name of ["private-a", "private-b"]) ec2.addSubnet({ ...PLACE, tags: { Name, DeployWith: "stackyard" } });
  for (const Name of Object.values(IMAGES)) ec2.addImage({ ...PLACE, tags: { Name, DeployWith: "stackyard" } });
}

/** As CloudFormation would make them of the template. */
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
