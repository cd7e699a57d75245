import type { Clock } from "@stackyard/core";
import { isOwn, type Place, type SimCall, type SimService, textsOf } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import { ec2Faults } from "./ec2-faults.ts";
import {
  addImage,
  addPlacementGroup,
  addSecurityGroup,
  addSubnet,
  createEc2State,
  describeInstances,
  type Ec2Settings,
  type Ec2State,
  type InstanceState,
  type SimInstance,
  type StateAt,
  stateOf,
} from "./ec2-state.ts";
import { createLaunchTemplate, deleteLaunchTemplate, describeLaunchTemplates } from "./launch-templates.ts";
import {
  createPlacementGroup,
  deletePlacementGroup,
  describeImages,
  describePlacementGroups,
  describeSecurityGroups,
  describeSubnets,
  type ImageInput,
  type PlacementGroupInput,
  type SecurityGroupInput,
  type SimPlacementGroup,
  type SubnetInput,
} from "./resources.ts";

/** Instances with tags and states, and what they are launched with. */
export interface SimEc2 {
  readonly service: SimService;
  /** Gives the id. */
  addInstance(input: InstanceInput): string;
  /** Sets this state now, or at a future instant. */
  changeState(instanceId: string, state: InstanceState, at?: number): void;
  /** Adds machine images, subnets and the like: each returns the id. */
  addImage(input: ImageInput): string;
  addSubnet(input: SubnetInput): string;
  addSecurityGroup(input: SecurityGroupInput): string;
  addPlacementGroup(input: PlacementGroupInput): string;
  /** Makes EC2 later. */
  set(settings: Partial<Ec2Settings>): void;
  /** All that is there, for what launches instances. */
  readonly state: Ec2State;
  findInstance(instanceId: string): SimInstance | undefined;
}

/** An instance that was launched. Defaults: the next free id, a reservation of its own, launched and visible now. */
export interface InstanceInput extends Place, Partial<Omit<SimInstance, "states" | keyof Place>> {
  /** Default: `running`. */
  readonly state?: InstanceState;
}

/** Creates EC2 without resources. Sources: EC2 API reference and user guide, cited at each part. */
export function createEc2({ clock }: { readonly clock: Clock }): SimEc2 {
  const state = createEc2State();
  const { instances } = state;
  const change = (instanceId: string, by: (instance: SimInstance) => Partial<SimInstance>): void => {
    const instance = instances.get(instanceId);
    if (instance === undefined) throw new Error(`The simulation has no instance ${instanceId}.`);
    instances.set(instanceId, { ...instance, ...by(instance) });
  };
  return {
    service: { operations: ec2Operations(state), toAction: (operation) => `ec2:${operation}`, faults: ec2Faults },
    state,
    addInstance: (input) => addInstance(instances, input, clock.now()),
    changeState: (instanceId, next, at = clock.now()) =>
      change(instanceId, ({ states }) => ({ states: insertState(states, { at, state: next }) })),
    addImage: (input) => addImage(state, input, clock.now()),
    addSubnet: (input) => addSubnet(state, input),
    addSecurityGroup: (input) => addSecurityGroup(state, input),
    addPlacementGroup: (input) => addPlacementGroup(state, input),
    set: (settings) => void Object.assign(state.settings, settings),
    findInstance: (instanceId) => instances.get(instanceId),
  };
}

function addInstance(instances: Map<string, SimInstance>, input: InstanceInput, now: number): string {
  const number = (instances.size + 1).toString(16).padStart(17, "0");
  const { account, region, instanceId = `i-${number}`, state = "running", launchedAt = now } = input;
  instances.set(instanceId, {
    account,
    region,
    instanceId,
    launchedAt,
    launch: input.launch,
    reservationId: input.reservationId ?? `r-${number}`,
    platform: input.platform,
    instanceType: input.instanceType ?? "t3.micro",
    visibleAt: input.visibleAt ?? 0,
    states: [{ at: 0, state }],
    tags: input.tags ?? {},
  });
  return instanceId;
}

function insertState(states: readonly StateAt[], next: StateAt): readonly StateAt[] {
  return [...states, next].toSorted((left, right) => left.at - right.at);
}

/** Serves the operations of EC2. */
function ec2Operations(state: Ec2State): SimService["operations"] {
  return {
    DescribeInstances: (call) => describeInstances([...state.instances.values()], call),
    TerminateInstances: (call) => changeStates(state, call, ["shutting-down", "terminated"]),
    StopInstances: (call) => changeStates(state, call, ["stopping", "stopped"]),
    DescribeImages: (call) => describeImages(state.images.values(), call),
    DescribeSubnets: (call) => describeSubnets(state.subnets.values(), call),
    DescribeSecurityGroups: (call) => describeSecurityGroups(state.securityGroups.values(), call),
    DescribePlacementGroups: (call) => describePlacementGroups(state.placementGroups, call),
    CreatePlacementGroup: (call) => createPlacementGroup(state, call),
    DeletePlacementGroup: (call) =>
      deletePlacementGroup(state.placementGroups, call, (group) => isUsed(state, group, call.now)),
    CreateLaunchTemplate: (call) => createLaunchTemplate(state, call),
    DescribeLaunchTemplates: (call) => describeLaunchTemplates(state.launchTemplates.values(), call),
    DeleteLaunchTemplate: (call) => deleteLaunchTemplate(state, call),
  };
}

/** A minute from the request to the last state; AWS states no time ("Instance lifecycle"). */
const ENDS_AFTER_MS = 60_000;

/** Implements TerminateInstances and StopInstances: `InvalidInstanceID.NotFound` unless all instances exist. */
function changeStates({ instances }: Ec2State, call: SimCall, [first, last]: readonly [InstanceState, InstanceState]) {
  const ids = textsOf(call.input, "InstanceIds");
  const found = ids.map((id) => instances.get(id)).filter((each) => each !== undefined && isOwn(each, call));
  if (found.length < ids.length) {
    throw new SimFault("InvalidInstanceID.NotFound", 400, `The instance IDs '${ids.join(", ")}' do not exist`);
  }
  for (const instance of found) {
    if (instance === undefined) continue;
    const begun = insertState(instance.states, { at: call.now, state: first });
    const states = insertState(begun, { at: call.now + ENDS_AFTER_MS, state: last });
    instances.set(instance.instanceId, { ...instance, states });
  }
  return {};
}

function isUsed({ instances }: Ec2State, { account, region, name }: SimPlacementGroup, now: number): boolean {
  return [...instances.values()].some(
    (each) =>
      each.account === account &&
      each.region === region &&
      each.launch?.placementGroup === name &&
      stateOf(each, now) !== "terminated",
  );
}
