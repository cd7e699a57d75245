import { type AwsSim, createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createFakeClock, createRandom, type FakeClock, passUntil } from "@stackyard/core/testing";
import { checkHealthy } from "../deploy/check-healthy.ts";
import { deploy } from "../deploy/deploy.ts";
import { findLeftOvers, loadRepairFacts } from "../deploy/repair.ts";
import { validateResources } from "../deploy/validate.ts";
import type { Release, Service } from "../document/release.ts";
import { PRESETS, type ReleaseConstants } from "../presets.ts";
import {
  advance,
  FIRST_POSITION,
  type ReleaseMachine,
  type ReleaseOutcome,
  type ReleasePosition,
  type ReleaseStateName,
  type ReleaseValues,
} from "../release-machine.ts";
import type { ReleaseDeps, ReleaseState, ReleaseTask, ReleaseWork } from "../release-state.ts";
import { anAutoscaling, aRelease, aService, aState, TARGET, USER_DATA } from "./builders.ts";
import { createTestMemory, type TestMemory } from "./fakes.ts";

/** An account with everything that a release may need, and the deployer's ports. */
export interface ReleaseWorld {
  readonly sim: AwsSim;
  readonly clock: FakeClock;
  readonly memory: TestMemory;
  readonly deps: ReleaseDeps;
  /** Lines of progress so far. */
  readonly lines: readonly string[];
  /** Ids of existing resources, by name or by service. */
  readonly ids: WorldIds;
  /** Returns the release with the state after its locks. Its user data is stored. */
  work(over?: Partial<Release>): ReleaseWork;
  /** Adds a group of an earlier release, with its servers. Returns its name. */
  addOldGroup(input: OldGroup): string;
  /** Returns the inputs of an operation's calls, such as `EC2.CreateLaunchTemplate`. */
  inputs(operation: string): readonly Readonly<Record<string, unknown>>[];
  /** Advances the time until the promise settles. */
  until<Result>(done: Promise<Result>): Promise<Result>;
}

/** Ids of existing resources. */
interface WorldIds {
  readonly image: string;
  /** `private-a` and `private-b`. */
  readonly subnets: readonly [string, string];
  /** The others are by service. */
  readonly securityGroups: Readonly<Record<string, string>>;
  readonly targetGroups: Readonly<Record<string, string>>;
  readonly profiles: Readonly<Record<string, string>>;
}

/** How a world differs. */
export interface WorldOptions {
  /** Default: those of `odin`. */
  readonly constants?: ReleaseConstants;
  /** Each has a security group, a target group, a classic load balancer and a profile of its name. Default: `web`, `api`. */
  readonly services?: readonly string[];
  readonly slowStartSeconds?: number;
  readonly actor?: NonNullable<ReleaseDeps["actor"]>;
  /** Replaces the world's own, for example by one of a failing process. */
  readonly clock?: FakeClock;
}

/** A group of an earlier release. */
interface OldGroup {
  readonly service: string;
  /** Default: `release-1`. */
  readonly releaseId?: string;
  readonly desired?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

interface Pluggable {
  readonly middlewareStack: { use(plugin: never): void };
}

const PLACE = { account: TARGET.account, region: TARGET.region };
const { project_name: PROJECT, config_name: CONFIG } = aRelease();

/** Makes one. Its clients try once, and its time is still until something is waited for. */
export function createReleaseWorld(options: WorldOptions = {}): ReleaseWorld {
  const { constants = PRESETS.odin, services = ["web", "api"], clock = createFakeClock() } = options;
  const sim = createAwsSim({ clock });
  const ids = addResources(sim, { constants, services, slowStartSeconds: options.slowStartSeconds ?? 0 });
  const memory = createTestMemory();
  const lines: string[] = [];
  const deps: ReleaseDeps = {
    constants,
    clock,
    memory,
    random: createRandom(1),
    logger: silentLogger,
    signal: new AbortController().signal,
    target: { ...TARGET, client: toClients(sim) },
    ...(options.actor && { actor: options.actor }),
    report: (line) => void lines.push(line),
  };
  return {
    sim,
    clock,
    memory,
    deps,
    lines,
    ids,
    work(over) {
      const release = aRelease(over);
      memory.userData.set(release.release_id, USER_DATA);
      return { release, state: aState() };
    },
    addOldGroup: (input) => addOldGroup(sim, ids, input),
    inputs: (operation) => sim.calls.filter((each) => each.operation === operation).map(({ input }) => input),
    // Pending work in the SDK must not look like waiting.
    until: (done) => passUntil(clock, done, { mostMs: 24 * 3_600_000, rounds: 20 }),
  };
}

interface ResourcesInput {
  readonly constants: ReleaseConstants;
  readonly services: readonly string[];
  readonly slowStartSeconds: number;
}

/** Creates all resources that releases of these services may need. */
export function addResources(sim: AwsSim, { constants, services, slowStartSeconds }: ResourcesInput): WorldIds {
  const shared = (Name: string) => ({ ...PLACE, tags: { Name, DeployWith: constants.optInTag } });
  const own = (name: string) => ({ ...PLACE, name, tags: { Name: name, ...tagsOf(name) } });
  const each = <Value>(make: (name: string) => Value) => Object.fromEntries(services.map((name) => [name, make(name)]));
  for (const name of services) sim.classicLoadBalancing.addLoadBalancer(own(name));
  sim.iam.addRole({ account: PLACE.account, name: "hooks" });
  sim.sns.addTopic({ ...PLACE, name: "hooks" });
  return {
    image: sim.ec2.addImage(shared("base")),
    subnets: [sim.ec2.addSubnet(shared("private-a")), sim.ec2.addSubnet(shared("private-b"))],
    securityGroups: each((name) => sim.ec2.addSecurityGroup(own(name))),
    targetGroups: each((name) => sim.loadBalancing.addTargetGroup({ ...own(name), slowStartSeconds })),
    profiles: each((name) => {
      const path = `${constants.profileRoot}${PROJECT}/${CONFIG}/${name}/`;
      return sim.iam.addInstanceProfile({ account: PLACE.account, name, path });
    }),
  };
}

function tagsOf(service: string) {
  return { ProjectName: PROJECT, ConfigName: CONFIG, ServiceName: service };
}

function addOldGroup(sim: AwsSim, ids: WorldIds, input: OldGroup): string {
  const { service, releaseId = "release-1", desired = 2, tags = {} } = input;
  return sim.autoScaling.addGroup({
    ...PLACE,
    name: `${PROJECT}-${CONFIG}-${releaseId}-${service}`,
    desired,
    max: 10,
    subnets: ids.subnets,
    tags: { ...tagsOf(service), ReleaseID: releaseId, ...tags },
  });
}

/** Clients that try once; one of each class, as in a process. */
function toClients(sim: AwsSim): ReleaseDeps["target"]["client"] {
  const credentials = sim.iam.addUser({ account: PLACE.account, name: "deployer" });
  const plugin = createSimPlugin(sim);
  const clients = new Map<unknown, unknown>();
  return <Client>(type: new (config: never) => Client): Client => {
    const known = clients.get(type);
    // The map's value for a class is an instance of it.
    if (known !== undefined) return known as Client;
    const client = new type({ region: PLACE.region, credentials, maxAttempts: 1 } as never);
    (client as Pluggable).middlewareStack.use(plugin as never);
    clients.set(type, client);
    return client;
  };
}

/** A release with its new group next to the old one, which has the traffic. */
export interface Switch extends ReleaseWorld {
  /** The release with its present state. */
  readonly now: ReleaseWork;
  /** Names. */
  readonly oldGroup: string;
  readonly newGroup: string;
  readonly targetGroup: string;
  /** Runs a state and keeps its result. */
  run(task: ReleaseTask): Promise<ReleaseState>;
  /** Returns the names of the groups that are not being deleted. */
  standing(): readonly string[];
  pass(seconds: number): Promise<void>;
}

/** How a switch differs. */
export interface SwitchInput {
  readonly release?: Partial<Release>;
  readonly service?: Partial<Service>;
  readonly world?: WorldOptions;
  /** Of the old group. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Of the old group: the seconds of a termination hook. */
  readonly hookSeconds?: number;
  /** True to make the new group healthy. Default: true. */
  readonly isHealthy?: boolean;
}

const TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING";

/** Creates two servers of `web`, in a target group and a classic load balancer, before and after. */
export async function createSwitch(input: SwitchInput = {}): Promise<Switch> {
  const world = createReleaseWorld({ services: ["web"], ...input.world });
  const targetGroup = world.ids.targetGroups["web"] ?? "";
  const oldGroup = addOld(world, input, targetGroup);
  const service = aService({
    elbs: ["web"],
    target_groups: ["web"],
    autoscaling: anAutoscaling({ min_size: 2, max_size: 4 }),
    ...input.service,
  });
  let now = world.work({ services: { web: service }, ...input.release });
  const run = async (task: ReleaseTask): Promise<ReleaseState> => {
    const state = await world.until(task(world.deps, now));
    now = { ...now, state };
    return state;
  };
  await run(validateResources);
  const { services } = await run(deploy);
  if (input.isHealthy !== false) {
    await world.clock.advance(120_000);
    await run(checkHealthy);
  }
  return {
    ...world,
    oldGroup,
    targetGroup,
    run,
    get now() {
      return now;
    },
    newGroup: services["web"]?.created_asg ?? "",
    standing: () => world.sim.autoScaling.listGroups(PLACE).flatMap((each) => (each.isDeleting ? [] : each.name)),
    pass: (seconds) => world.clock.advance(seconds * 1_000),
  };
}

function addOld({ sim, ids }: ReleaseWorld, { tags, hookSeconds }: SwitchInput, targetGroup: string): string {
  const { project_name: ProjectName, config_name: ConfigName } = aRelease();
  const name = `${ProjectName}-${ConfigName}-2025-12-31T00-00-00Z-web`;
  return sim.autoScaling.addGroup({
    ...PLACE,
    name,
    desired: 2,
    min: 2,
    max: 8,
    subnets: ids.subnets,
    targetGroups: [targetGroup],
    loadBalancers: ["web"],
    ...(hookSeconds !== undefined && {
      hooks: [{ name: "bye", transition: TERMINATING, heartbeatSeconds: hookSeconds }],
    }),
    policies: [{ name: "up", alarms: [`${name}-cpu_scale_up`] }],
    tags: { ProjectName, ConfigName, ServiceName: "web", ReleaseID: "release-1", ...tags },
  });
}

/** Returns resources in the account that belong to no group or serving release: one line each. */
export async function findOrphans({ deps, clock }: Pick<ReleaseWorld, "deps" | "clock">): Promise<readonly string[]> {
  const { project_name, config_name } = aRelease();
  const facts = await loadRepairFacts(deps, { project_name, config_name });
  return findLeftOvers(facts, { now: clock.now(), running: [] }).map(
    ({ kind, name, why }) => `${kind} ${name}: ${why}`,
  );
}

/** The known values after a state. */
type Told = Partial<ReleaseValues> & Readonly<Record<string, unknown>>;

/** The results of a state's visits: an error class, or the values afterwards. Visits beyond the last one succeed. */
export type Script = Readonly<Partial<Record<ReleaseStateName, readonly (string | Told)[]>>>;

/** The way of a release through the table. */
interface Walk {
  readonly path: readonly string[];
  /** Seconds. */
  readonly pauses: readonly number[];
  readonly end: string;
}

/** Values of a release with a successful first health check. */
export const HEALTHY = { healthy: true, wait_for_healthy: 15, wait_for_detach: 30 } satisfies ReleaseValues;

/** Walks a release through the table: every visit of a state, retries too, is a place in the path. */
export function walkRelease(machine: ReleaseMachine, script: Script = {}): Walk {
  const path: string[] = [];
  const pauses: number[] = [];
  let values: ReleaseValues = HEALTHY;
  let position: ReleasePosition = FIRST_POSITION;
  while (path.length < 2_000) {
    const said = script[position.state]?.[path.filter((state) => state === position.state).length];
    path.push(position.state);
    values = typeof said === "object" ? { ...values, ...said } : values;
    const next = advance(machine, position, toOutcome(said), values);
    if (next.kind === "too-late") throw new Error(`a halt in ${position.state} comes too late`);
    if (next.kind === "ended") return { path: [...path, next.position.state], pauses, end: next.end };
    if (next.pauseSeconds > 0) pauses.push(next.pauseSeconds);
    position = next.position;
  }
  throw new Error("The release goes in circles.");
}

function toOutcome(said: string | object | undefined): ReleaseOutcome {
  return typeof said === "string" ? { kind: "failed", errorClass: said } : { kind: "done" };
}
