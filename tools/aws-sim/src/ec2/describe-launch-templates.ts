import { textsOf } from "../input-lists.ts";
import { findText, type SimCall } from "../sim-call.ts";
import { describeResources, type ResourceKind } from "./describe-resources.ts";
import { ec2Faults as faults } from "./ec2-faults.ts";
import { ownOf } from "./ec2-place.ts";
import {
  findTemplate,
  findVersion,
  type SimLaunchTemplate,
  type TemplateVersion,
  toTemplate,
  toVersion,
  unknownId,
  unknownName,
  versionOf,
} from "./launch-template.ts";
import { toPage } from "./read-page.ts";

/** "DescribeLaunchTemplates" and "DescribeLaunchTemplateVersions", MaxResults: "between 1 and 200". */
const PAGES = { min: 1, max: 200 };

const KIND: ResourceKind<SimLaunchTemplate> = {
  keys: {
    LaunchTemplateIds: { of: ({ id }) => id, missing: unknownId },
    LaunchTemplateNames: { of: ({ name }) => name, missing: unknownName },
  },
  readers: {
    "create-time": ({ createdAt }) => [new Date(createdAt).toISOString()],
    "launch-template-name": ({ name }) => [name],
  },
  pages: PAGES,
  answer: "LaunchTemplates",
  toOutput: toTemplate,
};

/** DescribeLaunchTemplates. Source: EC2 API reference. */
export function describeLaunchTemplates(templates: Iterable<SimLaunchTemplate>, call: SimCall): unknown {
  return describeResources(ownOf(templates, call), KIND, call);
}

/** DescribeLaunchTemplateVersions: of one template, or the latest or default ones of all. The newest come first. */
export function describeLaunchTemplateVersions(templates: Iterable<SimLaunchTemplate>, call: SimCall): unknown {
  const { input } = call;
  const seen = ownOf(templates, call);
  const isNamed = input["LaunchTemplateId"] !== undefined || input["LaunchTemplateName"] !== undefined;
  const found = isNamed ? versionsOfOne(findTemplate(seen, call), call) : versionsOfAll(seen, call);
  const { rows, next } = toPage(found, call, PAGES);
  return { LaunchTemplateVersions: rows.map(([template, version]) => toVersion(template, version)), ...next };
}

type Row = readonly [SimLaunchTemplate, TemplateVersion];

function versionsOfOne(template: SimLaunchTemplate, { input }: SimCall): readonly Row[] {
  const asked = textsOf(input, "Versions");
  if (asked.length > 0) return asked.map((version) => [template, versionOf(template, version)]);
  const min = Number(findText(input, "MinVersion") ?? 1);
  const max = Number(findText(input, "MaxVersion") ?? Number.POSITIVE_INFINITY);
  return template.versions
    .filter(({ number }) => number >= min && number <= max)
    .toReversed()
    .map((version) => [template, version]);
}

function versionsOfAll(seen: readonly SimLaunchTemplate[], { input }: SimCall): readonly Row[] {
  const asked = textsOf(input, "Versions");
  if (asked.length === 0) {
    throw faults.named("MissingParameter", "Either a launch template ID or a launch template name must be specified.");
  }
  const numbered = asked.find((version) => !version.startsWith("$"));
  if (numbered !== undefined) {
    throw faults.invalid(`Version ${numbered} needs a launch template; only $Latest and $Default do not.`);
  }
  return seen.flatMap((template) =>
    asked.flatMap((version): Row[] => {
      const found = findVersion(template, version);
      return found === undefined ? [] : [[template, found]];
    }),
  );
}
