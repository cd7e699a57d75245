import { formatTable } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import type { Place } from "../object-keys.ts";
import { listPublished, type PublishedObject } from "../release/list-published.ts";
import { findRememberedPlace } from "../release/remembered-place.ts";
import { listStacks, type StackFacts } from "../stack/find-stack.ts";
import { findDeployedPlace, STACK_TAGS } from "../stack/stack-tags.ts";
import type { AppsCommandSpec, AppsContext } from "./apps-command.ts";
import { choosePlace, type GivenPlace, placeArgs } from "./place-args.ts";

const Args = Type.Object({ ...placeArgs });

/** `apps ls`: what is published, and what is deployed from it. */
export const appsLs: AppsCommandSpec<typeof Args> = {
  name: "apps ls",
  summary: "List the apps that are published, and the stacks that are deployed.",
  args: Args,
  run: list,
};

/** A stack of ours, told. */
interface DeployedStack {
  readonly stack: string;
  readonly yard: string;
  readonly template: string;
  readonly release: string;
  readonly status: string;
  readonly changedAt: string;
}

async function list(context: AppsContext, args: Static<typeof Args>): Promise<number> {
  const stacks = (await listStacks(context.aws.cloudFormation)).filter(({ tags }) => tags.has(STACK_TAGS.template));
  const place = await findPlace(context, args, stacks);
  const published = place === undefined ? [] : await listPublished(context.aws.s3, place);
  const deployed = stacks.map(toDeployed);
  context.out.result({ place: place ?? null, published, deployed }, () =>
    [...tellPublished(place, published, context.out.columns), "", ...tellDeployed(deployed, context.out.columns)].join(
      "\n",
    ),
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

function toDeployed({ name, status, changedAt, tags }: StackFacts): DeployedStack {
  const read = (tag: string): string => tags.get(tag) ?? "";
  const { yard, template, release } = STACK_TAGS;
  return { stack: name, yard: read(yard), template: read(template), release: read(release), status, changedAt };
}

function tellPublished(
  place: Place | undefined,
  published: readonly PublishedObject[],
  columns: number | undefined,
): readonly string[] {
  if (place === undefined)
    return ["Nothing is published yet as far as this project knows; name a bucket with --bucket."];
  const rows = published.map(({ kind, name, version, bytes, publishedAt }) => [
    kind,
    name,
    version,
    `${bytes}`,
    publishedAt,
  ]);
  const where = `s3://${place.bucket}/${place.prefix}`;
  if (rows.length === 0) return [`Nothing is published in ${where}.`];
  return [
    `Published in ${where}`,
    formatTable([["kind", "name", "version", "bytes", "published"], ...rows], { columns }),
  ];
}

function tellDeployed(deployed: readonly DeployedStack[], columns: number | undefined): readonly string[] {
  if (deployed.length === 0) return ["Nothing is deployed in this account and region."];
  const rows = deployed.map(({ stack, yard, template, release, status, changedAt }) => {
    return [stack, yard, template, release, status, changedAt];
  });
  return [
    "Deployed",
    formatTable([["stack", "yard", "template", "release", "status", "changed"], ...rows], { columns }),
  ];
}
