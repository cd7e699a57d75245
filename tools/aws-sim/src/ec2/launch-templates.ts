import { findRecord, findText, isOwn, placeOf, type SimCall, toKey } from "../sim-call.ts";
import { type Ec2Resource, ec2Faults as faults, ownOf, readTagSpecifications, toTagList } from "./ec2-faults.ts";
import { describeResources, type ResourceKind, type ResourceStore } from "./resources.ts";

/** The store of the launch templates of all accounts. */
export interface LaunchTemplateStore extends ResourceStore {
  readonly launchTemplates: Map<string, SimLaunchTemplate>;
  /** What was made with which client token: the template and the request. */
  readonly templateTokens: Map<string, { readonly id: string; readonly request: string }>;
}

/** "CreateLaunchTemplate", LaunchTemplateName: 3 to 128 of these characters. */
const NAME = /^[a-zA-Z0-9().\-/_]{3,128}$/;
/** EC2 user guide, "Launch template restrictions": templates a Region, versions a template. */
const MAX_TEMPLATES = 5_000;

/** Implements CreateLaunchTemplate: with version 1. The same client token with the same request gives what is there. */
export function createLaunchTemplate(store: LaunchTemplateStore, call: SimCall): unknown {
  const { input, identity, now } = call;
  const name = findText(input, "LaunchTemplateName") ?? "";
  if (!NAME.test(name)) {
    throw faults.named(
      "InvalidLaunchTemplateName.MalformedException",
      `The launch template name '${name}' is malformed.`,
    );
  }
  const repeated = findRepeated(store, call);
  if (repeated !== undefined) return { LaunchTemplate: toTemplate(repeated) };
  const own = [...store.launchTemplates.values()].filter((each) => isOwn(each, call));
  if (own.some((each) => each.name === name)) {
    throw faults.named("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.");
  }
  if (own.length >= MAX_TEMPLATES) {
    throw faults.named(
      "LaunchTemplateLimitExceeded",
      `You have reached the limit of ${MAX_TEMPLATES} launch templates.`,
    );
  }
  const template: SimLaunchTemplate = {
    ...placeOf(call),
    id: store.nextId("lt"),
    name,
    createdAt: now,
    createdBy: identity.arn,
    visibleAt: store.seenAt(now),
    defaultVersion: 1,
    versions: [{ number: 1, data: readTemplateData(input) }],
    tags: readTagSpecifications(call, "launch-template"),
  };
  store.launchTemplates.set(template.id, template);
  store.templateTokens.set(toTokenKey(call), { id: template.id, request: toRequest(input) });
  return { LaunchTemplate: toTemplate(template) };
}

/** Implements DeleteLaunchTemplate: with all of its versions. Instances and groups that were made with it live on. */
export function deleteLaunchTemplate(store: LaunchTemplateStore, call: SimCall): unknown {
  const template = findTemplate(store.launchTemplates.values(), call);
  store.launchTemplates.delete(template.id);
  return { LaunchTemplate: toTemplate(template) };
}

function findRepeated(store: LaunchTemplateStore, call: SimCall): SimLaunchTemplate | undefined {
  // The SDK fills in a token of its own when it writes the request, which a call in process never comes to.
  if (call.input["ClientToken"] === undefined) return;
  const known = store.templateTokens.get(toTokenKey(call));
  if (known === undefined) return;
  if (known.request !== toRequest(call.input)) {
    throw faults.named("IdempotentParameterMismatch", "The client token was used with other parameters.");
  }
  return store.launchTemplates.get(known.id);
}

function toTokenKey(call: SimCall): string {
  return toKey({ ...placeOf(call), name: String(call.input["ClientToken"]) });
}

function toRequest(input: SimCall["input"]): string {
  return JSON.stringify(Object.entries(input).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

type Input = SimCall["input"];

/** A launch template with its versions. */
interface SimLaunchTemplate extends Ec2Resource {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly defaultVersion: number;
  readonly versions: readonly TemplateVersion[];
}

/** One version. */
export interface TemplateVersion {
  readonly number: number;
  readonly data: Input;
}

/** Returns the template named by id or by name in a request. */
function findTemplate(templates: Iterable<SimLaunchTemplate>, call: SimCall): SimLaunchTemplate {
  const id = findText(call.input, "LaunchTemplateId");
  const name = findText(call.input, "LaunchTemplateName");
  if (id !== undefined && name !== undefined) {
    throw faults.combined("Only one of launch template ID and launch template name can be specified.");
  }
  if (id === undefined && name === undefined) {
    throw faults.named("MissingParameter", "Either a launch template ID or a launch template name must be specified.");
  }
  const own = [...templates].filter((each) => isOwn(each, call));
  const found = own.find((each) => (id === undefined ? each.name === name : each.id === id));
  if (found !== undefined) return found;
  throw id === undefined ? unknownName(name ?? "") : unknownId(id);
}

/** Follows EC2 API reference, "Error codes", InvalidLaunchTemplateId.NotFound. */
function unknownId(id: string) {
  return faults.named(
    "InvalidLaunchTemplateId.NotFound",
    `The specified launch template, with template ID ${id}, does not exist.`,
  );
}

/** Follows EC2 API reference, "Error codes", InvalidLaunchTemplateName.NotFoundException. */
function unknownName(name: string) {
  return faults.named(
    "InvalidLaunchTemplateName.NotFoundException",
    `The specified launch template, with template name ${name}, does not exist.`,
  );
}

/** Returns a version by its number, `$Latest` or `$Default`. */
export function findVersion(template: SimLaunchTemplate, version: string): TemplateVersion | undefined {
  if (version === "$Latest") return template.versions.at(-1);
  const number = version === "$Default" ? template.defaultVersion : Number(version);
  return template.versions.find((each) => each.number === number);
}

/** Follows the API reference, "LaunchTemplate". */
function toTemplate(template: SimLaunchTemplate): unknown {
  const { id, name, createdAt, createdBy, defaultVersion, versions, tags } = template;
  return {
    LaunchTemplateId: id,
    LaunchTemplateName: name,
    CreateTime: new Date(createdAt),
    CreatedBy: createdBy,
    DefaultVersionNumber: defaultVersion,
    LatestVersionNumber: versions.at(-1)?.number,
    Tags: toTagList(tags),
  };
}

/** EC2 user guide, "Instance user data": "limited to 16 KB, in raw form, before it is base64-encoded". */
const MAX_USER_DATA_BYTES = 16_384;

/** Returns the data of a new version, validated as EC2 does when a version is created. */
function readTemplateData(input: Input): Input {
  const data = findRecord(input, "LaunchTemplateData") ?? {};
  if (Object.keys(data).length === 0) {
    throw faults.named("MissingParameter", "The request must contain the parameter LaunchTemplateData");
  }
  const userData = findText(data, "UserData");
  if (userData === undefined) return data;
  const raw = Buffer.from(userData, "base64");
  if (raw.toString("base64").replace(/=+$/, "") !== userData.replace(/=+$/, "")) {
    throw faults.named("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.");
  }
  if (raw.length > MAX_USER_DATA_BYTES) {
    throw faults.invalid(`User data is limited to ${MAX_USER_DATA_BYTES} bytes`);
  }
  return data;
}

/** "DescribeLaunchTemplates" and "DescribeLaunchTemplateVersions", MaxResults: "between 1 and 200". */
const PAGES = { min: 1, max: 200 };

const KIND: ResourceKind<SimLaunchTemplate> = {
  keys: {
    LaunchTemplateIds: { of: ({ id }) => id, missing: unknownId },
    LaunchTemplateNames: { of: ({ name }) => name, missing: unknownName },
  },
  readers: {
    "launch-template-name": ({ name }) => [name],
  },
  pages: PAGES,
  answer: "LaunchTemplates",
  toOutput: toTemplate,
};

/** Implements DescribeLaunchTemplates. Source: EC2 API reference. */
export function describeLaunchTemplates(templates: Iterable<SimLaunchTemplate>, call: SimCall): unknown {
  return describeResources(ownOf(templates, call), KIND, call);
}
