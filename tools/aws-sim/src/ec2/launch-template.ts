import { findRecord } from "../input-lists.ts";
import { findText, type SimCall } from "../sim-call.ts";
import { ec2Faults as faults } from "./ec2-faults.ts";
import { type Ec2Resource, isOwn } from "./ec2-place.ts";
import { toTagList } from "./ec2-tags.ts";

type Input = SimCall["input"];

/** A launch template with its versions. */
export interface SimLaunchTemplate extends Ec2Resource {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly defaultVersion: number;
  /** The highest number that was given: numbers are never given twice. */
  readonly latestNumber: number;
  readonly versions: readonly TemplateVersion[];
}

/** One version. */
export interface TemplateVersion {
  readonly number: number;
  readonly description: string | undefined;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly data: Input;
}

/** The template that a request names by id or by name. */
export function findTemplate(templates: Iterable<SimLaunchTemplate>, call: SimCall): SimLaunchTemplate {
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

/** Source: EC2 API reference, "Error codes", InvalidLaunchTemplateId.NotFound. */
export function unknownId(id: string) {
  return faults.named(
    "InvalidLaunchTemplateId.NotFound",
    `The specified launch template, with template ID ${id}, does not exist.`,
  );
}

/** Source: EC2 API reference, "Error codes", InvalidLaunchTemplateName.NotFoundException. */
export function unknownName(name: string) {
  return faults.named(
    "InvalidLaunchTemplateName.NotFoundException",
    `The specified launch template, with template name ${name}, does not exist.`,
  );
}

/** A version by its number, `$Latest` or `$Default`. */
export function findVersion(template: SimLaunchTemplate, version: string): TemplateVersion | undefined {
  if (version === "$Latest") return template.versions.at(-1);
  const number = version === "$Default" ? template.defaultVersion : Number(version);
  return template.versions.find((each) => each.number === number);
}

/** The same, where it has to be there. */
export function versionOf(template: SimLaunchTemplate, version: string): TemplateVersion {
  const found = findVersion(template, version);
  if (found !== undefined) return found;
  throw faults.named(
    "InvalidLaunchTemplateId.VersionNotFound",
    `Could not find the specified version ${version} for the launch template with ID ${template.id}.`,
  );
}

/** API reference, "LaunchTemplate". */
export function toTemplate(template: SimLaunchTemplate): unknown {
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

/** API reference, "LaunchTemplateVersion". */
export function toVersion({ id, name, defaultVersion }: SimLaunchTemplate, version: TemplateVersion): unknown {
  const { number, description, createdAt, createdBy, data } = version;
  return {
    LaunchTemplateId: id,
    LaunchTemplateName: name,
    VersionNumber: number,
    ...(description === undefined ? {} : { VersionDescription: description }),
    CreateTime: new Date(createdAt),
    CreatedBy: createdBy,
    DefaultVersion: number === defaultVersion,
    LaunchTemplateData: data,
  };
}

/** EC2 user guide, "Instance user data": "limited to 16 KB, in raw form, before it is base64-encoded". */
const MAX_USER_DATA_BYTES = 16_384;

/** The data of a new version, held to what EC2 looks at when a version is made. */
export function readTemplateData(input: Input): Input {
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
