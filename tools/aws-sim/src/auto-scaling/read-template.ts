import { findVersion } from "../ec2/launch-template.ts";
import { findRecord, recordsOf, textsOf } from "../input-lists.ts";
import { findText, type SimCall } from "../sim-call.ts";
import { autoScalingFaults as faults } from "./auto-scaling-faults.ts";
import type { AutoScalingState } from "./auto-scaling-state.ts";
import { toGroupKey } from "./group-key.ts";
import { resolveLaunch } from "./resolve-launch.ts";
import type { LaunchSource } from "./sim-group.ts";
import type { TemplateRef } from "./template-ref.ts";

type Input = SimCall["input"];
type TemplateSource = Exclude<LaunchSource, { kind: "configuration" }>;

/** "LaunchTemplate", Overrides: "Maximum number of 40" types. */
const MAX_OVERRIDES = 40;
const SOURCES = ["LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy"];

/** What a request launches from; undefined: it names nothing. What is named has to be there and be launchable. */
export function readLaunchSource(state: AutoScalingState, call: SimCall): LaunchSource | undefined {
  const { input } = call;
  const named = SOURCES.filter((field) => input[field] !== undefined);
  if (named.length === 0) return;
  if (named.length > 1) {
    throw faults.invalid(
      "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.",
    );
  }
  const source = toSource(state, call);
  if (source.kind === "configuration") return source;
  checkTemplate(state, source);
  checkLaunchable(state, call, source);
  return source;
}

function toSource(state: AutoScalingState, call: SimCall): LaunchSource {
  const { input, identity, region } = call;
  const name = findText(input, "LaunchConfigurationName");
  if (name !== undefined) {
    if (!state.configurations.has(toGroupKey({ account: identity.account, region, name }))) {
      throw faults.invalid(`Launch configuration name not found - Launch configuration ${name} not found`);
    }
    return { kind: "configuration", name };
  }
  const template = findRecord(input, "LaunchTemplate");
  if (template !== undefined) return { kind: "template", template: toTemplateRef(state, call, template) };
  const policy = findRecord(input, "MixedInstancesPolicy") ?? {};
  return { kind: "mixed", template: toMixedTemplate(state, call, policy), policy };
}

function toMixedTemplate(state: AutoScalingState, call: SimCall, policy: Input): TemplateRef {
  const launch = findRecord(policy, "LaunchTemplate") ?? {};
  const specification = findRecord(launch, "LaunchTemplateSpecification");
  if (specification === undefined) {
    throw faults.invalid("LaunchTemplate in MixedInstancesPolicy must contain a LaunchTemplateSpecification.");
  }
  const overrides = recordsOf(launch, "Overrides");
  if (overrides.length > MAX_OVERRIDES) {
    throw faults.constraint("overrides", overrides.length, `have length less than or equal to ${MAX_OVERRIDES}`);
  }
  const types = overrides.map((each) => findText(each, "InstanceType")).filter((type) => type !== undefined);
  if (new Set(types).size < types.length) {
    throw faults.invalid("Duplicate instance types in overrides of the MixedInstancesPolicy.");
  }
  return toTemplateRef(state, call, specification);
}

function toTemplateRef(state: AutoScalingState, { identity, region }: SimCall, named: Input): TemplateRef {
  const id = findText(named, "LaunchTemplateId");
  const name = findText(named, "LaunchTemplateName");
  if ((id === undefined) === (name === undefined)) {
    throw faults.invalid("Valid requests must contain either launchTemplateId or LaunchTemplateName");
  }
  const found = [...state.ec2.state.launchTemplates.values()].find(
    (each) =>
      each.account === identity.account &&
      each.region === region &&
      (id === undefined ? each.name === name : each.id === id),
  );
  if (found === undefined) {
    const what = id === undefined ? `template name ${name}` : `template ID ${id}`;
    throw invalidTemplate(`The specified launch template, with ${what}, does not exist.`);
  }
  // "LaunchTemplateSpecification", Version: "If not specified, the default".
  return { id: found.id, name: found.name, version: findText(named, "Version") ?? "$Default" };
}

/** User guide, "Create a launch template": what EC2 takes in a template, and Auto Scaling does not. */
function checkTemplate({ ec2 }: AutoScalingState, source: TemplateSource): void {
  const template = ec2.state.launchTemplates.get(source.template.id);
  const data = template === undefined ? undefined : findVersion(template, source.template.version)?.data;
  if (data === undefined) return;
  const interfaces = recordsOf(data, "NetworkInterfaces");
  if (interfaces.length > 0 && textsOf(data, "SecurityGroupIds").length > 0) {
    throw faults.query(
      "Invalid launch template: When a network interface is provided, the security groups must be a part of it.",
    );
  }
  if (source.kind === "mixed" && data["InstanceMarketOptions"] !== undefined) {
    throw faults.invalid(
      "You cannot use a launch template that is set to request Spot Instances (InstanceMarketOptions) when you configure an Auto Scaling group with a mixed instances policy.",
    );
  }
}

/** Auto Scaling tries the template out before it takes it. */
function checkLaunchable(state: AutoScalingState, { identity, region }: SimCall, source: TemplateSource): void {
  const order = resolveLaunch(state, { account: identity.account, region }, { source, count: 0 });
  if ("fault" in order) throw invalidTemplate(order.fault);
}

function invalidTemplate(why: string) {
  return faults.invalid(`You must use a valid fully-formed launch template. ${why}`);
}
