import { resolve } from "node:path";
import { defineCommand, optionalFlag, optionalText, StackyardError } from "@stackyard/core";
import { formatTable } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import { type AppsContext, choosePlace, type GivenPlace, placeArgs } from "./apps-command.ts";
import { loadRelease, type Release, type ReleaseFile } from "./load-release.ts";
import {
  findRememberedPlace,
  listPublished,
  type Place,
  type PublishedObject,
  publishFile,
  rememberPlace,
} from "./published-objects.ts";
import { findDeployedPlace, listStacks, STACK_TAGS, type StackFacts } from "./stack.ts";

const Args = Type.Object({
  ...placeArgs,
  app: Type.Optional(Type.Array(Type.String(), { description: "Only this app, may be repeated. Default: all." })),
  from: optionalText("The release's folder. Default: dist/release.", { placeholder: "dir" }),
  replace: optionalFlag("Overwrite a published version that has another digest."),
});

const DEFAULT_FOLDER = "dist/release";

/** `apps publish`: uploads zips and templates of a release after their sums were checked. */
export const appsPublish = defineCommand({
  name: "apps publish",
  summary: "Upload the apps of a release and their templates to a bucket.",
  args: Args,
  run: publish,
});

async function publish(context: AppsContext, args: Static<typeof Args>): Promise<number> {
  const { out, projectDir, dataDir, signal, aws } = context;
  const place = choosePlace(args, [await findRememberedPlace(dataDir)]);
  const release = await loadRelease(resolve(projectDir, args.from ?? DEFAULT_FOLDER));
  for (const file of chooseFiles(release, args.app)) {
    if (signal.aborted) throw new StackyardError("INTERRUPTED", "Interrupted. Publish again to upload the rest.");
    const replace = args.replace === true;
    const { key, action, versionId, sha256 } = await publishFile(aws.s3, place, file, { replace });
    const object = `s3://${place.bucket}/${key}`;
    const told = { kind: file.kind, name: file.name, version: file.version, object, action, sha256 };
    out.result({ ...told, versionId: versionId ?? null }, () => {
      const version = versionId === undefined ? "" : `  version ${versionId}`;
      return `${action === "uploaded" ? "uploaded" : "present "}  ${object}${version}  sha256 ${sha256}`;
    });
  }
  await rememberPlace(dataDir, place);
  return 0;
}

/** Returns the selected apps and all templates: templates always belong to one version. */
function chooseFiles({ files, version }: Release, names: readonly string[] | undefined): readonly ReleaseFile[] {
  if (names === undefined) return files;
  const known = files.filter(({ kind }) => kind === "app").map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const has = known.join(", ") || "none";
    throw new StackyardError("NOT_FOUND", `Release ${version} has no app ${unknown.join(", ")}; it has ${has}.`);
  }
  return files.filter(({ kind, name }) => kind === "template" || names.includes(name));
}

const ListArgs = Type.Object({ ...placeArgs });

/** `apps ls`: lists published releases, and deployments of them. */
export const appsLs = defineCommand({
  name: "apps ls",
  summary: "List the apps that are published, and the stacks that are deployed.",
  args: ListArgs,
  run: list,
});

async function list(context: AppsContext, args: Static<typeof ListArgs>): Promise<number> {
  const stacks = (await listStacks(context.aws.cloudFormation)).filter(({ tags }) => tags.has(STACK_TAGS.template));
  const place = await findPlace(context, args, stacks);
  const published = place === undefined ? [] : await listPublished(context.aws.s3, place);
  const deployed = stacks.map(toDeployed);
  context.out.result({ place: place ?? null, published, deployed }, () =>
    [
      ...formatPublished(place, published, context.out.columns),
      "",
      ...formatDeployed(deployed, context.out.columns),
    ].join("\n"),
  );
  return 0;
}

async function findPlace(
  { dataDir }: AppsContext,
  given: GivenPlace,
  stacks: readonly StackFacts[],
): Promise<Place | undefined> {
  const known = [await findRememberedPlace(dataDir), ...stacks.map(findDeployedPlace)];
  const isKnown = given.bucket !== undefined || known.some((place) => place !== undefined);
  return isKnown ? choosePlace(given, known) : undefined;
}

/** A deployed stack as `apps ls` prints it. Without a tag its text is empty. */
interface DeployedStack {
  readonly stack: string;
  readonly yard: string;
  readonly template: string;
  readonly release: string;
  readonly status: string;
  /** ISO 8601. */
  readonly changedAt: string;
}

function toDeployed({ name, status, changedAt, tags }: StackFacts): DeployedStack {
  const read = (tag: string): string => tags.get(tag) ?? "";
  const { yard, template, release } = STACK_TAGS;
  return { stack: name, yard: read(yard), template: read(template), release: read(release), status, changedAt };
}

function formatPublished(
  place: Place | undefined,
  published: readonly PublishedObject[],
  columns: number | undefined,
): readonly string[] {
  if (place === undefined) return ["This project has not published yet. Pass --bucket."];
  const rows = published.map(({ kind, name, version, bytes, publishedAt }) => {
    return [kind, name, version, `${bytes}`, publishedAt];
  });
  const where = `s3://${place.bucket}/${place.prefix}`;
  if (rows.length === 0) return [`Nothing is published in ${where}.`];
  return [
    `Published in ${where}`,
    formatTable([["kind", "name", "version", "bytes", "published"], ...rows], { columns }),
  ];
}

function formatDeployed(deployed: readonly DeployedStack[], columns: number | undefined): readonly string[] {
  if (deployed.length === 0) return ["Nothing is deployed in this account and region."];
  const rows = deployed.map(({ stack, yard, template, release, status, changedAt }) => {
    return [stack, yard, template, release, status, changedAt];
  });
  return [
    "Deployed",
    formatTable([["stack", "yard", "template", "release", "status", "changed"], ...rows], { columns }),
  ];
}
