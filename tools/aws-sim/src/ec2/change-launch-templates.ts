import { textsOf } from "../input-lists.ts";
import { findText, type SimCall } from "../sim-call.ts";
import { ec2Faults as faults } from "./ec2-faults.ts";
import { isOwn } from "./ec2-place.ts";
import { readTagSpecifications } from "./ec2-tags.ts";
import {
  findTemplate,
  findVersion,
  readTemplateData,
  type SimLaunchTemplate,
  type TemplateVersion,
  toTemplate,
  toVersion,
  versionOf,
} from "./launch-template.ts";

/** The store, and what gives new ones their ids and instants. */
export interface LaunchTemplateStore {
  readonly launchTemplates: Map<string, SimLaunchTemplate>;
  /** What was made with which client token: the template and the request. */
  readonly templateTokens: Map<string, { readonly id: string; readonly request: string }>;
  /** A new id, such as `lt-…`. */
  nextId(prefix: string): string;
  /** When Describe operations know of what is made at an instant. */
  seenAt(now: number): number;
}

/** "CreateLaunchTemplate", LaunchTemplateName: 3 to 128 of these characters. */
const NAME = /^[a-zA-Z0-9().\-/_]{3,128}$/;
/** EC2 user guide, "Launch template restrictions": templates a Region, versions a template. */
const MAX_TEMPLATES = 5_000;
const MAX_VERSIONS = 10_000;
/** "DeleteLaunchTemplateVersions": "up to 200 launch template version numbers". */
const MAX_DELETED = 200;

/** CreateLaunchTemplate: with version 1. The same client token with the same request gives what is there. */
export function createLaunchTemplate(store: LaunchTemplateStore, call: SimCall): unknown {
  const { input, identity, region, now } = call;
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
  const version = toNewVersion(call, 1, readTemplateData(input));
  const template: SimLaunchTemplate = {
    account: identity.account,
    region,
    id: store.nextId("lt"),
    name,
    createdAt: now,
    createdBy: identity.arn,
    visibleAt: store.seenAt(now),
    defaultVersion: 1,
    latestNumber: 1,
    versions: [version],
    tags: readTagSpecifications(call, "launch-template"),
  };
  store.launchTemplates.set(template.id, template);
  store.templateTokens.set(toTokenKey(call), { id: template.id, request: toRequest(input) });
  return { LaunchTemplate: toTemplate(template) };
}

/** CreateLaunchTemplateVersion: the next number, over the data of a source version where one is named. */
export function createLaunchTemplateVersion(store: LaunchTemplateStore, call: SimCall): unknown {
  const template = findTemplate(store.launchTemplates.values(), call);
  if (template.versions.length >= MAX_VERSIONS) {
    throw faults.named("VersionLimitExceeded", `You have reached the limit of ${MAX_VERSIONS} versions.`);
  }
  const source = findText(call.input, "SourceVersion");
  const base = source === undefined ? {} : versionOf(template, source).data;
  const number = template.latestNumber + 1;
  const version = toNewVersion(call, number, { ...base, ...readTemplateData(call.input) });
  const next = { ...template, latestNumber: number, versions: [...template.versions, version] };
  store.launchTemplates.set(template.id, next);
  return { LaunchTemplateVersion: toVersion(next, version) };
}

/** ModifyLaunchTemplate: another default version. */
export function modifyLaunchTemplate(store: LaunchTemplateStore, call: SimCall): unknown {
  const template = findTemplate(store.launchTemplates.values(), call);
  const version = findText(call.input, "DefaultVersion");
  const next = version === undefined ? template : { ...template, defaultVersion: versionOf(template, version).number };
  store.launchTemplates.set(template.id, next);
  return { LaunchTemplate: toTemplate(next) };
}

/** DeleteLaunchTemplate: with all of its versions. Instances and groups that were made with it live on. */
export function deleteLaunchTemplate(store: LaunchTemplateStore, call: SimCall): unknown {
  const template = findTemplate(store.launchTemplates.values(), call);
  store.launchTemplates.delete(template.id);
  return { LaunchTemplate: toTemplate(template) };
}

/** DeleteLaunchTemplateVersions: the default version cannot be deleted; what cannot is told beside what is. */
export function deleteLaunchTemplateVersions(store: LaunchTemplateStore, call: SimCall): unknown {
  const template = findTemplate(store.launchTemplates.values(), call);
  const asked = textsOf(call.input, "Versions");
  if (asked.length > MAX_DELETED) throw faults.invalid(`You can specify up to ${MAX_DELETED} versions.`);
  const judged = asked.map((version) => ({ version, fault: findFault(template, version) }));
  const deleted = judged.filter(({ fault }) => fault === undefined).map(({ version }) => Number(version));
  const versions = template.versions.filter(({ number }) => !deleted.includes(number));
  store.launchTemplates.set(template.id, { ...template, versions });
  const about = { LaunchTemplateId: template.id, LaunchTemplateName: template.name };
  return {
    SuccessfullyDeletedLaunchTemplateVersions: deleted.map((VersionNumber) => ({ ...about, VersionNumber })),
    UnsuccessfullyDeletedLaunchTemplateVersions: judged
      .filter(({ fault }) => fault !== undefined)
      .map(({ version, fault }) => ({ ...about, VersionNumber: Number(version), ResponseError: fault })),
  };
}

function findFault(template: SimLaunchTemplate, version: string): { Code: string; Message: string } | undefined {
  const found = findVersion(template, version);
  if (found === undefined) {
    return { Code: "launchTemplateVersionDoesNotExist", Message: `Version ${version} does not exist.` };
  }
  if (found.number !== template.defaultVersion) return;
  return { Code: "unexpectedError", Message: "You cannot delete the default version of a launch template." };
}

function toNewVersion({ input, identity, now }: SimCall, number: number, data: SimCall["input"]): TemplateVersion {
  return { number, description: findText(input, "VersionDescription"), createdAt: now, createdBy: identity.arn, data };
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

function toTokenKey({ input, identity, region }: SimCall): string {
  return [identity.account, region, String(input["ClientToken"])].join("/");
}

function toRequest(input: SimCall["input"]): string {
  return JSON.stringify(Object.entries(input).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
